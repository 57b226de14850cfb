package controlplane

import (
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// VerdictTotals are sums of what limits said of requests that they did not
// simply let through.
type VerdictTotals struct {
	Denied     int64 // requests refused
	Over       int64 // requests let through over a soft limit
	OverAmount int64 // units of the limit's measure by which those were over
	Shadowed   int64 // requests that a shadow limit would have refused
	FailedOpen int64 // requests let through because the limit's state wasn't known
}

// Add adds up totals.
func (t *VerdictTotals) Add(u VerdictTotals) {
	t.Denied += u.Denied
	t.Over += u.Over
	t.OverAmount += u.OverAmount
	t.Shadowed += u.Shadowed
	t.FailedOpen += u.FailedOpen
}

// AccountEffect is what a limit did to an account. Account 0 is callers known by
// their address only.
type AccountEffect struct {
	AccountID ID
	Totals    VerdictTotals
}

// LimitActivity is what a limit did, to how many accounts.
type LimitActivity struct {
	LimitID  ID
	Totals   VerdictTotals
	Accounts int
}

// Denial is one request that was refused.
type Denial struct {
	ID         ID
	At         time.Time
	RequestID  string
	AccountID  ID // 0: nobody identified
	KeyID      ID // a key's or an identity's; 0: none
	EndpointID ID // 0: the path matched no template
	LimitID    ID // the one that decided; 0: none did
	Decision   wire.Decision
	Method     string
	Path       string
	RetryAfter time.Duration // 0: a retry would not have helped
	Levels     []DenialLevel
}

// DenialLevel is where a limit that applied to a refused request stood.
type DenialLevel struct {
	LimitID   ID
	Remaining int64 // units of its measure; negative in debt
	Amount    int64 // the most that could have been left
}

// DenialFilter narrows a list of denials. Zero values do not narrow.
type DenialFilter struct {
	RequestID string
	AccountID ID
}
