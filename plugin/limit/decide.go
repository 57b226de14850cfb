package limit

import (
	"math"
	"math/bits"
	"strconv"
)

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
	// request's. Then the newer parameters decide, limits that the account no
	// longer has are not charged, and those that it has gained can't be: the
	// caller should drop the decision, switch to the newer snapshot and decide
	// again.
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
	d := Decision{By: -1, Levels: levels[:0]}
	dst, slots, err := d.follow(dst[:0], state, &req, rules)
	if err != nil {
		return nil, Decision{By: -1}, err
	}
	full, err := d.check(dst, slots, &req, rules)
	if err != nil {
		return nil, Decision{By: -1}, err
	}
	d.Allowed = d.By < 0
	d.conclude(dst, slots, &req, rules, full)
	if !d.Changed {
		copy(dst, state) // what check settled needn't be stored
	}
	return dst, d, nil
}

// follow appends to dst the state that req is decided on: the given one, or what
// it becomes under a newer snapshot. It returns its number of slots.
func (d *Decision) follow(dst, state []byte, req *Request, rules []Rule) ([]byte, int, error) {
	version, slots, err := readHeader(state)
	if err != nil {
		return nil, 0, err
	}
	if req.Applies>>len(rules) != 0 {
		return nil, 0, wrap(ErrRule, "of "+strconv.Itoa(len(rules))+" rules, a later one applies")
	}
	d.Behind = req.Version < version
	if version == req.Version && inStep(state, slots, req, rules) {
		return append(dst, state...), slots, nil
	}
	if err := checkRules(rules); err != nil {
		return nil, 0, err
	}
	if d.Behind {
		return append(dst, state...), slots, nil
	}
	d.Changed = true
	dst, err = adoptAll(dst, state, slots, req, rules)
	return dst, len(rules), err
}

// inStep reports whether slot i is the one of rules[i], under its parameters, for
// every rule that applies.
func inStep(state []byte, slots int, req *Request, rules []Rule) bool {
	if slots != len(rules) {
		return false
	}
	for set := req.Applies; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		if !slotFollows(state, i, &rules[i]) {
			return false
		}
	}
	return true
}

// adoptAll appends to dst the state under req.Version: one slot for each rule in
// rule order, byte by byte the old one where the limit has not changed.
func adoptAll(dst, state []byte, slots int, req *Request, rules []Rule) ([]byte, error) {
	dst = appendHeader(dst, req.Version, len(rules))
	for i := range rules {
		r := &rules[i]
		at := findSlot(state, slots, r.ID)
		if at < 0 {
			b := fullBucket(r, req.Now)
			dst = appendSlot(dst, &b)
			continue
		}
		var b bucket
		if err := readSlot(state, at, &b); err != nil {
			return nil, err
		}
		if !b.follows(r) {
			b.adopt(r, req.Now)
		}
		dst = appendSlot(dst, &b)
	}
	return dst, nil
}

// check settles, in next, every bucket that applies, notes its level, and finds
// the rule that denies longest, if any does. It returns which rules' buckets
// are full.
func (d *Decision) check(next []byte, slots int, req *Request, rules []Rule) (full uint64, err error) {
	for set := req.Applies; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		slot := d.slotOf(next, slots, i, rules)
		if slot < 0 {
			continue
		}
		var b bucket
		if err := readSlot(next, slot, &b); err != nil {
			return 0, err
		}
		b.settle(req.Now)
		putSlot(slotAt(next, slot), &b)
		if b.full() {
			full |= 1 << i
		}
		d.Levels = append(d.Levels, Level{Rule: i, Remaining: b.tokens, NextNS: b.wait(1, req.Now)})
		d.consider(i, &b, req)
	}
	return full, nil
}

// consider denies if b can't give req's cost and does so for longer than any
// bucket considered before.
func (d *Decision) consider(rule int, b *bucket, req *Request) {
	switch {
	case d.Never:
	case req.Cost > b.burst:
		d.By, d.Never, d.RetryAfterNS = rule, true, math.MaxInt64
	case b.tokens < int64(req.Cost):
		wait := b.wait(uint64(int64(req.Cost)-b.tokens), req.Now)
		if wait > d.RetryAfterNS {
			d.By, d.RetryAfterNS = rule, wait
		}
	}
}

// conclude charges every bucket that applies if d allows, and brings the levels
// to where they stand after it.
func (d *Decision) conclude(next []byte, slots int, req *Request, rules []Rule, full uint64) {
	charges := d.Allowed && req.Cost > 0
	for i := range d.Levels {
		l := &d.Levels[i]
		if charges {
			l.Remaining -= int64(req.Cost)
			setTokens(slotAt(next, d.slotOf(next, slots, l.Rule, rules)), l.Remaining)
			d.Changed = true
		} else if full&(1<<l.Rule) != 0 {
			l.NextNS = 0
		}
	}
}

// slotOf returns the index of the slot of rule i, or -1 when there is none.
func (d *Decision) slotOf(state []byte, slots, i int, rules []Rule) int {
	if d.Behind {
		return findSlot(state, slots, rules[i].ID)
	}
	return i
}
