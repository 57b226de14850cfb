package limit

// Request is what is to be decided.
type Request struct {
	// Version of the snapshot that the rules come from. It orders policies: the
	// higher one is the newer one.
	Version uint64
	// Epoch of the account. When it is above the state's, everything begins anew.
	Epoch uint32
	// Now is the monotonic clock, nanoseconds. All callers that share a state
	// read the same clock; where it begins doesn't matter.
	Now int64
	// Wall is the wall clock, Unix seconds. Only quotas read it.
	Wall int64
	// Applies has bit i set where rules[i] applies to this request.
	Applies uint64
	// Take is what the request takes, by measure, from each limit that applies.
	// To be admitted it needs room for that much, and for 1 at least.
	Take [Measures]uint64
}

// need is how much room r has to have for the request.
func (q *Request) need(m Measure) uint64 { return max(1, q.Take[m]) }

// Level is where one limit that applies stands after the decision.
type Level struct {
	Rule int // index into the rules
	// Limit is what the limit can hold: the burst, the window's or quota's amount.
	Limit uint64
	// Remaining is what is left, in whole units, at most Limit; negative while in
	// debt. Of a quota it is the account-wide hint of the last lease less what
	// was used since, at least 0; without a lease 0, or, where the limit lets
	// requests through all the same, its amount less what was used since.
	Remaining int64
	// NextNS is after how many nanoseconds there is more, or anything at all while
	// in debt; 0 when full. Of a quota it is the time until the period ends, 0
	// without a lease.
	NextNS int64
}

// Decision is what was decided.
type Decision struct {
	// Allowed says that every limit that applies was charged. Otherwise none was.
	Allowed bool
	// Never says that the request needs more than a limit can ever hold, so that
	// no wait would help; RetryAfterNS is then math.MaxInt64.
	Never bool
	// Changed says that the state returned differs from the one given and has to
	// be stored before the decision may be acted on. A denial seldom changes it.
	Changed bool
	// Behind says that the state was written under a newer snapshot or epoch than
	// the request's. Then the newer parameters decide, limits that the subject no
	// longer has are not charged, and those that it has gained can't be: the
	// caller should drop the decision, switch to the newer snapshot and decide
	// again.
	Behind bool
	// Unknown says that the request was denied only because the leases of quotas
	// that fail closed aren't known or are used up without the quota being spent.
	Unknown bool
	// By is the index of the rule that decided: of those that deny, the one with
	// the longest wait. -1 when allowed.
	By int
	// RetryAfterNS is after how many nanoseconds the same request would be
	// admitted if no other comes before. Of rates and windows it is exact, so that
	// one nanosecond earlier it would be denied; of a spent quota it is the time
	// until the period ends; of a quota whose lease isn't known it is 1 s.
	// math.MaxInt64 when it is that long or longer, 0 when allowed.
	RetryAfterNS int64
	// Denied has the rules that deny; 0 when allowed.
	Denied uint64
	// Over has the soft rules that were exceeded by a request let through.
	Over uint64
	// Shadowed has the shadow rules that would have denied a request let through.
	Shadowed uint64
	// FailedOpen has the rules that let the request through although their state
	// isn't known.
	FailedOpen uint64
	// Ask has the quotas for which a lease should be asked: those that have none,
	// whose lease has less than half of what it had when it was last granted or than
	// the request needs, whose period ends within 60 s with no lease for the next
	// one, and, now and then, those that are spent. The state remembers that it was
	// set, so it is set at most each half second, each fifth while requests are
	// refused for want of a lease, and each ten seconds while the quota is spent.
	Ask uint64
	// Levels holds one element for each limit that applies, in rule order.
	Levels []Level
}

// Settlement is what a request turned out to have taken, at its stream's end.
type Settlement struct {
	// Version is the one of the admission, and so are the rules to settle with.
	Version uint64
	// Epoch is the one of the admission. After it was raised nothing is given back.
	Epoch uint32
	Now   int64 // monotonic clock at stream end, nanoseconds
	Wall  int64 // wall clock at stream end, Unix seconds
	// Applies is Request.Applies of the admission, for the rules given.
	Applies uint64
	// Over and Shadowed are the decision's: an exceeded soft rule was not charged
	// itself, and a shadow rule not at all, so that they get nothing back.
	Over, Shadowed uint64
	At             int64 // Request.Now of the admission
	AtWall         int64 // Request.Wall of the admission
	// Delta is, by measure, what is to be charged besides what the admission took,
	// or, below 0, given back.
	Delta [Measures]int64
}

// Lease is an advance on a quota for this process.
type Lease struct {
	Limit uint64
	// Born is the Holding's that this lease answers. A slot that was born at
	// another time ignores it; 0 fits every slot.
	Born int64
	// Revision orders the leases of one period: one with a lower revision than the
	// slot has taken for the same Start is ignored, so that a reply that is late
	// undoes no recall.
	Revision uint64
	// Start and End of the period, Unix seconds; Start ≤ t < End.
	Start, End int64
	// Granted is cumulative for this process and period. Less than is held recalls
	// what isn't used yet.
	Granted uint64
	// Remaining is what is left of the quota for the whole account, leases not yet
	// used included; a hint for clients, and what tells that a soft quota is over.
	Remaining uint64
	// Spent says that nothing is left, grace included: deny until the period ends.
	Spent bool
	// NextStart, NextEnd and NextGranted are the lease of the period that follows;
	// NextEnd 0 leaves what is held.
	NextStart, NextEnd int64
	NextGranted        uint64
}

// Holding is what a subject's state holds of a quota.
type Holding struct {
	Limit   uint64
	Measure Measure
	// Epoch of the account in which the state counts.
	Epoch uint32
	// Born is the monotonic clock, in nanoseconds, when the quota's slot began
	// with nothing. It differs after a reset or a loss of the state.
	Born int64
	// Start of the period that the lease is for, 0 when there never was one.
	Start int64
	// Revision is that of the last lease taken for this period; 0 for one that
	// came as the next of another.
	Revision uint64
	Granted  uint64
	// Used is what was charged to the lease, and Refunded what of that was given
	// back since. Neither ever falls, so what a process uses is their difference.
	Used, Refunded uint64
	// Recent is what was charged in the last four to eight seconds.
	Recent      uint64
	NextStart   int64 // 0 without a next lease
	NextGranted uint64
}
