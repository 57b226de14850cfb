package controlplane

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

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
