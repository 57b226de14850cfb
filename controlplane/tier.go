package controlplane

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
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
}

// DefaultsEdit is a change of the defaults; a nil field stays as it is. An
// AnonymousID of 0 takes the anonymous tier away.
type DefaultsEdit struct {
	TierID      *ID
	AnonymousID *ID
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
		faults = append(faults, validateName("name", *name, 64))
	}
	if limits != nil {
		faults = append(faults, validateLimits(*limits)...)
	}
	return errors.Join(faults...)
}

func validateName(field, name string, most int) error {
	n := utf8.RuneCountInString(name)
	switch {
	case strings.TrimSpace(name) == "":
		return Invalid(field, "give a name")
	case name != strings.TrimSpace(name):
		return Invalid(field, "leave out the space before and after")
	case n > most:
		return Invalid(field, "use at most %d characters; this has %d", most, n)
	case strings.ContainsFunc(name, isControl) || !utf8.ValidString(name):
		return Invalid(field, "leave out control characters")
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }
