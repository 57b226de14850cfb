package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the open verdicts. Each takes about 100 bytes.
const (
	maxExactVerdicts  = 16_384 // with all their dimensions
	maxCoarseVerdicts = 20_480 // with those that were folded to their limit
	maxTakenVerdicts  = 8_192  // in a batch; 0.5 MB in the worst encoding
)

// verdicts counts what single limits said of requests.
type verdicts struct {
	index map[wire.VerdictKey]int32
	open  []wire.VerdictEntry
}

func newVerdicts() verdicts { return verdicts{index: map[wire.VerdictKey]int32{}} }

// add counts a verdict. When there are too many, new ones are folded to their
// limit. It reports false for one that there is no room for even so.
func (v *verdicts) add(e wire.VerdictEntry) bool {
	i, ok := v.find(e.VerdictKey, maxExactVerdicts)
	if !ok {
		e.Account = 0
		i, ok = v.find(e.VerdictKey, maxCoarseVerdicts)
	}
	if ok {
		v.open[i].Requests = addCapped(v.open[i].Requests, e.Requests)
		v.open[i].Amount = addCapped(v.open[i].Amount, e.Amount)
	}
	return ok
}

// find returns the entry of k, made anew if there are fewer than limit entries.
func (v *verdicts) find(k wire.VerdictKey, limit int) (int32, bool) {
	if i, ok := v.index[k]; ok {
		return i, true
	}
	n := len(v.open)
	if n >= limit {
		return 0, false
	}
	v.open = append(v.open, wire.VerdictEntry{VerdictKey: k})
	v.index[k] = int32(n)
	return int32(n), true
}

// take removes the newest verdicts, as many as fit into a batch. They may be
// reordered; they stay valid until the next add.
func (v *verdicts) take() []wire.VerdictEntry {
	from := max(len(v.open)-maxTakenVerdicts, 0)
	taken := v.open[from:]
	for i := range taken {
		delete(v.index, taken[i].VerdictKey)
	}
	v.open = v.open[:from]
	return taken
}

// maxAccountDenials bounds an account's part of a batch's sample, so that one
// that is denied often leaves room for the others.
const maxAccountDenials = 16

// denials is a sample of the requests that were denied since the last batch.
type denials struct {
	sample []wire.Denial
	of     map[uint64]uint8 // by account
}

func newDenials() denials { return denials{of: map[uint64]uint8{}} }

// wants reports whether the sample has room for a denial of this account.
func (d *denials) wants(account uint64) bool {
	return len(d.sample) < wire.MaxBatchDenials && d.of[account] < maxAccountDenials
}

func (d *denials) add(n wire.Denial) {
	d.of[n.Account]++
	d.sample = append(d.sample, n)
}

// take removes all. They stay valid until the next add.
func (d *denials) take() []wire.Denial {
	taken := d.sample
	d.sample = nil
	clear(d.of)
	return taken
}
