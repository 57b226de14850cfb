package live

import (
	"context"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Every is the least time between two deltas to one subscriber.
const Every = 500 * time.Millisecond

// Hub hands deltas to subscribers. Its zero value is ready.
type Hub struct {
	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
}

// subscriber collects what has not been read yet. It is bounded by the number
// of accounts, however slow the reader.
type subscriber struct {
	account controlplane.ID // 0: all
	mu      sync.Mutex
	pending Delta
	wake    chan struct{} // has room for one: something is pending
}

// Add passes a delta on to all subscribers. It never waits for one.
func (h *Hub) Add(d Delta) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subscribers {
		s.add(d)
	}
}

// Subscribe returns a channel of deltas, of one account or (0) of all. The
// subscription begins before Subscribe returns, and ends, with the channel
// closed, when ctx does.
func (h *Hub) Subscribe(ctx context.Context, account controlplane.ID) <-chan Delta {
	s := &subscriber{account: account, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	if h.subscribers == nil {
		h.subscribers = map[*subscriber]struct{}{}
	}
	h.subscribers[s] = struct{}{}
	h.mu.Unlock()
	out := make(chan Delta)
	go func() {
		defer close(out)
		s.run(ctx, out)
		h.mu.Lock()
		delete(h.subscribers, s)
		h.mu.Unlock()
	}()
	return out
}

// Subscribers returns how many there are.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subscribers)
}

func (s *subscriber) add(d Delta) {
	if s.account != 0 {
		c, ok := d.Accounts[s.account]
		if !ok {
			return
		}
		d = Delta{Counts: c, Accounts: map[controlplane.ID]Counts{s.account: c}}
	}
	s.mu.Lock()
	if s.pending.Accounts == nil {
		s.pending.Accounts = make(map[controlplane.ID]Counts, len(d.Accounts))
	}
	for id, c := range d.Accounts {
		s.pending.addAccount(id, c)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) take() Delta {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.pending
	s.pending = Delta{}
	return d
}

func (s *subscriber) run(ctx context.Context, out chan<- Delta) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		d := s.take()
		if d.Requests == 0 {
			continue // an earlier take had it already
		}
		select {
		case out <- d:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(Every):
		case <-ctx.Done():
			return
		}
	}
}
