package controlplane

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // time zones, whatever the machine has
	"unicode/utf8"
)

// Account is who is limited and billed.
type Account struct {
	ID            ID
	Name          string
	TierID        ID   // the one whose limits it has
	OnDefaultTier bool // TierID is the default, not its own
	Suspended     bool
	TimeZone      string // IANA name, of its calendar and billing periods
	BillingDay    int    // 1 to 31, or the last day in shorter months
	Epoch         int    // counts the resets of its counters
	CreatedAt     time.Time
}

// NewAccount is an account to create.
type NewAccount struct {
	Name       string
	TierID     ID // 0: the default one
	TimeZone   string
	BillingDay int
}

// AccountEdit is a change of an account; a nil field stays as it is.
type AccountEdit struct {
	ID         ID
	Name       *string
	TierID     *ID // 0 puts it on the default one
	Suspended  *bool
	TimeZone   *string
	BillingDay *int
}

// AccountFilter narrows a list of accounts. Zero values do not narrow.
type AccountFilter struct {
	Search string // part of the name, whatever the case
	TierID ID
}

// Validate returns what is wrong with a filter.
func (f AccountFilter) Validate() error {
	const most = 128
	switch {
	case utf8.RuneCountInString(f.Search) > most:
		return Invalid("search", "use at most %d characters", most)
	case strings.ContainsFunc(f.Search, isControl) || !utf8.ValidString(f.Search):
		return Invalid("search", "leave out control characters")
	}
	return nil
}

// ValidateAccount returns every mistake in an account's fields. Nil is not
// looked at.
func ValidateAccount(name, timeZone *string, billingDay *int) error {
	var faults []error
	if name != nil {
		faults = append(faults, validateName("name", *name, 128))
	}
	if timeZone != nil {
		faults = append(faults, validateTimeZone(*timeZone))
	}
	if billingDay != nil && (*billingDay < 1 || *billingDay > 31) {
		faults = append(faults, Invalid("billingDay", "give a day of the month, 1 to 31; in shorter months it is the last day"))
	}
	return errors.Join(faults...)
}

// validateTimeZone also refuses "" and Local, which Go takes for other things
// than names.
func validateTimeZone(name string) error {
	_, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return Invalid("timeZone", "%q is not an IANA time zone such as Europe/Berlin or UTC", name)
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

// Secret is an API key's or token's text. It formats as a placeholder, so that
// it can't get into a log by accident; Reveal gives the text.
type Secret struct{ text string }

// NewSecret makes a secret of 26 random characters (130 bits) behind a prefix.
func NewSecret(prefix string) Secret { return Secret{prefix + rand.Text()} }

// SecretFrom takes a text that was chosen elsewhere, of at least 8 characters.
func SecretFrom(text string) (Secret, error) {
	if len(text) < 8 || len(text) > 256 {
		return Secret{}, errors.New("a secret has 8 to 256 characters")
	}
	return Secret{text}, nil
}

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (Secret) String() string { return "[secret]" }

// Digest is what is stored and compared. A plain SHA-256 is enough for texts
// that are random; it must never be used for passwords.
func (s Secret) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(s.text)) }

// Prefix is the part that may be shown: at most the first 12 characters, and
// never more than half.
func (s Secret) Prefix() string { return s.text[:min(12, len(s.text)/2)] }
