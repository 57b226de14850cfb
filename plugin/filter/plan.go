package filter

import (
	"github.com/weirhq/weir/plugin/adapt"
	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/limit"
)

// subject is whose state in shared data a limit is kept in.
type subject uint8

const (
	ofAccount subject = iota
	ofKey
	ofAddress
	subjects = 3
)

// plan is a plan of the policy made ready for requests. But for the texts it is
// never changed.
type plan struct {
	id, tier uint64
	name     string // of the tier
	limits   []book.Limit
	items    []string // of each limit, how its item of RateLimit begins
	parts    [subjects]part
	ref      book.PlanRef
	ends     bool   // some of the limits give way to those of the tier
	adaptive uint64 // limits that tighten while the upstream is unwell
	factors  uint64 // generation of the factors that the rules were scaled by
	texts    [policyTexts]policyText
}

// part is the limits of a plan that one state holds.
type part struct {
	subject subject
	rules   []limit.Rule
	of      []uint8 // index of each rule's limit in the plan
	mask    uint64  // the plan's limits that are in it

	// Sets of rules.
	quotas  uint64
	refund  uint64 // give back what a failed request took
	settled uint64 // have something to do at the end of a stream
	closed  uint64 // deny when their state isn't known
	shadow  uint64
	soft    uint64
}

// newPlan makes a plan ready that is in force since a time. factor is what an
// adaptive limit is scaled by, in thousandths, and since when.
func newPlan(ref book.PlanRef, limits []book.Limit, since int64, factor func(*book.Limit) (uint64, int64)) *plan {
	y := &plan{id: ref.ID, tier: ref.Tier, name: ref.Name, ref: ref, limits: limits}
	for s := range y.parts {
		y.parts[s].subject = subject(s)
	}
	for i := range limits {
		l := &limits[i]
		y.ends = y.ends || l.EndsAtMS != 0
		y.items = append(y.items, string(appendName(nil, l.Name))+";r=")
		r := ruleOf(l)
		r.Since = since
		if l.Adaptive != (book.Adaptive{}) {
			y.adaptive |= 1 << i
			thousandths, at := factor(l)
			scale(&r, thousandths)
			r.Since = max(since, at)
		}
		y.parts[subjectOf(l.Subject)].add(i, r, l)
	}
	if keys := &y.parts[ofKey]; len(keys.rules) > 0 && len(y.parts[ofAccount].rules) > 0 {
		for i := range keys.rules { // see plugin.giveBack
			keys.rules[i].Refund = true
		}
	}
	return y
}

func (t *part) add(index int, r limit.Rule, l *book.Limit) {
	bit := uint64(1) << len(t.rules)
	t.rules = append(t.rules, r)
	t.of = append(t.of, uint8(index))
	t.mask |= 1 << index
	if r.Kind == limit.Quota {
		t.quotas |= bit
	}
	if l.Refund {
		t.refund |= bit
	}
	if l.Refund || r.Measure != limit.Requests {
		t.settled |= bit
	}
	if !r.FailOpen && r.Mode == limit.Enforce {
		t.closed |= bit
	}
	switch r.Mode {
	case limit.Shadow:
		t.shadow |= bit
	case limit.Soft:
		t.soft |= bit
	}
}

// applying returns which of the part's rules apply, given the plan's limits that
// do.
func (t *part) applying(limits uint64) (rules uint64) {
	limits &= t.mask
	if limits == t.mask {
		return 1<<len(t.rules) - 1
	}
	for i, of := range t.of {
		if limits&(1<<of) != 0 {
			rules |= 1 << i
		}
	}
	return rules
}

// limit returns the limit that a rule of the part stands for.
func (y *plan) limit(t *part, rule int) *book.Limit { return &y.limits[t.of[rule]] }

func subjectOf(s book.Subject) subject {
	switch s {
	case book.PerKey:
		return ofKey
	case book.PerAddress:
		return ofAddress
	}
	return ofAccount
}

func ruleOf(l *book.Limit) limit.Rule {
	return limit.Rule{
		ID:            l.ID,
		Kind:          limit.Kind(l.Kind - book.Rate),
		Measure:       limit.Measure(l.Measure - book.Requests),
		Mode:          limit.Mode(l.Mode - book.Enforce),
		FailOpen:      l.FailOpen,
		Refund:        l.Refund,
		Amount:        l.Amount,
		Burst:         l.Burst,
		PeriodSeconds: l.PeriodSeconds,
		GracePercent:  l.GracePercent,
		GraceSeconds:  l.GraceSeconds,
	}
}

// scale tightens a rule to so many thousandths, but not to nothing.
func scale(r *limit.Rule, factor uint64) {
	r.Amount = adapt.Apply(r.Amount, factor)
	if r.Kind == limit.Rate {
		r.Burst = adapt.Apply(r.Burst, factor)
	}
}

// Plans that were made ready are kept in a table of fixed size, a place for each
// remainder of an id. Of a plan with 32 limits that is 9 KB, so 9 MB at most.
const readyPlans = 1024

// readyPlan returns a plan made ready, nil when the policy has none of that id.
func (y *policy) readyPlan(id uint64, h *health) *plan {
	place := &y.plans[id%readyPlans]
	if r := *place; r != nil && r.id == id && (r.adaptive == 0 || r.factors == h.generation) {
		return r
	}
	ref, ok := y.core.FindPlan(id)
	if !ok {
		return nil
	}
	limits := make([]book.Limit, 0, ref.Limits)
	for i := range ref.Limits {
		limits = append(limits, y.core.Limit(ref.FirstLimit+i))
	}
	r := newPlan(ref, limits, y.sinceNS, h.factor)
	r.factors = h.generation
	*place = r
	return r
}
