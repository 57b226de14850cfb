package controlplane

import (
	"errors"
	"time"
	"unicode/utf8"
)

// TierVersion is what a tier was, is, is to be like, or is like in a pilot. A draft may
// change; what another one says is so for good.
type TierVersion struct {
	ID          ID
	TierID      ID
	Number      int // from 1; 0: it isn't published
	State       VersionState
	Note        string
	Limits      []Limit
	Current     bool // it is the one that accounts are put on
	CreatedAt   time.Time
	PublishedAt *time.Time // nil: it isn't
	PublishedBy Actor      // when it is; of a draft: who saved it last
}

// VersionState is how far a version of a tier has come.
type VersionState string

// The states.
const (
	VersionDraft     VersionState = "draft"
	VersionPilot     VersionState = "pilot" // what a pilot tries, or tried
	VersionPublished VersionState = "published"
)

// TierDraft is what the draft of a tier is to be like.
type TierDraft struct {
	TierID   ID
	Revision *int // the tier's revision that it is based on; nil overwrites
	Limits   []Limit
	Note     string
}

// Validate returns every mistake in a draft.
func (d TierDraft) Validate() error {
	return errors.Join(ValidateTier(nil, &d.Limits), validateNote(d.Note))
}

// Publication is a new version of a tier, and what becomes of the accounts that are
// on the others.
type Publication struct {
	TierID   ID
	Revision *int     // the tier's revision that it is based on; nil overwrites
	Limits   *[]Limit // nil: those of From, or else of the draft
	From     int      // the number of an earlier version that is published again; 0: none
	Note     string   // empty: the draft's
	Move     Migration
}

// Migration says when the accounts of a tier move to a version of it.
type Migration struct {
	When        MoveWhen
	Steps       []int // with MoveSteps: percentages of the accounts, rising, the last 100
	StepMinutes int   // with MoveSteps: between one step and the next
}

// MoveWhen is when accounts move.
type MoveWhen string

// When they do.
const (
	MoveNone      MoveWhen = "none"       // never: they are grandfathered
	MoveNow       MoveWhen = "now"        // all at once
	MovePeriodEnd MoveWhen = "period_end" // each at the end of its billing period
	MoveSteps     MoveWhen = "steps"
)

// Bounds of a migration in steps.
const (
	MaxSteps       = 20
	MaxStepMinutes = 30 * 24 * 60
)

// Validate returns every mistake in a publication.
func (p Publication) Validate() error {
	faults := []error{validateNote(p.Note), p.Move.validate()}
	if p.Limits != nil {
		faults = append(faults, ValidateTier(nil, p.Limits))
	}
	if p.Limits != nil && p.From != 0 {
		faults = append(faults, Invalid("fromVersion", "give limits or the version that is published again, not both"))
	}
	return errors.Join(faults...)
}

func (m Migration) validate() error {
	if m.When != MoveSteps {
		if len(m.Steps) > 0 || m.StepMinutes != 0 {
			return Invalid("move.steps", "steps are for moving in STEPS; leave them out")
		}
		return nil
	}
	if len(m.Steps) == 0 || len(m.Steps) > MaxSteps {
		return Invalid("move.steps", "give 1 to %d percentages", MaxSteps)
	}
	for i, percent := range m.Steps {
		if percent < 1 || percent > 100 || i > 0 && percent <= m.Steps[i-1] {
			return Invalid("move.steps", "give percentages from 1 to 100, each above the one before")
		}
	}
	if m.Steps[len(m.Steps)-1] != 100 {
		return Invalid("move.steps", "the last step moves all: give 100")
	}
	if m.StepMinutes < 1 || m.StepMinutes > MaxStepMinutes {
		return Invalid("move.stepMinutes", "give minutes from 1 to %d", MaxStepMinutes)
	}
	return nil
}

func validateNote(note string) error {
	if utf8.RuneCountInString(note) > maxNote || !readable(note) {
		return Invalid("note", "use at most %d characters, without line breaks, other control characters and invisible ones", maxNote)
	}
	return nil
}
