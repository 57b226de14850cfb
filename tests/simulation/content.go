package simulation

import (
	"slices"

	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// content is usage by all its dimensions.
type content struct {
	entries  map[wire.EntryKey]*wire.Entry
	verdicts map[wire.VerdictKey]wire.VerdictEntry
	meters   map[wire.MeterKey]wire.MeterEntry
}

func newContent() content {
	return content{map[wire.EntryKey]*wire.Entry{}, map[wire.VerdictKey]wire.VerdictEntry{}, map[wire.MeterKey]wire.MeterEntry{}}
}

func (c content) entry(k wire.EntryKey) *wire.Entry {
	e := c.entries[k]
	if e == nil {
		e = &wire.Entry{EntryKey: k}
		c.entries[k] = e
	}
	return e
}

func (c content) count(s *meter.Sample) {
	e := c.entry(s.EntryKey)
	e.Requests++
	if s.Shadowed {
		e.Shadowed++
	}
	e.Cost += s.Cost
	e.BytesIn += s.BytesIn
	e.BytesOut += s.BytesOut
	e.DurationUS += s.DurationUS
	e.Latency = plusBins(e.Latency, wire.Histogram{{Index: wire.LatencyIndex(s.DurationUS), Count: 1}}, 1)
}

func (r *record) judged(v wire.VerdictEntry) { r.truth.judge(v) }

func (c content) judge(v wire.VerdictEntry) {
	sum := c.verdicts[v.VerdictKey]
	sum.VerdictKey = v.VerdictKey
	sum.Requests += v.Requests
	sum.Amount += v.Amount
	c.verdicts[v.VerdictKey] = sum
}

func (r *record) declared(k wire.MeterKey, amount uint64) {
	r.truth.declare(wire.MeterEntry{MeterKey: k, Requests: 1, Amount: amount})
}

func (c content) declare(m wire.MeterEntry) {
	sum := c.meters[m.MeterKey]
	sum.MeterKey = m.MeterKey
	sum.Requests += m.Requests
	sum.Amount += m.Amount
	c.meters[m.MeterKey] = sum
}

// addBatch adds what a batch counts.
func (c content) addBatch(b *wire.Batch) {
	for i := range b.Entries {
		addEntry(c.entry(b.Entries[i].EntryKey), &b.Entries[i])
	}
	for _, v := range b.Verdicts {
		c.judge(v)
	}
	for _, m := range b.Meters {
		c.declare(m)
	}
}

func sameEntry(a, b *wire.Entry) bool {
	return a.EntryKey == b.EntryKey && a.Requests == b.Requests && a.Shadowed == b.Shadowed && a.Cost == b.Cost &&
		a.BytesIn == b.BytesIn && a.BytesOut == b.BytesOut && a.DurationUS == b.DurationUS && slices.Equal(a.Latency, b.Latency)
}

// within says whether c has nothing that o has not, and at most as much of it.
func (c content) within(o content) bool {
	for k, e := range c.entries {
		if most := o.entries[k]; most == nil || e.Requests > most.Requests || e.Cost > most.Cost || e.DurationUS > most.DurationUS {
			return false
		}
	}
	for k, v := range c.verdicts {
		if v.Requests > o.verdicts[k].Requests {
			return false
		}
	}
	for k, m := range c.meters {
		if m.Requests > o.meters[k].Requests || m.Amount > o.meters[k].Amount {
			return false
		}
	}
	return true
}

// same says whether c and o are equal; every entry of theirs has requests.
func (c content) same(o content) bool {
	if len(c.entries) != len(o.entries) || len(c.verdicts) != len(o.verdicts) || len(c.meters) != len(o.meters) {
		return false
	}
	for k, e := range c.entries {
		if other := o.entries[k]; other == nil || !sameEntry(e, other) {
			return false
		}
	}
	for k, v := range c.verdicts {
		if o.verdicts[k] != v {
			return false
		}
	}
	for k, m := range c.meters {
		if o.meters[k] != m {
			return false
		}
	}
	return true
}

// coarse is c without the detail that a filter gives up when it is short of memory.
func (c content) coarse() content {
	const quarter = 15
	all := newContent()
	for k, e := range c.entries {
		bare := *e
		bare.EntryKey = wire.EntryKey{Minute: k.Minute - k.Minute%quarter, Account: k.Account, Decision: k.Decision}
		bare.Latency = nil
		addEntry(all.entry(bare.EntryKey), &bare)
	}
	for _, v := range c.verdicts {
		v.Minute -= v.Minute % quarter
		all.judge(v)
	}
	for k, m := range c.meters {
		m.MeterKey = wire.MeterKey{Minute: k.Minute - k.Minute%quarter, Account: k.Account, Meter: k.Meter}
		all.declare(m)
	}
	return all
}

func addEntry(to, e *wire.Entry) {
	to.Requests += e.Requests
	to.Shadowed += e.Shadowed
	to.Cost += e.Cost
	to.BytesIn += e.BytesIn
	to.BytesOut += e.BytesOut
	to.DurationUS += e.DurationUS
	to.Latency = plusBins(to.Latency, e.Latency, 1)
}
