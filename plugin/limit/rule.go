package limit

import (
	"errors"
	"strconv"
)

// Bounds of a rule.
const (
	MaxAmount        = 1_000_000_000_000 // of Amount and Burst
	MaxPeriodSeconds = 86_400
	MaxGracePercent  = 10_000
	MaxGraceSeconds  = 31 * 86_400
	MaxRules         = 64 // of one subject
)

// Kind is how a limit counts.
type Kind uint8

// The kinds of limit.
const (
	Rate   Kind = iota // token bucket: Amount a period, and a burst
	Window             // strict sliding window: never more than Amount in one period
	Quota              // leased budget of a calendar or billing period; doesn't refill
)

// Measure is what a limit counts.
type Measure uint8

// The measures.
const (
	Requests Measure = iota
	Bytes            // of request and response, charged at stream end
	Cost             // reserved on admission, settled at stream end
)

// Measures is how many measures there are.
const Measures = 3

// Mode is what a limit does to a request that it has no room for.
type Mode uint8

// The modes.
const (
	Enforce Mode = iota // deny it
	Soft                // let it through marked, within the grace
	Shadow              // only say that it would have denied it
)

// Rule is one limit of a subject.
type Rule struct {
	ID      uint64 // of the limit; not zero, unique among a subject's rules
	Kind    Kind
	Measure Measure
	Mode    Mode
	// FailOpen lets requests through while a quota's lease isn't known. Without
	// it they are denied.
	FailOpen bool
	// Refund says that [Settle] may give back what a request took; without it
	// only a Cost is given back, which is settled down to what it really was.
	Refund bool
	// Amount is a rate's units a period, a window's most in one period, a
	// quota's budget: 1 to MaxAmount.
	Amount uint64
	// Burst is what a rate can hold: 1 to MaxAmount. The other kinds ignore it.
	Burst uint64
	// PeriodSeconds is 1 to MaxPeriodSeconds. A quota ignores it: its period
	// comes with the lease.
	PeriodSeconds uint32
	// GracePercent makes a soft limit enforce beyond Amount (and Burst) times
	// 1+p/100; 0 to MaxGracePercent. The other modes ignore it.
	GracePercent uint32
	// GraceSeconds makes a soft limit enforce once it has been exceeded for so
	// long; 0 to MaxGraceSeconds. With both 0 it never enforces. A quota's grace
	// is kept by who grants its leases. The other modes ignore it.
	GraceSeconds uint32
	// Since is when, on the monotonic clock, the rule came into force, if that is
	// known: a rate refills by it from then on, and by the slower of this rule and
	// the one before until then. 0 stands for the time of the request that meets it
	// first.
	Since int64
}

// ErrRule is returned, wrapped with what is wrong, for rules out of bounds.
var ErrRule = errors.New("invalid rule")

// canonical returns r without what its kind and mode ignore.
func (r *Rule) canonical() Rule {
	c := *r
	if c.Mode != Soft {
		c.GracePercent, c.GraceSeconds = 0, 0
	}
	if c.Kind != Rate {
		c.Burst = 0
	}
	if c.Kind == Quota {
		c.PeriodSeconds = 0
	}
	return c
}

// hard says that a second limit, scaled by the grace, stands behind r.
func (r *Rule) hard() bool { return r.Mode == Soft && r.GracePercent > 0 }

// timed says that r is soft for some seconds only.
func (r *Rule) timed() bool { return r.Mode == Soft && r.GraceSeconds > 0 }

// refunds says that r can give back.
func (r *Rule) refunds() bool { return r.Refund || r.Measure == Cost }

// enforces says that r would deny something, were it not a shadow.
func (r *Rule) enforces() bool { return r.Mode != Soft || r.GracePercent|r.GraceSeconds != 0 }

// scaled returns n times 1+grace; n is at most MaxAmount.
func (r *Rule) scaled(n uint64) uint64 { return n * (100 + uint64(r.GracePercent)) / 100 }

func (r *Rule) valid() bool {
	return r.ID != 0 && r.Kind <= Quota && r.Measure <= Cost && r.Mode <= Shadow &&
		r.Amount-1 < MaxAmount &&
		(r.Kind != Rate || r.Burst-1 < MaxAmount) &&
		(r.Kind == Quota || r.PeriodSeconds-1 < MaxPeriodSeconds) &&
		(r.Mode != Soft || r.GracePercent <= MaxGracePercent && r.GraceSeconds <= MaxGraceSeconds)
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
	if r.ID == 0 {
		return wrap(ErrRule, "a rule has the id 0")
	}
	say := func(field string, got, least, most uint64) error {
		return wrap(ErrRule, "rule "+strconv.FormatUint(r.ID, 10)+": "+field+" "+strconv.FormatUint(got, 10)+
			" is not "+strconv.FormatUint(least, 10)+" to "+strconv.FormatUint(most, 10))
	}
	switch {
	case r.Kind > Quota:
		return say("kind", uint64(r.Kind), uint64(Rate), uint64(Quota))
	case r.Measure > Cost:
		return say("measure", uint64(r.Measure), uint64(Requests), uint64(Cost))
	case r.Mode > Shadow:
		return say("mode", uint64(r.Mode), uint64(Enforce), uint64(Shadow))
	case r.Amount-1 >= MaxAmount:
		return say("amount", r.Amount, 1, MaxAmount)
	case r.Kind == Rate && r.Burst-1 >= MaxAmount:
		return say("burst", r.Burst, 1, MaxAmount)
	case r.Kind != Quota && r.PeriodSeconds-1 >= MaxPeriodSeconds:
		return say("period in seconds", uint64(r.PeriodSeconds), 1, MaxPeriodSeconds)
	case r.GracePercent > MaxGracePercent:
		return say("grace percent", uint64(r.GracePercent), 0, MaxGracePercent)
	default:
		return say("grace seconds", uint64(r.GraceSeconds), 0, MaxGraceSeconds)
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
