package limit

import "errors"

// Bounds of a rule.
const (
	MaxAmount        = 1_000_000_000_000 // of Amount and Burst
	MaxPeriodSeconds = 86_400
	MaxRules         = 64 // of one account
)

// ErrRule is returned, wrapped with what is wrong, for rules out of bounds.
var ErrRule = errors.New("invalid rule")

// Rule is one token bucket: it fills with Amount tokens a period and holds at
// most Burst.
type Rule struct {
	ID            uint64 // of the limit; not zero, unique among an account's rules
	Amount        uint64 // tokens a period, 1 to MaxAmount
	Burst         uint64 // 1 to MaxAmount
	PeriodSeconds uint32 // 1 to MaxPeriodSeconds
}
