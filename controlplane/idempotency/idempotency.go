// Package idempotency reads Idempotency-Key, the header field by which a request may
// be sent again without being carried out again
// (draft-ietf-httpapi-idempotency-key-header), and seals the answers that are kept
// for it.
//
// In come a key's text and an answer; out go what to find the key by, and the answer
// as nobody can read it without that text. It keeps nothing.
package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/dunglas/httpsfv"

	"github.com/weirhq/weir/controlplane"
)

// Header is the name of the field.
const Header = "Idempotency-Key"

// How long a key may be, in characters. A short one could be guessed from its digest.
const (
	minLength = 16
	maxLength = 255
)

// Key is the text of a key. It opens answers that may hold secrets, so it prints as
// nothing.
type Key struct{ text string }

// String hides the text.
func (Key) String() string { return "(an idempotency key)" }

// Parse reads the field's values: one string in quotation marks, as the draft has it,
// or the bare text. Its error names the field.
func Parse(values []string) (Key, error) {
	if len(values) != 1 {
		return Key{}, controlplane.Invalid(Header, "send one key")
	}
	text := strings.TrimSpace(values[0])
	if strings.HasPrefix(text, `"`) {
		item, err := httpsfv.UnmarshalItem(values)
		quoted, ok := "", false
		if err == nil {
			quoted, ok = item.Value.(string)
		}
		if !ok {
			return Key{}, controlplane.Invalid(Header, "give a string in quotation marks, or bare text")
		}
		text = quoted
	}
	switch {
	case len(text) < minLength || len(text) > maxLength:
		return Key{}, controlplane.Invalid(Header, "give %d to %d characters, such as a random UUID", minLength, maxLength)
	case strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }):
		return Key{}, controlplane.Invalid(Header, "use visible ASCII characters")
	}
	return Key{text}, nil
}

// Digest is what the key is found by. The text does not follow from it.
func (k Key) Digest() [sha256.Size]byte {
	return sha256.Sum256([]byte("weir idempotency key\x00" + k.text))
}

const saltLength = 16

// Seal encrypts an answer with AES-256-GCM under a key derived (HKDF-SHA256, RFC 5869)
// from the text and a random salt. Only the same text and context open it.
func (k Key) Seal(answer, context []byte) ([]byte, error) {
	sealed := make([]byte, saltLength, saltLength+len(answer)+64)
	if _, err := rand.Read(sealed); err != nil {
		return nil, fmt.Errorf("make a salt: %w", err)
	}
	box, err := k.box(sealed)
	if err != nil {
		return nil, err
	}
	// The key is of this answer alone, so the nonce may be the same each time.
	return box.Seal(sealed, make([]byte, box.NonceSize()), answer, context), nil
}

// errSealed is an answer that isn't this key's.
var errSealed = errors.New("open a kept answer: it is not of this key")

// Open returns what Seal encrypted.
func (k Key) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < saltLength {
		return nil, errSealed
	}
	box, err := k.box(sealed[:saltLength])
	if err != nil {
		return nil, err
	}
	answer, err := box.Open(nil, make([]byte, box.NonceSize()), sealed[saltLength:], context)
	if err != nil {
		return nil, errSealed
	}
	return answer, nil
}

func (k Key) box(salt []byte) (cipher.AEAD, error) {
	secret, err := hkdf.Key(sha256.New, []byte(k.text), salt, "weir idempotency answer", 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("use a key: %w", err)
	}
	return cipher.NewGCM(block)
}
