package controlplane

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirhq/weir/plugin/wire"
)

// Tier is a named set of limits that accounts are put on.
type Tier struct {
	ID        ID
	Name      string
	Revision  int // counts the edits, from 1
	Limits    []Limit
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

// TierEdit is a change of a tier; a nil field stays as it is.
type TierEdit struct {
	ID       ID
	Revision *int // the revision the edit is based on; nil overwrites
	Name     *string
	Limits   *[]Limit // the whole list: with an ID changed, without created, missing deleted
}

// limitName is what a limit's name must look like, so that it can stand in a
// header field and in a URL as it is.
var limitName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

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

func validateLimits(limits []Limit) []error {
	if len(limits) > MaxLimits {
		return []error{Invalid("limits", "a tier has at most %d limits; this one has %d", MaxLimits, len(limits))}
	}
	var faults []error
	names, ids := map[string]bool{}, map[ID]bool{}
	for i, l := range limits {
		at := func(field string) string { return fmt.Sprintf("limits.%d.%s", i, field) }
		switch {
		case !limitName.MatchString(l.Name) || len(l.Name) > 64:
			faults = append(faults, Invalid(at("name"), "use 1 to 64 lower-case letters, digits and single hyphens, such as per-minute"))
		case names[l.Name]:
			faults = append(faults, Invalid(at("name"), "another limit of this tier is called %s; choose a different name", l.Name))
		}
		names[l.Name] = true
		if l.ID != 0 && ids[l.ID] {
			faults = append(faults, Invalid(at("id"), "this limit is in the list twice; leave one out"))
		}
		ids[l.ID] = true
		if l.Amount < 1 || l.Amount > wire.MaxAmount {
			faults = append(faults, Invalid(at("amount"), "give a whole number from 1 to %d", int64(wire.MaxAmount)))
		}
		// A burst left out is the amount, whose mistake has been told.
		if (l.Burst < 1 || l.Burst > wire.MaxAmount) && l.Burst != l.Amount {
			faults = append(faults, Invalid(at("burst"), "give a whole number from 1 to %d", int64(wire.MaxAmount)))
		}
	}
	return faults
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
