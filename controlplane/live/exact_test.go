package live

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// history is what a store and its announcers did. Its batches have powers of two
// as requests, so that a sum tells which of them are in it.
type history struct {
	committed int       // batches, numbered from 0
	pending   []Delta   // announced and not heard yet
	base      uint64    // batches of the newest base
	loads     []reading // begun and not ended
}

type reading struct {
	topics []*topic
	wanted Wanted
	lapses uint64
	base   *Base // nil: not read yet
	has    uint64
}

const mostBatches = 40

func batchOf(n int, minute int64) *wire.Batch {
	return &wire.Batch{Source: wire.SourceID{byte(n % 3)}, Sequence: uint64(n/3 + 1), Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: minute, Account: 7, Decision: wire.Allowed}, Requests: 1 << n},
	}}
}

// baseOf is what a store has after so many batches.
func baseOf(committed int) *Base {
	b := &Base{Committed: map[wire.SourceID]Sequences{}, Scopes: map[Scope]Counts{}, Accounts: map[controlplane.ID]Counts{}}
	for n := range committed {
		s := b.Committed[wire.SourceID{byte(n % 3)}]
		s.Through++
		b.Committed[wire.SourceID{byte(n % 3)}] = s
	}
	sum := int64(1)<<committed - 1
	c := Counts{Requests: sum, Allowed: sum}
	b.Scopes[Scope{Account: 7}], b.Accounts[7] = c, c
	return b
}

// TestFiguresAreSumsOfBatchesEachOnce lets commits, announcements and readings of
// bases interleave in any way, and looks at the figures after each step.
func TestFiguresAreSumsOfBatchesEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := New(nil, slog.New(slog.DiscardHandler))
		feed := h.Usage(Scope{Account: 7}, time.Second)
		defer feed.Close()
		minute := time.Now().Unix() / 60
		var p history
		steps := map[string]func(*rapid.T){
			"commit": func(t *rapid.T) { p.commit(t, minute) },
			"hear":   func(t *rapid.T) { p.hear(t, h) },
			"lapse":  func(*rapid.T) { p.pending = nil; h.Missed() },
			"begin":  func(*rapid.T) { p.begin(h) },
			"read":   func(*rapid.T) { p.read() },
			"end":    func(t *rapid.T) { p.end(h, rapid.Bool().Draw(t, "fails")) },
			"":       func(t *rapid.T) { p.check(t, feed) },
		}
		t.Repeat(steps)
		for len(p.pending) > 0 {
			h.Add(p.pending[0])
			p.pending = p.pending[1:]
		}
		p.end(h, true)
		p.begin(h)
		p.read()
		p.end(h, false)
		if got, want := feed.topic.figures.(*usageFigures).total.Requests, int64(1)<<p.committed-1; feed.topic.current && got != want {
			t.Fatalf("in the end %b, want %b", got, want)
		}
	})
}

// commit commits a round of some batches, in one transaction or two, and
// announces it.
func (p *history) commit(t *rapid.T, minute int64) {
	n := rapid.IntRange(1, 3).Draw(t, "batches")
	if p.committed+n > mostBatches {
		return
	}
	var round []*wire.Batch
	for i := range n {
		round = append(round, batchOf(p.committed+i, minute))
	}
	for i := range p.loads { // some are read in the middle
		if p.loads[i].base == nil && n > 1 && rapid.Bool().Draw(t, "between") {
			p.loads[i].base, p.loads[i].has = baseOf(p.committed+1), 1<<(p.committed+1)-1
		}
	}
	p.committed += n
	p.pending = append(p.pending, DeltaOf(round))
}

func (p *history) hear(t *rapid.T, h *Hub) {
	if len(p.pending) == 0 {
		return
	}
	i := rapid.IntRange(0, len(p.pending)-1).Draw(t, "which")
	h.Add(p.pending[i])
	p.pending = append(p.pending[:i:i], p.pending[i+1:]...)
}

func (p *history) begin(h *Hub) {
	if len(p.loads) > 0 {
		return // a hub reads one at a time
	}
	topics, wanted, lapses := h.begin(true)
	p.loads = append(p.loads, reading{topics: topics, wanted: wanted, lapses: lapses})
}

func (p *history) read() {
	if len(p.loads) == 1 && p.loads[0].base == nil {
		p.loads[0].base, p.loads[0].has = baseOf(p.committed), 1<<p.committed-1
	}
}

func (p *history) end(h *Hub, fails bool) {
	if len(p.loads) == 0 || p.loads[0].base == nil && !fails {
		return
	}
	l := p.loads[0]
	p.loads = nil
	if h.end(l.topics, l.wanted, l.base, !fails, l.lapses) {
		p.base = l.has
	}
}

// check looks whether the figures have all of the base, and of the rest each
// committed batch at most once: a sum of different powers of two never carries.
func (p *history) check(t *rapid.T, feed *Feed[Usage]) {
	if !feed.topic.current {
		return
	}
	got := uint64(feed.topic.figures.(*usageFigures).total.Requests)
	pending := uint64(0)
	for i := range p.pending {
		pending |= uint64(p.pending[i].Requests)
	}
	all := uint64(1)<<p.committed - 1
	if want := all &^ (pending &^ p.base); got != want {
		t.Fatal(fmt.Sprintf("figures %b, want %b: committed %b, not heard of %b, in the base %b", got, want, all, pending, p.base))
	}
}
