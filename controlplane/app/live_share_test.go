package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/plugin/wire"
)

func TestSubscribersOfTheSameShareOneStream(t *testing.T) {
	p := open(t)
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	const subscribers = 50
	payloads := map[string]int{}
	for range subscribers {
		s := p.socket(p.bearer())
		s.send("subscribe", "1", liveQuery)
		for {
			m := s.await("next")
			var event liveEvent
			if err := json.Unmarshal(m.Payload, &event); err != nil {
				t.Fatal(err)
			}
			if event.Data.Usage.Totals.Requests == 5 {
				payloads[string(m.Payload)]++
				break
			}
		}
	}
	other := p.socket(p.bearer())
	other.send("subscribe", "1", `subscription{usage(everyMs:1000){at}}`)
	other.await("next")
	if open, streams := p.Subscribers(), p.Streams(); open != subscribers+1 || streams != 2 {
		t.Errorf("%d subscriptions share %d streams, want %d and 2", open, streams, subscribers+1)
	}
	// The time it was put together tells one encoding from another. While they
	// connect there may be one more: figures are read again now and then.
	if len(payloads) > 2 {
		t.Errorf("%d encodings for %d subscribers", len(payloads), subscribers)
	}
}

func TestASlowSubscriberHoldsNobodyAndGetsTheNewest(t *testing.T) {
	p := open(t)
	slow, fast := p.socket(p.bearer()), p.socket(p.bearer())
	for _, s := range []*socket{slow, fast} {
		s.send("subscribe", "1", liveQuery)
		s.await("next")
	}
	for i := range uint64(5) {
		p.post(usageBatch(i+1, 7, 1, wire.Allowed))
		fast.awaitUsage(func(u liveTotals) bool { return u.Requests == int64(i+1) })
	}
	slow.awaitUsage(func(u liveTotals) bool { return u.Requests == 5 })
}

func TestTopConsumersAreRanked(t *testing.T) {
	p := open(t)
	accounts := make([]string, 3)
	p.must(`mutation{createTier(input:{name:"Basic",limits:[]}){tier{id}}}`, nil)
	for i := range accounts {
		var made struct {
			CreateAccount struct{ Account struct{ ID string } }
		}
		p.must(fmt.Sprintf(`mutation{createAccount(input:{name:"A%d",tierId:"tier_1"}){account{id}}}`, i), &made)
		accounts[i] = made.CreateAccount.Account.ID
		id, err := controlplane.KindAccount.Parse("id", accounts[i])
		if err != nil {
			t.Fatal(err)
		}
		p.post(usageBatch(uint64(i+1), uint64(id), uint64(10*(i+1)), wire.Allowed))
	}
	s := p.socket(p.bearer())
	s.send("subscribe", "1", `subscription{topConsumers(first:2){requests consumers{rank account{name} share totals{requests}}}}`)
	for {
		var event struct {
			Data struct {
				TopConsumers struct {
					Requests  int64
					Consumers []struct {
						Rank    int
						Account struct{ Name string }
						Share   float64
						Totals  liveTotals
					}
				}
			}
		}
		if err := json.Unmarshal(s.await("next").Payload, &event); err != nil {
			t.Fatal(err)
		}
		got := event.Data.TopConsumers
		if got.Requests < 60 {
			continue
		}
		if len(got.Consumers) != 2 || got.Consumers[0].Account.Name != "A2" || got.Consumers[0].Rank != 1 || got.Consumers[0].Share != 0.5 || got.Consumers[1].Totals.Requests != 20 {
			t.Errorf("%+v", got)
		}
		return
	}
}

func TestRemainingFollowsWhatEnvoysReport(t *testing.T) {
	p := open(t)
	var tier struct {
		CreateTier struct {
			Tier struct {
				ID     string
				Limits []struct{ ID string }
			}
		}
	}
	p.must(`mutation{createTier(input:{name:"Basic",limits:[{name:"daily",amount:100,period:DAY},{name:"monthly",kind:QUOTA,amount:1000,period:MONTH}]}){tier{id limits{id}}}}`, &tier)
	p.must(fmt.Sprintf(`mutation{createAccount(input:{name:"Birch",tierId:%q}){account{id}}}`, tier.CreateTier.Tier.ID), nil)
	limit, err := controlplane.KindLimit.Parse("id", tier.CreateTier.Tier.Limits[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	s := p.socket(p.bearer())
	s.send("subscribe", "1", `subscription{remaining(accountId:"acc_1"){at levels{remaining limit{name}} quotas{remaining limit{name}}}}`)
	await := func(level, quota int64) {
		t.Helper()
		for {
			type left struct {
				Remaining int64
				Limit     struct{ Name string }
			}
			var event struct {
				Data struct {
					Remaining struct{ Levels, Quotas []left }
				}
			}
			if err := json.Unmarshal(s.await("next").Payload, &event); err != nil {
				t.Fatal(err)
			}
			got := event.Data.Remaining
			if len(got.Levels) != 1 || got.Levels[0].Limit.Name != "daily" || len(got.Quotas) != 1 || got.Quotas[0].Limit.Name != "monthly" {
				t.Fatalf("%+v", got)
			}
			if got.Levels[0].Remaining == level && got.Quotas[0].Remaining == quota {
				return
			}
		}
	}
	await(100, 1000)
	b := usageBatch(1, 1, 60, wire.Allowed)
	b.Levels = []wire.Level{{Account: 1, Limit: uint64(limit), Remaining: 40, AtMS: time.Now().UnixMilli()}}
	p.post(b)
	await(40, 1000)
	p.must(fmt.Sprintf(`mutation{setOverride(input:{accountId:"acc_1",limitId:%q,amount:500}){snapshot}}`, tier.CreateTier.Tier.Limits[1].ID), nil)
	await(40, 500) // without anything being announced
}

// cut is how many connections are cut; each leaves half a dozen goroutines when
// they leak.
const cut = 2000

func TestCutConnectionsLeaveNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	database := databases.New(t)
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: database, StoreDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(t.Context(), "tests", secret); err != nil {
		t.Fatal(err)
	}
	p := &plane{a, t, secret.Reveal()}
	sockets := make([]*socket, cut)
	for i := range sockets {
		sockets[i] = p.socket(p.bearer())
		sockets[i].send("subscribe", "1", fmt.Sprintf(`subscription{usage(everyMs:%d){totals{requests}}}`, 250+i%20))
	}
	p.awaitSubscribers(cut)
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	var group errgroup.Group
	for _, s := range sockets {
		group.Go(func() error {
			// A reset instead of a goodbye, in the middle of events.
			return errors.Join(s.NetConn().(*net.TCPConn).SetLinger(0), s.NetConn().Close())
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	p.awaitSubscribers(0)
	if n := p.Streams(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
	if err := a.Close(context.Background()); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}
