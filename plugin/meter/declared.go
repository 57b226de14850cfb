package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of what upstreams declared. Each entry takes 80 bytes.
const (
	maxOpenMeters  = 8_192
	maxTakenMeters = 4_096 // in a batch; 0.3 MB in the worst encoding
)

// declared adds up what upstreams declared for custom meters.
type declared = sums[wire.MeterKey, wire.MeterEntry]

func newDeclared() declared {
	return declared{
		index: newChains(),
		keyOf: func(e *wire.MeterEntry) *wire.MeterKey { return &e.MeterKey },
		hash: func(k *wire.MeterKey) uint32 {
			return uint32(mix(mix(mix(mix(mix(uint64(k.Minute), k.Account), k.Key), k.Endpoint), k.Tier), k.Meter))
		},
		counts: func(e *wire.MeterEntry) (requests, amount *uint64) { return &e.Requests, &e.Amount },
		taken:  maxTakenMeters,
	}
}
