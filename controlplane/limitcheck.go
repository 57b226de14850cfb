package controlplane

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/weirhq/weir/plugin/wire"
)

// Bounds of a limit.
const (
	MaxAmount       = wire.MaxAmount
	MaxGracePercent = 1000
	MaxGraceSeconds = 30 * 86400
	MaxSlowMS       = 600_000
)

// limitName is what a limit's name must look like, so that it can stand in a
// header field and in a URL as it is.
var limitName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func validateLimits(limits []Limit) []error {
	if len(limits) > MaxLimits {
		return []error{Invalid("limits", "a tier has at most %d limits; this one has %d", MaxLimits, len(limits))}
	}
	var faults []error
	names, ids := map[string]bool{}, map[ID]bool{}
	for i, l := range limits {
		c := limitCheck{path: fmt.Sprintf("limits.%d.", i), limit: l}
		switch {
		case !limitName.MatchString(l.Name) || len(l.Name) > 64:
			c.fault("name", "use 1 to 64 lower-case letters, digits and single hyphens, such as per-minute")
		case names[l.Name]:
			c.fault("name", "another limit of this tier is called %s; choose a different name", l.Name)
		}
		names[l.Name] = true
		if l.ID != 0 && ids[l.ID] {
			c.fault("id", "this limit is in the list twice; leave one out")
		}
		ids[l.ID] = true
		if (l.Subject == SubjectAddress) != (limits[0].Subject == SubjectAddress) {
			c.fault("subject", "a tier is either for callers known by address or for accounts; put limits with subject ADDRESS in a tier of their own, and name that as the anonymous tier")
		}
		c.scope()
		c.amounts()
		c.mode()
		c.adaptive()
		faults = append(faults, c.faults...)
	}
	return faults
}

// limitCheck gathers the mistakes in one limit.
type limitCheck struct {
	path   string // of the limit, with a dot after it
	limit  Limit
	faults []error
}

func (c *limitCheck) fault(field, format string, args ...any) {
	c.faults = append(c.faults, Invalid(c.path+field, format, args...))
}

// within checks a number that may be 0 for none.
func (c *limitCheck) within(field string, n, most int) {
	if n < 0 || n > most {
		c.fault(field, "give a whole number from 1 to %d, or leave it out", most)
	}
}

// scope checks whose requests the limit counts, which of them, and in what.
func (c *limitCheck) scope() {
	l := c.limit
	if !slices.Contains([]LimitSubject{SubjectAccount, SubjectKey, SubjectAddress}, l.Subject) {
		c.fault("subject", "choose ACCOUNT, KEY or ADDRESS")
	}
	switch l.Selector {
	case SelectAll, SelectEndpoint, SelectGroup, SelectReads, SelectWrites:
	default:
		c.fault("selector", "choose ALL, ENDPOINT, GROUP, READS or WRITES")
	}
	switch {
	case l.Selector == SelectEndpoint && l.Endpoint == 0:
		c.fault("endpointId", "say which endpoint, or choose another selector")
	case l.Selector != SelectEndpoint && l.Endpoint != 0:
		c.fault("endpointId", "only a limit with selector ENDPOINT has an endpoint; leave it out")
	}
	switch {
	case l.Selector == SelectGroup && l.Group == 0:
		c.fault("groupId", "say which endpoint group, or choose another selector")
	case l.Selector != SelectGroup && l.Group != 0:
		c.fault("groupId", "only a limit with selector GROUP has a group; leave it out")
	}
	if !slices.Contains([]Measure{MeasureRequests, MeasureBytes, MeasureCost}, l.Measure) {
		c.fault("measure", "choose REQUESTS, BYTES or COST")
	}
}

// amounts checks the kind, and how much it allows for how long.
func (c *limitCheck) amounts() {
	l := c.limit
	if l.Amount < 1 || l.Amount > MaxAmount {
		c.fault("amount", "give a whole number from 1 to %d", int64(MaxAmount))
	}
	switch l.Kind {
	case Rate, Window:
		if l.Period.Seconds() == 0 {
			c.fault("period", "with this kind, choose SECOND, MINUTE, HOUR or DAY; MONTH and BILLING are for quotas")
		}
	case Quota:
		if !slices.Contains([]Period{Hour, Day, Month, Billing}, l.Period) {
			c.fault("period", "with kind QUOTA, choose HOUR, DAY, MONTH or BILLING")
		}
		if l.Subject == SubjectAddress {
			c.fault("kind", "a quota is kept in a ledger for each account or key, and addresses have none; take a WINDOW of up to a day")
		}
	default:
		c.fault("kind", "choose RATE, WINDOW or QUOTA")
	}
	switch {
	case l.Kind != Rate && l.Burst != 0:
		c.fault("burst", "only a limit with kind RATE has a burst; leave it out")
	// A burst left out is the amount, whose mistake has been told.
	case l.Kind == Rate && (l.Burst < 1 || l.Burst > MaxAmount) && l.Burst != l.Amount:
		c.fault("burst", "give a whole number from 1 to %d", int64(MaxAmount))
	}
}

func (c *limitCheck) mode() {
	l := c.limit
	if !validMode(l.Mode) {
		c.fault("mode", "choose ENFORCE, SOFT or SHADOW")
	}
	for _, grace := range []struct {
		field   string
		n, most int
	}{{"gracePercent", l.GracePercent, MaxGracePercent}, {"graceSeconds", l.GraceSeconds, MaxGraceSeconds}} {
		if l.Mode != Soft && grace.n != 0 {
			c.fault(grace.field, "only a limit with mode SOFT has a grace; leave it out")
			continue
		}
		c.within(grace.field, grace.n, grace.most)
	}
}

func validMode(m LimitMode) bool { return m == Enforce || m == Soft || m == Shadow }

func (c *limitCheck) adaptive() {
	a := c.limit.Adaptive
	if a == (Adaptive{}) {
		return
	}
	if c.limit.Kind == Quota {
		c.fault("adaptive", "a quota is a budget and does not tighten; use it with RATE or WINDOW")
		return
	}
	c.within("adaptive.errorPercent", a.ErrorPercent, 100)
	c.within("adaptive.slowMs", a.SlowMS, MaxSlowMS)
	c.within("adaptive.slowPercent", a.SlowPercent, 100)
	switch {
	case a.ErrorPercent == 0 && a.SlowMS == 0 && a.SlowPercent == 0:
		c.fault("adaptive.errorPercent", "say when it tightens: give errorPercent, or slowMs and slowPercent")
	case a.SlowMS != 0 && a.SlowPercent == 0:
		c.fault("adaptive.slowPercent", "say how many percent of slow answers are too many")
	case a.SlowMS == 0 && a.SlowPercent != 0:
		c.fault("adaptive.slowMs", "say from how many milliseconds an answer is slow")
	}
	if a.FloorPercent < 1 || a.FloorPercent > 99 {
		c.fault("adaptive.floorPercent", "give a whole number from 1 to 99")
	}
}

// FitsAccounts returns what keeps limits from being those of an account, as a
// mistake in field; nil for nothing.
func FitsAccounts(field string, limits []Limit) error {
	for _, l := range limits {
		if l.Subject == SubjectAddress {
			return Invalid(field, "limit %s of this tier counts by ADDRESS, and that is for callers without an account; choose a tier whose limits have subject ACCOUNT or KEY", l.Name)
		}
	}
	return nil
}

// FitsAnonymous returns what keeps limits from being those of callers without an
// account, as a mistake in field; nil for nothing.
func FitsAnonymous(field string, limits []Limit) error {
	for _, l := range limits {
		if l.Subject != SubjectAddress {
			return Invalid(field, "callers without an account are known by address only, and limit %s of this tier counts by ACCOUNT or KEY; choose a tier whose limits all have subject ADDRESS", l.Name)
		}
	}
	return nil
}
