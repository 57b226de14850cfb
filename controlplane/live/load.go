package live

import (
	"context"
	"time"
)

const (
	// loadEvery is how often figures get a new base without need.
	loadEvery  = 30 * time.Second
	loadWithin = 10 * time.Second
	retryAfter = time.Second
)

// load reads bases until ctx ends: for the topics that need one when there are
// any, and for all now and then.
func (h *Hub) load(ctx context.Context) {
	all := time.NewTicker(loadEvery)
	defer all.Stop()
	for {
		everything := false
		select {
		case <-h.ask:
		case <-all.C:
			everything = true
		case <-ctx.Done():
			return
		}
		for !h.loadOnce(ctx, everything) {
			select {
			case <-time.After(retryAfter):
			case <-ctx.Done():
				return
			}
		}
	}
}

// loadOnce reads one base. It reports false when it has to be tried again.
func (h *Hub) loadOnce(ctx context.Context, everything bool) bool {
	topics, wanted, lapses := h.begin(everything)
	if len(topics) == 0 {
		return true
	}
	reading, cancel := context.WithTimeout(ctx, loadWithin)
	base, err := h.store.LiveBase(reading, wanted)
	cancel()
	if err != nil && ctx.Err() == nil {
		h.log.Warn("could not read the figures of live subscriptions; will try again", "err", err)
	}
	return h.end(topics, wanted, &base, err == nil, lapses)
}

// begin returns the topics that get a base, and has their announcements held.
func (h *Hub) begin(everything bool) (topics []*topic, w Wanted, lapses uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	w = Wanted{Now: now, Day: dayOf(now)}
	for _, t := range h.topics {
		if everything || !t.current {
			topics = append(topics, t)
			t.figures.wants(&w)
		}
	}
	h.loading = len(topics) > 0
	return topics, w, h.lapses
}

func (h *Hub) end(topics []*topic, w Wanted, base *Base, ok bool, lapses uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := h.held
	h.loading, h.held, h.holding = false, nil, 0
	if !ok || lapses != h.lapses {
		return false
	}
	now := time.Now()
	fresh := map[key]*topic{}
	for _, t := range topics {
		if h.topics[t.key] != t {
			continue // nobody follows it any more
		}
		t.figures.rebase(base, w, now)
		t.base, t.current = base, true
		t.version++
		fresh[t.key] = t
	}
	h.replay(fresh, held, now)
	h.wake(now)
	return true
}

// replay counts what was announced while the base was read.
func (h *Hub) replay(topics map[key]*topic, held []Delta, now time.Time) {
	for i := range held {
		shares := map[*Base]share{}
		for s := range h.shapes {
			for j := range held[i].Cells {
				if t := topics[s.keyOf(&held[i].Cells[j])]; t != nil && t.current {
					h.count(t, &held[i], &held[i].Cells[j], shares, now)
				}
			}
		}
	}
}
