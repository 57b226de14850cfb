package filter

import (
	"slices"

	"github.com/weirhq/weir/plugin/limit"
)

const (
	// endsWithinNS is how much before its end an override counts as ended for
	// whoever is to wait: a wait is rounded up to the second, and the clock that ends
	// the override is another one.
	endsWithinNS = 2 * second
	// endRounds bounds how often a wait is made longer. Each override that ends
	// takes one round or two.
	endRounds   = 16
	longestWait = 1 << 61
)

// waitBeyondEnds returns after how long a request that was refused, and would be
// let through after waitNS by the limits as they are, is let through when some of
// them are overrides that end before: never earlier. It reports whether no wait
// helps.
func (r *request) waitBeyondEnds(q *question, waitNS int64) (ns int64, never bool) {
	if !q.plan.ends {
		return waitNS, false
	}
	tier := r.policy.readyPlan(q.plan.tier, &r.health)
	for round := 0; tier != nil && round < endRounds && waitNS < longestWait; round++ {
		more, never := r.waitAt(q, tier, q.nowNS+waitNS)
		if never || more == 0 {
			return waitNS, never
		}
		waitNS += more
	}
	return waitNS, false
}

// waitAt returns how much longer the request would have to wait if it came again at
// a time, as the first since now, by the limits that hold then.
func (r *request) waitAt(q *question, tier *plan, atNS int64) (moreNS int64, never bool) {
	for i := range q.parts() {
		a := &q.asked[i]
		rules, ended := q.plan.rulesAt(a.part, tier, r.wallNS(atNS)+endsWithinNS)
		if !ended {
			continue
		}
		req := q.request(a, q.take)
		req.Version++
		req.Now, req.Wall = atNS, r.wallSeconds(atNS)
		_, d, err := limit.Decide(nil, a.next, req, rules, nil)
		switch {
		case err != nil || d.Allowed || d.Unknown:
		case d.Never:
			return 0, true
		default:
			moreNS = max(moreNS, d.RetryAfterNS)
		}
	}
	return moreNS, false
}

// rulesAt returns a part's rules as they are at a time, Unix nanoseconds, and
// whether some of them have given way to those of the tier by then.
func (y *plan) rulesAt(of *part, tier *plan, wallNS int64) (rules []limit.Rule, ended bool) {
	after := tier.parts[of.subject].rules
	if len(after) != len(of.rules) {
		return nil, false
	}
	for i := range of.rules {
		ends := y.limit(of, i).EndsAtMS
		if ends == 0 || wallNS/millisecond < ends || after[i].ID != of.rules[i].ID {
			continue
		}
		if !ended {
			rules, ended = slices.Clone(of.rules), true
		}
		rules[i] = after[i]
		rules[i].Since = 0 // it is not in force yet
	}
	return rules, ended
}
