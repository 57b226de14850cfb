package controlplane

import (
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// ScheduledChange is a mutation that is carried out at a time, as whoever made it
// and with the rights that they have then.
type ScheduledChange struct {
	ID        ID
	At        time.Time
	Note      string
	Field     string          // of Mutation, such as updateAccount
	Input     json.RawMessage // its argument
	AccountID ID              // whose it changes something of; 0: no account's
	Status    ScheduleStatus
	By        Actor
	CreatedAt time.Time
	SettledAt *time.Time // when it was carried out, failed or was cancelled; nil with PENDING
	Fault     string     // why it failed
}

// ScheduleStatus is what has become of a scheduled change.
type ScheduleStatus string

// The states of a scheduled change.
const (
	SchedulePending   ScheduleStatus = "pending"
	ScheduleDone      ScheduleStatus = "done"
	ScheduleFailed    ScheduleStatus = "failed"
	ScheduleCancelled ScheduleStatus = "cancelled"
)

// MaxScheduled is how many changes may be pending at once.
const MaxScheduled = 1000

// Validate returns every mistake in a change that is to be scheduled, but for those
// in its input.
func (c ScheduledChange) Validate(now time.Time) error {
	faults := []error{validateFuture("at", &c.At, now)}
	if utf8.RuneCountInString(c.Note) > maxNote || !readable(c.Note) {
		faults = append(faults, Invalid("note", "use at most %d characters, without line breaks, other control characters and invisible ones", maxNote))
	}
	return errors.Join(faults...)
}
