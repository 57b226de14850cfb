package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Tick is how often subscribers are looked after: how exactly a feed keeps its
// interval, and how long news waits at most where a feed has been silent.
const Tick = 250 * time.Millisecond

// Hub hands figures to subscribers.
type Hub struct {
	store Store
	log   *slog.Logger
	ask   chan struct{} // has room for one: a topic needs a base

	mu     sync.Mutex
	topics map[key]*topic
	shapes map[shape]int // how many topics there are of each
	feeds  int
	lapses uint64 // how often announcements may have been lost
	// While a base is on its way, what it may not have.
	loading bool
	held    []Delta
	holding int // cells
	ticks   uint64
}

// key names a topic.
type key struct {
	kind kind
	Scope
}

type kind uint8

const (
	usageOf kind = iota
	consumersOf
	newsOf
)

// shape is what topics have in common whose keys a cell leads to in one way.
type shape struct {
	kind                   kind
	account, key, endpoint bool
}

func (k key) shape() shape {
	return shape{k.kind, k.Account != 0, k.Key != 0, k.Endpoint != 0}
}

// keyOf returns the topic of a shape that a cell belongs to.
func (s shape) keyOf(c *Cell) key {
	k := key{kind: s.kind}
	if s.account {
		k.Account = c.Account
	}
	if s.key {
		k.Key = c.Key
	}
	if s.endpoint {
		k.Endpoint = c.Endpoint
	}
	return k
}

// topic is what subscribers can follow.
type topic struct {
	key     key
	figures figures
	base    *Base
	current bool   // the figures may be shown; else they wait for a base
	version uint64 // of the figures
	feeds   map[*feed]struct{}
}

// New returns a hub without subscribers. Run makes it work.
func New(store Store, log *slog.Logger) *Hub {
	return &Hub{store: store, log: log, ask: make(chan struct{}, 1), topics: map[key]*topic{}, shapes: map[shape]int{}}
}

// maxHeld bounds the cells that wait for one base.
const maxHeld = 1 << 20

// Add counts what was announced. It never waits for a subscriber or the store.
func (h *Hub) Add(d Delta) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.loading {
		h.hold(d)
	}
	shares := map[*Base]share{}
	for s := range h.shapes {
		for i := range d.Cells {
			if t := h.topics[s.keyOf(&d.Cells[i])]; t != nil && t.current {
				h.count(t, &d, &d.Cells[i], shares, now)
			}
		}
	}
}

func (h *Hub) hold(d Delta) {
	h.held, h.holding = append(h.held, d), h.holding+len(d.Cells)
	if h.holding > maxHeld {
		h.held, h.holding = nil, 0
		h.lapses++
	}
}

func (h *Hub) count(t *topic, d *Delta, c *Cell, shares map[*Base]share, now time.Time) {
	has, known := shares[t.base]
	if !known {
		has = t.base.shareOf(d)
		shares[t.base] = has
	}
	switch has {
	case nothing:
		if t.figures.count(c, now) {
			t.version++
		}
	case some:
		h.doubt(t)
	}
}

// doubt withholds a topic's figures until there is a new base.
func (h *Hub) doubt(t *topic) {
	t.current = false
	select {
	case h.ask <- struct{}{}:
	default:
	}
}

// Missed says that announcements may have been lost. All figures are withheld
// until the store has been read.
func (h *Hub) Missed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lapses++
	for _, t := range h.topics {
		h.doubt(t)
	}
}

// Ticks returns how often subscribers were looked after. What is asked of the
// store between two ticks may be asked together.
func (h *Hub) Ticks() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ticks
}

// Feeds returns how many feeds are open.
func (h *Hub) Feeds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.feeds
}

// tick lets time pass and wakes whoever is due.
func (h *Hub) tick(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ticks++
	for _, t := range h.topics {
		if !t.current {
			continue
		}
		switch t.figures.pass(now) {
		case changed:
			t.version++
		case over:
			h.doubt(t)
		}
	}
	h.wake(now)
}

func (h *Hub) wake(now time.Time) {
	for _, t := range h.topics {
		if !t.current {
			continue
		}
		for f := range t.feeds {
			f.wake(t.version, now)
		}
	}
}

// Usage follows the usage of today of a scope, at most once in every.
func (h *Hub) Usage(scope Scope, every time.Duration) *Feed[Usage] {
	figures := &usageFigures{scope: scope}
	f := h.follow(key{usageOf, scope}, figures, every)
	return &Feed[Usage]{f, func(now time.Time) Usage { return f.topic.figures.(*usageFigures).now(now) }}
}

// Consumers follows the accounts with the most requests in so many whole minutes,
// 1 to MaxWindow, and the one that runs.
func (h *Hub) Consumers(window, top int, every time.Duration) *Feed[Consumers] {
	f := h.follow(key{kind: consumersOf}, &consumerFigures{}, every)
	return &Feed[Consumers]{f, func(now time.Time) Consumers { return f.topic.figures.(*consumerFigures).now(now, window, top) }}
}

// News tells when something may have changed of an account's limits: what is
// left of them, or what they are.
func (h *Hub) News(account controlplane.ID, every time.Duration) *Feed[time.Time] {
	f := h.follow(key{newsOf, Scope{Account: account}}, &newsFigures{}, every)
	return &Feed[time.Time]{f, func(now time.Time) time.Time { return now }}
}

// follow opens a feed of the topic with a key, which has the given figures when
// it is new.
func (h *Hub) follow(k key, figures figures, every time.Duration) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[k]
	if t == nil {
		t = &topic{key: k, figures: figures, feeds: map[*feed]struct{}{}}
		h.topics[k] = t
		h.shapes[k.shape()]++
		h.doubt(t)
	}
	f := &feed{hub: h, topic: t, every: every, signal: make(chan struct{}, 1)}
	t.feeds[f] = struct{}{}
	h.feeds++
	if t.current {
		f.wake(t.version, time.Now())
	}
	return f
}

func (h *Hub) unfollow(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := f.topic
	if _, open := t.feeds[f]; !open {
		return
	}
	delete(t.feeds, f)
	h.feeds--
	if len(t.feeds) > 0 {
		return
	}
	delete(h.topics, t.key)
	if s := t.key.shape(); h.shapes[s] > 1 {
		h.shapes[s]--
	} else {
		delete(h.shapes, s)
	}
}

// Run keeps the figures up to date until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	var loads sync.WaitGroup
	loads.Go(func() { h.load(ctx) })
	defer loads.Wait()
	tick := time.NewTicker(Tick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.tick(time.Now())
		case <-ctx.Done():
			return
		}
	}
}
