package quota

import (
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Terms are what a limit says of an account's quota, overrides included.
type Terms struct {
	Amount       uint64
	Mode         controlplane.LimitMode
	GracePercent int
	GraceSeconds int
}

// Leasable returns what may be leased: the amount, and with a soft limit the
// grace on top.
func (t Terms) Leasable() uint64 {
	if t.Mode != controlplane.Soft {
		return t.Amount
	}
	return t.Amount + t.Amount/100*uint64(t.GracePercent) + t.Amount%100*uint64(t.GracePercent)/100
}

// Spent says whether requests are to be denied until the period ends, when so
// much is consumed and the amount has been exceeded since overSince (zero: it
// has not).
func (t Terms) Spent(consumed uint64, overSince, now time.Time) bool {
	switch t.Mode {
	case controlplane.Shadow:
		return false
	case controlplane.Soft:
		return t.GracePercent > 0 && consumed >= t.Leasable() ||
			t.GraceSeconds > 0 && !overSince.IsZero() && now.Sub(overSince) >= time.Duration(t.GraceSeconds)*time.Second
	}
	return consumed >= t.Amount
}

// Remaining is what the account may still use within the amount.
func (t Terms) Remaining(consumed uint64) uint64 { return t.Amount - min(t.Amount, consumed) }
