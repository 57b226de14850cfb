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
