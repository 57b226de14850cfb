package meter

import "github.com/weirhq/weir/plugin/wire"

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
