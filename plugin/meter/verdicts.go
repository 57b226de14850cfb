package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the verdicts. Each takes 60 bytes.
const (
	maxOpenVerdicts  = 8_192
	maxTakenVerdicts = 4_096 // in a batch; 0.2 MB in the worst encoding
)

// verdicts counts what single limits said of requests.
type verdicts struct {
	sums[wire.VerdictKey, wire.VerdictEntry]
}

func newVerdicts() verdicts {
	return verdicts{sums[wire.VerdictKey, wire.VerdictEntry]{
		index: newChains(),
		keyOf: func(e *wire.VerdictEntry) *wire.VerdictKey { return &e.VerdictKey },
		hash: func(k *wire.VerdictKey) uint32 {
			return uint32(mix(mix(uint64(k.Minute)<<8|uint64(k.Verdict), k.Account), k.Limit))
		},
	}}
}

// add counts verdicts under a key, if there is room.
func (v *verdicts) add(k wire.VerdictKey, requests, amount uint64, limit int) bool {
	e := v.find(&k, limit)
	if e == nil {
		return false
	}
	e.Requests, e.Amount = addCapped(e.Requests, requests), addCapped(e.Amount, amount)
	return true
}

// take removes the newest verdicts, as many as fit into a batch.
func (v *verdicts) take() []wire.VerdictEntry {
	from := len(v.all)
	var requests, amount uint64
	for ; from > 0 && len(v.all)-from < maxTakenVerdicts; from-- {
		e := &v.all[from-1]
		if requests, amount = requests+e.Requests, amount+e.Amount; max(requests, amount) > wire.MaxBatchTotal {
			break
		}
	}
	return v.cut(from)
}
