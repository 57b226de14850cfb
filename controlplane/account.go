package controlplane

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/zone"
)

// Account is who is limited and billed.
type Account struct {
	ID            ID
	Name          string
	TierID        ID   // the one whose limits it has
	OnDefaultTier bool // TierID is the default, not its own
	Status        AccountStatus
	Labels        Labels
	TimeZone      string // IANA name, of its calendar and billing periods
	BillingDay    int    // 1 to 31, or the last day in shorter months
	Epoch         int    // counts the resets of its counters
	CreatedAt     time.Time
	Trial         *Trial     // with status TRIAL, nil with others
	ClosedAt      *time.Time // with status CLOSED, nil with others
	Revision      int        // counts its changes
}

// AccountStatus is whether an account may send requests, and why not.
type AccountStatus string

// The states of an account.
const (
	AccountTrial     AccountStatus = "trial"     // may send, until its trial ends
	AccountActive    AccountStatus = "active"    // may send
	AccountSuspended AccountStatus = "suspended" // is refused with 403, and can be changed
	AccountClosed    AccountStatus = "closed"    // is refused with 403, its keys are revoked, and it stays as it is
)

// AccountStatuses returns all of them.
func AccountStatuses() []AccountStatus {
	return []AccountStatus{AccountTrial, AccountActive, AccountSuspended, AccountClosed}
}

// becomes is what an account of each status may be turned into. A closed one comes
// back suspended, so that whoever reopens it decides in a second step that it may
// send requests.
var becomes = map[AccountStatus][]AccountStatus{
	AccountTrial:     {AccountActive, AccountSuspended, AccountClosed},
	AccountActive:    {AccountTrial, AccountSuspended, AccountClosed},
	AccountSuspended: {AccountTrial, AccountActive, AccountClosed},
	AccountClosed:    {AccountSuspended},
}

// Becomes returns what an account of status s may be turned into.
func (s AccountStatus) Becomes() []AccountStatus { return becomes[s] }

// May says whether an account of this status may send requests.
func (s AccountStatus) May() bool { return s == AccountTrial || s == AccountActive }

// Trial is how long an account is on trial, and what comes then.
type Trial struct {
	EndsAt time.Time
	Then   TrialEnd
	TierID ID // with Activate: the tier that it is put on; 0: it stays on its own
}

// TrialEnd is what becomes of an account when its trial ends.
type TrialEnd string

// The ends of a trial.
const (
	TrialActivates TrialEnd = "activate" // it is ACTIVE
	TrialSuspends  TrialEnd = "suspend"  // it is SUSPENDED
)

// Validate returns every mistake in a trial that is to begin or to change.
func (t Trial) Validate(now time.Time) error {
	faults := []error{validateFuture("trial.endsAt", &t.EndsAt, now)}
	switch {
	case t.Then != TrialActivates && t.Then != TrialSuspends:
		faults = append(faults, Invalid("trial.then", "choose ACTIVATE or SUSPEND"))
	case t.Then == TrialSuspends && t.TierID != 0:
		faults = append(faults, Invalid("trial.tierId", "leave it out with SUSPEND, or choose ACTIVATE"))
	}
	return errors.Join(faults...)
}

// HandOver is the edit that ends the trial of an account.
func (t Trial) HandOver(account ID) AccountEdit {
	e := AccountEdit{ID: account, Status: AccountSuspended}
	if t.Then == TrialActivates {
		e.Status = AccountActive
		if t.TierID != 0 {
			e.TierID = &t.TierID
		}
	}
	return e
}

// NewAccount is an account to create.
type NewAccount struct {
	Name       string
	TierID     ID // 0: the default one
	TimeZone   string
	BillingDay int
	Labels     Labels
	Trial      *Trial // nil: it is ACTIVE
}

// Validate returns every mistake in an account to create.
func (a *NewAccount) Validate(now time.Time) error {
	faults := []error{validateAccount(&a.Name, &a.TimeZone, &a.BillingDay), a.Labels.Validate("labels")}
	if a.Trial != nil {
		faults = append(faults, a.Trial.Validate(now))
	}
	return errors.Join(faults...)
}

// AccountEdit is a change of an account; what is nil or empty stays as it is.
type AccountEdit struct {
	ID           ID
	Revision     *int // that it is based on; nil: any
	Name         *string
	TierID       *ID // 0 puts it on the default one
	Status       AccountStatus
	Trial        *Trial // with status TRIAL, or of an account that has it
	TimeZone     *string
	BillingDay   *int
	Labels       *Labels // all of them
	AddLabels    Labels  // beside those that it has, or in place of those with the same keys
	RemoveLabels []string
}

// Validate returns every mistake in an edit, as far as it shows without the account.
func (e AccountEdit) Validate(now time.Time) error {
	faults := []error{validateAccount(e.Name, e.TimeZone, e.BillingDay), e.AddLabels.Validate("addLabels")}
	if e.Labels != nil {
		faults = append(faults, e.Labels.Validate("labels"))
		if len(e.AddLabels)+len(e.RemoveLabels) > 0 {
			faults = append(faults, Invalid("labels", "give labels, or addLabels and removeLabels"))
		}
	}
	if len(e.RemoveLabels) > MaxLabels {
		faults = append(faults, Invalid("removeLabels", "give at most %d keys", MaxLabels))
	}
	if e.Status != "" && !slices.Contains(AccountStatuses(), e.Status) {
		faults = append(faults, Invalid("status", "choose TRIAL, ACTIVE, SUSPENDED or CLOSED"))
	}
	if e.Trial != nil {
		faults = append(faults, e.Trial.Validate(now))
	}
	return errors.Join(faults...)
}

// Apply returns the account as the edit leaves it, with what the state of the account
// rules out. The default tier's id is known to the store only: with TierID 0 it is
// left as it is.
func (e AccountEdit) Apply(a Account, now time.Time) (Account, error) {
	if a.Status == AccountClosed && !e.onlyReopens() {
		return a, ErrClosed("id")
	}
	after := a
	after.Labels = e.labelsOf(a)
	if len(after.Labels) > MaxLabels {
		return a, Invalid("addLabels", "this account would have %d labels; %d is the most", len(after.Labels), MaxLabels)
	}
	for to, from := range map[*string]*string{&after.Name: e.Name, &after.TimeZone: e.TimeZone} {
		if from != nil {
			*to = *from
		}
	}
	if e.BillingDay != nil {
		after.BillingDay = *e.BillingDay
	}
	if e.TierID != nil {
		after.OnDefaultTier = *e.TierID == 0
		if *e.TierID != 0 {
			after.TierID = *e.TierID
		}
	}
	return e.applyStatus(after, now)
}

func (e AccountEdit) applyStatus(a Account, now time.Time) (Account, error) {
	was := a.Status
	if e.Status != "" && e.Status != was {
		if !slices.Contains(becomes[was], e.Status) {
			return a, Conflict("status", "an account that is %s can't become %s", strings.ToUpper(string(was)), strings.ToUpper(string(e.Status)))
		}
		a.Status, a.ClosedAt = e.Status, nil
	}
	if e.Trial != nil {
		a.Trial = e.Trial
	}
	switch {
	case a.Status == AccountTrial && a.Trial == nil:
		return a, Invalid("trial", "say when the trial ends and what comes then")
	case a.Status != AccountTrial && e.Trial != nil:
		return a, Invalid("trial", "only an account on trial has one; give status TRIAL, too")
	case a.Status != AccountTrial:
		a.Trial = nil
	}
	if a.Status == AccountClosed && was != AccountClosed {
		at := now.UTC().Truncate(time.Microsecond)
		a.ClosedAt = &at
	}
	return a, nil
}

// onlyReopens says whether the edit does what may be done with a closed account.
func (e AccountEdit) onlyReopens() bool {
	return e.Status == AccountSuspended && e.Name == nil && e.TierID == nil && e.Trial == nil && e.TimeZone == nil && e.BillingDay == nil &&
		e.Labels == nil && len(e.AddLabels)+len(e.RemoveLabels) == 0
}

func (e AccountEdit) labelsOf(a Account) Labels {
	labels := Labels{}
	from := a.Labels
	if e.Labels != nil {
		from = *e.Labels
	}
	for key, value := range from {
		labels[key] = value
	}
	for _, key := range e.RemoveLabels {
		delete(labels, key)
	}
	for key, value := range e.AddLabels {
		labels[key] = value
	}
	return labels
}

// ErrClosed is the error for a change of what a closed account has.
func ErrClosed(field string) *Error {
	return Conflict(field, "this account is closed, and stays as it is; set its status to SUSPENDED to reopen it, by itself, and then change it")
}

// validateAccount returns every mistake in an account's fields. Nil is not
// looked at.
func validateAccount(name, timeZone *string, billingDay *int) error {
	var faults []error
	if name != nil {
		faults = append(faults, validateName("name", name, 128))
	}
	if timeZone != nil {
		faults = append(faults, ValidateTimeZone(*timeZone))
	}
	if billingDay != nil && (*billingDay < 1 || *billingDay > 31) {
		faults = append(faults, Invalid("billingDay", "give a day of the month, 1 to 31; in shorter months it is the last day"))
	}
	return errors.Join(faults...)
}

// ValidateTimeZone returns what is wrong with the name of a time zone: it must be one
// of [zone.Names].
func ValidateTimeZone(name string) error {
	if _, err := zone.Load(name); err != nil {
		return Invalid("timeZone", "%s", err)
	}
	return nil
}

func validateFuture(field string, at *time.Time, now time.Time) error {
	switch {
	case at == nil:
		return nil
	case !at.After(now):
		return Invalid(field, "give a time in the future, or leave it out")
	}
	return validateYear(field, *at)
}

func validateYear(field string, at time.Time) error {
	if at.UTC().Year() < 1970 || at.UTC().Year() > 9999 {
		return Invalid(field, "give a time from 1970 to 9999")
	}
	return nil
}
