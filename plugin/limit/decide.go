package limit

// Request is what is to be decided.
type Request struct {
	// Version of the snapshot that the rules come from. It orders policies: the
	// higher one is the newer one.
	Version uint64
	// Now is the monotonic clock, nanoseconds. All callers that share a state
	// read the same clock; where it begins doesn't matter.
	Now int64
	// Applies has bit i set where rules[i] applies to this request.
	Applies uint64
	// Cost is how many tokens the request takes from each limit that applies.
	Cost uint64
}

// Level is where one limit that applies stands after the decision.
type Level struct {
	Rule      int   // index into the rules
	Remaining int64 // whole tokens, at most the burst; negative while in debt
	NextNS    int64 // nanoseconds until there is one token more; 0 when full
}

// Decision is what was decided.
type Decision struct {
	// Allowed says that every limit that applies was charged. Otherwise none was.
	Allowed bool
	// Never says that the cost is above the burst of a limit, so that no wait
	// would help; RetryAfterNS is then math.MaxInt64.
	Never bool
	// Changed says that the state returned differs from the one given and has to
	// be stored before the decision may be acted on. A denial seldom changes it.
	Changed bool
	// Behind says that the state was written under a newer snapshot than the
	// request's. The decision keeps every limit that both know, with the newer
	// parameters; for limits that only the newer one has, the caller should
	// switch to it and decide again.
	Behind bool
	// By is the index of the rule that decided: of those that deny, the one with
	// the longest wait. -1 when allowed.
	By int
	// RetryAfterNS is after how many nanoseconds the same request would be
	// admitted if no other comes before: exact, so that one nanosecond earlier it
	// would be denied, and math.MaxInt64 when it is that long or longer.
	// 0 when allowed.
	RetryAfterNS int64
	// Levels holds one element for each limit that applies, in rule order.
	Levels []Level
}

// Decide checks req against all rules that apply to it and charges either all
// of them or, when one denies, none.
//
// rules are all rules of the account's tier, in the tier's order, at most
// [MaxRules]; those that don't apply keep their counters byte by byte. The next
// state is appended to dst[:0] and the levels to levels[:0], so with large
// enough buffers nothing is allocated. dst must not overlap state.
//
// A state written under an older snapshot is brought to req.Version first:
// limits that are gone lose their slots, new ones begin full, changed ones are
// settled for the time since their last use at the slower of both rates and
// under the smaller of both bursts.
//
// It fails with [ErrMalformed] for a state that no function of this package
// wrote, and with [ErrRule] for rules out of bounds; then there is no decision.
func Decide(dst, state []byte, req Request, rules []Rule, levels []Level) ([]byte, Decision, error) {
	return append(dst[:0], state...), Decision{By: -1, Levels: levels[:0]}, ErrMalformed
}
