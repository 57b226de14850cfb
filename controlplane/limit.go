package controlplane

// Limit is one rule of a tier: whose requests it counts, which of them, what it
// measures and how much it allows.
type Limit struct {
	ID       ID
	TierID   ID
	Name     string // stands in the RateLimit header fields
	Subject  LimitSubject
	Selector LimitSelector
	Endpoint ID // with SelectEndpoint
	Group    ID // with SelectGroup
	Measure  Measure
	Kind     LimitKind
	Amount   int64 // units of the measure a period, 1 to wire.MaxAmount
	Period   Period
	Burst    int64 // with Rate, 1 to wire.MaxAmount; 0 otherwise
	Mode     LimitMode
	// GracePercent and GraceSeconds say when a Soft limit begins to enforce: so
	// many percent over the amount, or so long after it was first exceeded. Zero
	// is never.
	GracePercent int
	GraceSeconds int
	FailOpen     bool // lets through while its state can't be known
	RefundErrors bool // gives back what a request took that ended with a 5xx
	Adaptive     Adaptive
}

// Capacity is the most that can remain of a limit: a rate's burst, and what any
// other allows in a period.
func (l Limit) Capacity() int64 {
	if l.Kind == Rate {
		return l.Burst
	}
	return l.Amount
}

// Adaptive is the rule by which a limit tightens while the upstream is unwell.
// The zero value is none.
type Adaptive struct {
	ErrorPercent int // share of 5xx above which it tightens; 0: errors don't count
	SlowMS       int // an answer that takes longer is slow; 0: latency doesn't count
	SlowPercent  int // share of slow answers above which it tightens
	FloorPercent int // of the amount, the least it tightens to
}

// LimitSubject is whose requests a limit counts together.
type LimitSubject string

// The subjects.
const (
	SubjectAccount LimitSubject = "account"
	SubjectKey     LimitSubject = "key"
	SubjectAddress LimitSubject = "address" // callers without an account
)

// LimitSelector is which of a subject's requests a limit counts.
type LimitSelector string

// The selectors.
const (
	SelectAll      LimitSelector = "all"
	SelectEndpoint LimitSelector = "endpoint"
	SelectGroup    LimitSelector = "group"
	SelectReads    LimitSelector = "reads"  // GET, HEAD and OPTIONS
	SelectWrites   LimitSelector = "writes" // the rest
)

// Measure is what a limit counts in.
type Measure string

// The measures.
const (
	MeasureRequests Measure = "requests"
	MeasureBytes    Measure = "bytes" // request plus response
	MeasureCost     Measure = "cost"  // cost units
)

// LimitKind is how a limit counts over time.
type LimitKind string

// The kinds.
const (
	Rate   LimitKind = "rate"   // token bucket
	Window LimitKind = "window" // strict sliding window
	Quota  LimitKind = "quota"  // budget of a calendar or billing period
)

// LimitMode is what a limit does when it is exceeded.
type LimitMode string

// The modes.
const (
	Enforce LimitMode = "enforce"
	Soft    LimitMode = "soft"   // lets through, marks and counts, until its grace is used up
	Shadow  LimitMode = "shadow" // only counts
)

// Period is what a limit's amount is for.
type Period string

// The periods. Rates and windows have one of fixed length, quotas one that a
// calendar gives, in the account's time zone.
const (
	Second  Period = "second"
	Minute  Period = "minute"
	Hour    Period = "hour"
	Day     Period = "day"
	Month   Period = "month"   // a calendar month
	Billing Period = "billing" // from one billing day of the account to the next
)

// Seconds returns the length of a period that is the same everywhere, and 0 for
// any other.
func (p Period) Seconds() int64 {
	switch p {
	case Second:
		return 1
	case Minute:
		return 60
	case Hour:
		return 3600
	case Day:
		return 86400
	}
	return 0
}
