package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of what upstreams declared. Each entry takes 80 bytes.
const (
	maxOpenMeters  = 8_192
	maxTakenMeters = 4_096 // in a batch; 0.3 MB in the worst encoding
)

// declared adds up what upstreams declared for custom meters.
type declared struct {
	sums[wire.MeterKey, wire.MeterEntry]
}

func newDeclared() declared {
	return declared{sums[wire.MeterKey, wire.MeterEntry]{
		index: newChains(),
		keyOf: func(e *wire.MeterEntry) *wire.MeterKey { return &e.MeterKey },
		hash: func(k *wire.MeterKey) uint32 {
			return uint32(mix(mix(mix(mix(mix(uint64(k.Minute), k.Account), k.Key), k.Endpoint), k.Tier), k.Meter))
		},
	}}
}

// add counts declarations under a key, if there is room.
func (d *declared) add(k wire.MeterKey, requests, amount uint64, limit int) bool {
	e := d.find(&k, limit)
	if e == nil {
		return false
	}
	e.Requests, e.Amount = addCapped(e.Requests, requests), addCapped(e.Amount, amount)
	return true
}

// take removes the newest entries, as many as fit into a batch.
func (d *declared) take() []wire.MeterEntry {
	from := len(d.all)
	var requests, amount uint64
	for ; from > 0 && len(d.all)-from < maxTakenMeters; from-- {
		e := &d.all[from-1]
		if requests, amount = requests+e.Requests, amount+e.Amount; max(requests, amount) > wire.MaxBatchTotal {
			break
		}
	}
	return d.cut(from)
}
