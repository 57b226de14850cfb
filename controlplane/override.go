package controlplane

import (
	"errors"
	"time"
)

// Override is what an account has instead of one limit of its tier.
type Override struct {
	ID        ID
	AccountID ID
	LimitID   ID
	Amount    int64
	Burst     int64      // 0: the limit's
	Mode      LimitMode  // empty: the limit's
	Until     *time.Time // nil: never ends
	Note      string
	CreatedAt time.Time
	// Introductory is whether the account got it when it was created; see
	// IntroductoryAllowance.
	Introductory bool
	Revision     int // another one after each change
}

// maxNote is how many characters a note may have.
const maxNote = 500

// Validate returns every mistake in an override that is to be set, as far as it
// shows without the limit.
func (o Override) Validate(now time.Time) error {
	var faults []error
	if o.Amount < 1 || o.Amount > MaxAmount {
		faults = append(faults, Invalid("amount", "give a whole number from 1 to %d", int64(MaxAmount)))
	}
	if o.Burst < 0 || o.Burst > MaxAmount {
		faults = append(faults, Invalid("burst", "give a whole number from 1 to %d, or leave it out", int64(MaxAmount)))
	}
	if o.Mode != "" && !validMode(o.Mode) {
		faults = append(faults, Invalid("mode", "choose ENFORCE, SOFT or SHADOW, or leave it out"))
	}
	faults = append(faults, validateFuture("until", o.Until, now), validateNote(o.Note))
	return errors.Join(faults...)
}

// Fits returns what keeps the override from standing in place of l.
func (o Override) Fits(l Limit) error {
	if o.Burst != 0 && l.Kind != Rate {
		return Invalid("burst", "only a limit with kind RATE has a burst; leave it out")
	}
	return nil
}

// Apply returns l with the override in its place. A grace goes with mode SOFT
// only.
func (o Override) Apply(l Limit) Limit {
	l.Amount = o.Amount
	if o.Burst != 0 && l.Kind == Rate {
		l.Burst = o.Burst
	}
	if o.Mode != "" {
		l.Mode = o.Mode
	}
	if l.Mode != Soft {
		l.GracePercent, l.GraceSeconds = 0, 0
	}
	return l
}

// EndedAt says whether the override's time is up.
func (o Override) EndedAt(now time.Time) bool { return o.Until != nil && !now.Before(*o.Until) }

// Overridden returns limits with the overrides that have not ended in the place
// of theirs.
func Overridden(limits []Limit, overrides []Override, now time.Time) []Limit {
	out := make([]Limit, len(limits))
	for i, l := range limits {
		out[i] = l
		for _, o := range overrides {
			if o.LimitID == l.ID && !o.EndedAt(now) {
				out[i] = o.Apply(l)
			}
		}
	}
	return out
}
