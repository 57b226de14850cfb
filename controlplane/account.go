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
	ID        ID
	Name      string
	TierID    ID
	Suspended bool
	CreatedAt time.Time
}

// AccountEdit is a change of an account; a nil field stays as it is.
type AccountEdit struct {
	ID        ID
	Name      *string
	TierID    *ID
	Suspended *bool
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
	CreatedAt time.Time
	RevokedAt *time.Time
}

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
