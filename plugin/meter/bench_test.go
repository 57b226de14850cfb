package meter

import (
	"testing"

	"github.com/weirhq/weir/plugin/wire"
)

// BenchmarkSecond is what a busy second costs that ends in a batch: 5,000 requests
// of 1,000 keys, with three limits each.
func BenchmarkSecond(b *testing.B) {
	for name, part := range map[string]struct{ count, observe, freeze bool }{
		"count": {count: true}, "observe": {observe: true}, "all and freeze": {true, true, true},
	} {
		b.Run(name, func(b *testing.B) {
			m := New(Config{Node: "n", FlushEveryNS: second})
			for b.Loop() {
				for i := range uint64(5000) {
					account := i%1000 + 1
					if part.count {
						m.Count(Sample{EntryKey: wire.EntryKey{Minute: 29_000_000, Account: account, Key: account, Endpoint: 1, Status: 200, Decision: wire.Allowed},
							Cost: 1, BytesIn: 235, BytesOut: 340, DurationUS: 400 + i%100})
					}
					for limit := uint64(1); part.observe && limit <= 3; limit++ {
						m.Observe(wire.Level{Account: account, Limit: limit, Remaining: 999, AtMS: 1_800_000_000_000})
					}
				}
				if part.freeze {
					m.freeze(0, 0, 1)
					m.outbox.frozen = m.outbox.frozen[:0]
				}
			}
		})
	}
}

// BenchmarkPiece is what the dearest pieces of work cost that a call of Next may
// do: 8,192 entries with 65,536 bins, custom meters and verdicts as many.
func BenchmarkPiece(b *testing.B) {
	full := func() *Meter {
		m := newMeter()
		for i := range uint64(maxTakenEntries) {
			account := i * 7919 % maxTakenEntries // in no order
			k := wire.EntryKey{Minute: 29_000_000, Account: account + 1, Key: account + 1, Endpoint: 1, Tier: 1, Status: 200, Decision: wire.Allowed}
			for d := range uint64(8) {
				m.Count(Sample{EntryKey: k, Cost: 1, BytesIn: 235, BytesOut: 340, DurationUS: 1000 << d})
			}
			m.Declare(wire.MeterKey{Minute: k.Minute, Account: k.Account, Key: k.Key, Endpoint: 1, Tier: 1, Meter: 1}, 500)
			m.Judge(wire.VerdictEntry{VerdictKey: wire.VerdictKey{Minute: k.Minute, Account: k.Account, Limit: 1, Verdict: wire.Denied}, Requests: 1, Amount: 1})
		}
		return m
	}
	halves := func(d detail) *Meter {
		m := full()
		m.shelve()
		r := m.shelf.runs[0]
		r.entries, r.meters, r.verdicts, r.bins, r.detail = r.entries/2, r.meters/2, r.verdicts/2, 0, d+1
		m.shelf.insert(0, r) // looks as if both fit into one
		m.shelf.runs[1].detail = d
		m.shelf.runs[1].entries, m.shelf.runs[1].meters, m.shelf.runs[1].verdicts = 0, 0, 0
		return m
	}
	for name, piece := range map[string]struct {
		prepare func() *Meter
		do      func(*Meter)
	}{
		"shelve":          {full, (*Meter).shelve},
		"fold latency":    {func() *Meter { m := full(); m.shelve(); return m }, (*Meter).fold},
		"fold and join":   {func() *Meter { return halves(noLatency) }, (*Meter).fold},
		"bury":            {func() *Meter { m := full(); m.shelve(); m.shelf.runs[0].detail = noStatus; return m }, (*Meter).fold},
		"freeze a run":    {func() *Meter { m := full(); m.shelve(); return m }, func(m *Meter) { m.freeze(0, 0, 1) }},
		"freeze the open": {full, func(m *Meter) { m.freeze(0, 0, 1) }},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				m := piece.prepare()
				b.StartTimer()
				piece.do(m)
			}
		})
	}
}
