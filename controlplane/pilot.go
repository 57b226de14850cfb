package controlplane

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pilot is a trial of other limits on some of a tier's accounts. It lies over the
// versions that they are on: when it ends, each is where it would be without it.
type Pilot struct {
	ID         ID
	TierID     ID
	VersionID  ID // what it tries: no number, and sealed
	Name       string
	State      PilotState
	Percent    int  // 0 to 100: of the accounts, that are in it by their ids
	Accounts   []ID // that are in it besides, while they are on the tier
	PromotedTo ID   // the version that it became; 0: none
	StartedAt  time.Time
	StartedBy  Actor
	EndedAt    *time.Time // nil while it runs
	EndedBy    Actor      // when it has ended
}

// PilotState is how far a pilot has come.
type PilotState string

// The states.
const (
	PilotRunning   PilotState = "running"
	PilotEnded     PilotState = "ended"
	PilotPromoting PilotState = "promoting" // promoted; its accounts are being written down
	PilotPromoted  PilotState = "promoted"
)

// NewPilot is a pilot to start.
type NewPilot struct {
	TierID   ID
	Revision *int // the tier's revision that it is based on; nil overlooks others' edits
	Name     string
	Limits   *[]Limit // nil: those of the draft, which stays
	Percent  int
	Accounts []ID
}

// Validate returns every mistake in a pilot, as far as it shows without the accounts.
func (p *NewPilot) Validate() error {
	faults := []error{validateName("name", &p.Name, 64), validatePercent(p.Percent), validateListed(p.Accounts)}
	if p.Limits != nil {
		faults = append(faults, ValidateTier(nil, p.Limits))
	}
	if p.Percent == 0 && len(p.Accounts) == 0 {
		faults = append(faults, Invalid("percent", "give a percentage of the accounts, or accountIds"))
	}
	return errors.Join(faults...)
}

// PilotEdit is a change of who is in a pilot; a nil field stays as it is.
type PilotEdit struct {
	ID       ID
	Revision *int // the tier's revision that it is based on; nil overlooks others' edits
	Percent  *int
	Accounts *[]ID // the whole list
}

// Validate returns every mistake in an edit, as far as it shows without the accounts.
func (e PilotEdit) Validate() error {
	var faults []error
	if e.Percent == nil && e.Accounts == nil {
		faults = append(faults, Invalid("percent", "give a percentage of the accounts, or accountIds"))
	}
	if e.Percent != nil {
		faults = append(faults, validatePercent(*e.Percent))
	}
	if e.Accounts != nil {
		faults = append(faults, validateListed(*e.Accounts))
	}
	return errors.Join(faults...)
}

// Promotion makes a version of what a pilot tries.
type Promotion struct {
	ID       ID
	Revision *int      // the tier's revision that it is based on; nil overlooks others' edits
	Note     string    // empty: the pilot's name
	Move     Migration // of the accounts that are not in the pilot
}

// Validate returns every mistake in a promotion.
func (p Promotion) Validate() error { return errors.Join(validateNote(p.Note), p.Move.validate()) }

func validatePercent(percent int) error {
	if percent < 0 || percent > 100 {
		return Invalid("percent", "give a whole number from 0 to 100")
	}
	return nil
}

func validateListed(accounts []ID) error {
	if len(accounts) > MaxIDs {
		return Invalid("accountIds", "give at most %d ids; take a percentage for more", MaxIDs)
	}
	for i, id := range accounts {
		if slices.Contains(accounts[:i], id) {
			return Invalid(fmt.Sprintf("accountIds.%d", i), "name each account once")
		}
	}
	return nil
}

// PilotEffect is what a pilot did: what its accounts were let through and refused since
// it began, beside the others of the tier.
type PilotEffect struct {
	PilotID         ID
	Inside, Outside PilotGroup
}

// PilotGroup is what was counted of accounts, at most MaxPilotSample of them.
type PilotGroup struct {
	Accounts          int // how many there are
	Sampled           int // how many of them were looked at
	ThrottledAccounts int // how many of these had a request refused with 429
	// Of those looked at: requests passed to the upstream, and refused with 429.
	AllowedRequests, ThrottledRequests int64
}

// MaxPilotSample is how many accounts of each group are looked at.
const MaxPilotSample = 1000
