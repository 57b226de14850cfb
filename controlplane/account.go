package controlplane

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
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

// ValidateAccount returns every mistake in an account's name. Nil is not looked at.
func ValidateAccount(name *string) error {
	if name == nil {
		return nil
	}
	return validateName("name", *name, 128)
}

// Key is an API key of an account. Only the digest of its secret is stored.
type Key struct {
	ID        ID
	AccountID ID
	Name      string
	Prefix    string // the first characters of the secret
	Suspended bool
	ExpiresAt *time.Time // nil: never
	CreatedAt time.Time
	RevokedAt *time.Time
}

// KeyEdit is a change of a key; a nil field stays as it is.
type KeyEdit struct {
	ID           ID
	Suspended    *bool
	ExpiresAt    *time.Time
	NeverExpires bool
}

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
}

// Identity is a name other than a key that stands for an account. Its ID is
// never that of a key: the filter and the usage know both as keys.
type Identity struct {
	ID        ID
	AccountID ID
	Kind      IdentityKind
	Value     string // the JWT's subject, or the certificate's name
	CreatedAt time.Time
}

// IdentityKind is what an identity is read from.
type IdentityKind string

// The kinds of identity.
const (
	JWTSubject  IdentityKind = "jwt"
	Certificate IdentityKind = "certificate"
)

// ValidateKey returns every mistake in a key's name.
func ValidateKey(name string) error { return validateName("name", name, 64) }

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

// KeyPrefix begins every API key that Weir makes, so that a leaked one is recognised.
const KeyPrefix = "weir_"

// Prefix is the part that may be shown: at most the first 9 characters, and
// never more than half.
func (s Secret) Prefix() string { return s.text[:min(9, len(s.text)/2)] }
