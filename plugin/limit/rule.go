package limit

import (
	"errors"
	"strconv"
)

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

func (r *Rule) valid() bool {
	return r.ID != 0 &&
		r.Amount-1 < MaxAmount &&
		r.Burst-1 < MaxAmount &&
		r.PeriodSeconds-1 < MaxPeriodSeconds
}

func checkRules(rules []Rule) error {
	if len(rules) > MaxRules {
		return wrap(ErrRule, strconv.Itoa(len(rules))+" rules, the most is "+strconv.Itoa(MaxRules))
	}
	for i := range rules {
		if !rules[i].valid() {
			return badRule(&rules[i])
		}
		for j := range rules[:i] {
			if rules[j].ID == rules[i].ID {
				return wrap(ErrRule, "two rules have the id "+strconv.FormatUint(rules[i].ID, 10))
			}
		}
	}
	return nil
}

// badRule says which bound r breaks.
func badRule(r *Rule) error {
	id := "rule " + strconv.FormatUint(r.ID, 10) + ": "
	switch {
	case r.ID == 0:
		return wrap(ErrRule, "a rule has the id 0")
	case r.Amount-1 >= MaxAmount:
		return wrap(ErrRule, id+"amount "+strconv.FormatUint(r.Amount, 10)+" is not 1 to "+strconv.Itoa(MaxAmount))
	case r.Burst-1 >= MaxAmount:
		return wrap(ErrRule, id+"burst "+strconv.FormatUint(r.Burst, 10)+" is not 1 to "+strconv.Itoa(MaxAmount))
	default:
		return wrap(ErrRule, id+"period of "+strconv.FormatUint(uint64(r.PeriodSeconds), 10)+
			" s is not 1 to "+strconv.Itoa(MaxPeriodSeconds))
	}
}

// wrapped is a kind of error with what happened in this case.
type wrapped struct {
	kind error
	what string
}

func (e *wrapped) Error() string { return e.kind.Error() + ": " + e.what }
func (e *wrapped) Unwrap() error { return e.kind }

func wrap(kind error, what string) error { return &wrapped{kind, what} }
