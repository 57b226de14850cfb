package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// fresh is how soon requests were seen.
type fresh struct {
	latencies []time.Duration // sorted, of each request
	sent      int
	entries   int // of the batches
	took      time.Duration
	cpu       time.Duration
	postSlow  time.Duration // the slowest answer of the edge to a batch
}

func (f *fresh) at(part float64) time.Duration {
	if len(f.latencies) == 0 {
		return 0
	}
	return f.latencies[min(len(f.latencies)-1, int(part*float64(len(f.latencies))))]
}

// follower sees the requests of one account. The first that were sent are the
// first to be seen.
type follower struct {
	mu        sync.Mutex
	sent      []time.Time
	seen      int
	latencies []time.Duration
}

func (f *follower) send(times []time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, times...)
}

func (f *follower) see(total int, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ; f.seen < min(total, len(f.sent)); f.seen++ {
		f.latencies = append(f.latencies, at.Sub(f.sent[f.seen]))
	}
}

// freshness times requests from when they were made to when a subscriber of their
// account reads of them.
func freshness(ctx context.Context, p plan) (f fresh, err error) {
	first, err := makeAccounts(ctx, p)
	if err != nil {
		return f, err
	}
	s, err := startServer(ctx, p, false)
	if err != nil {
		return f, err
	}
	defer s.stop()
	sockets, err := dialAll(ctx, p.accounts, "ws://"+s.GraphQL+"/graphql", s.Token)
	if err != nil {
		return f, err
	}
	defer closeAll(sockets)
	followers := make([]*follower, p.accounts)
	for i, c := range sockets {
		followers[i] = new(follower)
		id := controlplane.KindAccount.Format(first + controlplane.ID(i))
		if err := c.subscribe("1", fmt.Sprintf(`subscription{usage(accountId:%q){totals{requests}}}`, id)); err != nil {
			return f, err
		}
		go followers[i].read(c)
	}
	pause(ctx, warmUp)
	cpu, err := s.cpu()
	if err != nil {
		return f, err
	}
	began := time.Now()
	if err := f.flood(ctx, p, s, followers, first); err != nil {
		return f, err
	}
	f.took = time.Since(began)
	after, err := s.cpu()
	f.cpu = after - cpu
	pause(ctx, 5*time.Second) // for the last ones
	for _, one := range followers {
		one.mu.Lock()
		f.latencies, f.sent = append(f.latencies, one.latencies...), f.sent+len(one.sent)
		one.mu.Unlock()
	}
	slices.Sort(f.latencies)
	return f, err
}

func (f *follower) read(c *socket) {
	base := -1 // what was there before
	for {
		var m struct {
			Type    string
			Payload struct {
				Data struct {
					Usage struct{ Totals struct{ Requests int } }
				}
			}
		}
		_, text, err := c.ReadMessage()
		at := time.Now()
		if err != nil {
			return
		}
		if json.Unmarshal(text, &m) != nil || m.Type != "next" {
			continue
		}
		total := m.Payload.Data.Usage.Totals.Requests
		if base < 0 {
			base = total
		}
		f.see(total-base, at)
	}
}

// flood sends what each worker counts in a second, each worker at another moment
// of it, as workers' flushes are.
func (f *fresh) flood(ctx context.Context, p plan, s *server, followers []*follower, first controlplane.ID) error {
	var group errgroup.Group
	var mu sync.Mutex
	for w := range p.workers {
		group.Go(func() error {
			g := newGenerator(w, p.accounts, p.endpoints)
			pause(ctx, time.Duration(w)*time.Second/time.Duration(p.workers))
			flush := time.NewTicker(time.Second)
			defer flush.Stop()
			for end := time.Now().Add(p.freshFor); time.Now().Before(end); {
				select {
				case <-flush.C:
				case <-ctx.Done():
					return ctx.Err()
				}
				now := time.Now()
				b := g.batch(now, p.rate/p.workers)
				for i := range b.Levels {
					b.Levels[i].Account += uint64(first) - 1
				}
				made := make([][]time.Time, p.accounts)
				for i := range b.Entries {
					account := int(b.Entries[i].Account) - 1
					for range b.Entries[i].Requests {
						made[account] = append(made[account], now.Add(-time.Duration(g.random.Int64N(int64(time.Second)))))
					}
					b.Entries[i].Account += uint64(first) - 1
				}
				for account, times := range made {
					slices.SortFunc(times, time.Time.Compare)
					followers[account].send(times)
				}
				if err := post(ctx, s, b); err != nil {
					return err
				}
				mu.Lock()
				f.entries, f.postSlow = f.entries+len(b.Entries), max(f.postSlow, time.Since(now))
				mu.Unlock()
			}
			return nil
		})
	}
	return group.Wait()
}

// makeAccounts makes the accounts, with ids that follow one another.
func makeAccounts(ctx context.Context, p plan) (first controlplane.ID, err error) {
	db, err := postgres.Open(ctx, p.database)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	for i := range p.accounts {
		a, _, err := db.CreateAccount(ctx, controlplane.NewAccount{Name: fmt.Sprintf("Account %d", i), TimeZone: "UTC", BillingDay: 1})
		if err != nil {
			return 0, err
		}
		if i == 0 {
			first = a.ID
		}
		if a.ID != first+controlplane.ID(i) {
			return 0, fmt.Errorf("account %d has id %d, want %d", i, a.ID, first+controlplane.ID(i))
		}
	}
	return first, nil
}
