package controlplane

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Tier is a named set of limits that accounts are put on, in versions.
type Tier struct {
	ID        ID
	Name      string
	Revision  int     // counts the edits, from 1
	VersionID ID      // the current one
	Limits    []Limit // of the current version
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MaxLimits is how many limits a tier may have.
const MaxLimits = 32

// Defaults are the tiers of those that have none of their own.
type Defaults struct {
	TierID      ID // of accounts without a tier
	AnonymousID ID // of callers without an account; 0: they are refused
	// IntroductoryPercent and IntroductoryDays are those of the introductory
	// allowance; 0: there is none.
	IntroductoryPercent, IntroductoryDays int
	Revision                              int // counts their changes
}

// Introductory returns the introductory allowance, nil for none.
func (d Defaults) Introductory() *IntroductoryAllowance {
	if d.IntroductoryPercent == 0 {
		return nil
	}
	return &IntroductoryAllowance{d.IntroductoryPercent, d.IntroductoryDays}
}

// DefaultsEdit is a change of the defaults; a nil field stays as it is. An
// AnonymousID of 0 takes the anonymous tier away, and so does an introductory
// allowance of 0 percent with that.
type DefaultsEdit struct {
	Revision     *int // that it is based on; nil: any
	TierID       *ID
	AnonymousID  *ID
	Introductory *IntroductoryAllowance
}

// Validate returns every mistake in an edit, as far as it shows without the tiers.
func (e DefaultsEdit) Validate() error {
	if e.Introductory == nil || *e.Introductory == (IntroductoryAllowance{}) {
		return nil
	}
	var faults []error
	if p := e.Introductory.Percent; p < 101 || p > 1000 {
		faults = append(faults, Invalid("introductoryAllowance.percent", "give a whole number from 101 to 1000"))
	}
	if d := e.Introductory.Days; d < 1 || d > 366 {
		faults = append(faults, Invalid("introductoryAllowance.days", "give a whole number from 1 to 366"))
	}
	return errors.Join(faults...)
}

// IntroductoryAllowance is what accounts that are created without a tier get at
// first: a percentage of each of the default tier's limits, for so many days.
type IntroductoryAllowance struct {
	Percent int // 101 to 1000
	Days    int // 1 to 366
}

// Overrides returns what an account has at first instead of limits. They end at the
// full hour after the last day, so that accounts of one hour share what Envoys hold.
func (i IntroductoryAllowance) Overrides(account ID, limits []Limit, now time.Time) []Override {
	until := now.UTC().Add(time.Duration(i.Days)*24*time.Hour + time.Hour - time.Millisecond).Truncate(time.Hour)
	overrides := make([]Override, len(limits))
	for n, l := range limits {
		overrides[n] = Override{
			AccountID: account, LimitID: l.ID, Amount: i.of(l.Amount), Until: &until, Introductory: true,
			Note: fmt.Sprintf("Introductory allowance: %d%% for %d days", i.Percent, i.Days),
		}
		if l.Kind == Rate {
			overrides[n].Burst = i.of(l.Burst)
		}
	}
	return overrides
}

func (i IntroductoryAllowance) of(n int64) int64 {
	return min(MaxAmount, (n*int64(i.Percent)+99)/100)
}

// TierEdit is a change of a tier; a nil field stays as it is. Limits that differ from
// the current version's make a new version, to which all accounts move at once.
type TierEdit struct {
	ID       ID
	Revision *int // the revision the edit is based on; nil overwrites
	Name     *string
	Limits   *[]Limit // the whole list: with an ID changed, without created, missing deleted
}

// LimitOrder is another order of a tier's limits.
type LimitOrder struct {
	TierID   ID
	Revision *int // the revision the edit is based on; nil overwrites
	Limits   []ID // all of them, each once
}

// Fits returns what keeps the order from being one of a tier's limits. The errors
// name the fields of limitIds.
func (o LimitOrder) Fits(limits []Limit) error {
	due := map[ID]bool{}
	for _, l := range limits {
		due[l.ID] = true
	}
	for i, id := range o.Limits {
		field := fmt.Sprintf("limitIds.%d", i)
		switch {
		case due[id]:
			delete(due, id)
		case slices.Contains(o.Limits[:i], id):
			return Invalid(field, "name each limit once")
		default:
			return NotFound(field, "limit in this tier")
		}
	}
	for _, l := range limits {
		if due[l.ID] {
			return Invalid("limitIds", "name all of the tier's limits; %s is missing", l.Name)
		}
	}
	return nil
}

// ValidateTier returns every mistake in a tier's name and limits. A nil name
// or list is not looked at.
func ValidateTier(name *string, limits *[]Limit) error {
	var faults []error
	if name != nil {
		faults = append(faults, validateName("name", name, 64))
	}
	if limits != nil {
		faults = append(faults, validateLimits(*limits)...)
	}
	return errors.Join(faults...)
}
