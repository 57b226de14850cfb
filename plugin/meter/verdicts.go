package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the verdicts. Each takes 60 bytes.
const (
	maxOpenVerdicts  = 8_192
	maxTakenVerdicts = 4_096 // in a batch; 0.2 MB in the worst encoding
)

// verdicts counts what single limits said of requests.
type verdicts = sums[wire.VerdictKey, wire.VerdictEntry]

func newVerdicts() verdicts {
	return verdicts{
		index: newChains(),
		keyOf: func(e *wire.VerdictEntry) *wire.VerdictKey { return &e.VerdictKey },
		hash: func(k *wire.VerdictKey) uint32 {
			return uint32(mix(mix(uint64(k.Minute)<<8|uint64(k.Verdict), k.Account), k.Limit))
		},
		counts: func(e *wire.VerdictEntry) (requests, amount *uint64) { return &e.Requests, &e.Amount },
		taken:  maxTakenVerdicts,
	}
}
