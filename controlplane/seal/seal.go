// Package seal keeps secrets that have to be read again, such as those of second steps,
// from whoever sees the database or a backup of it.
//
// In go a text and whose it is; out comes the same, encrypted by AES-256-GCM with a
// random nonce, and back. What is sealed for one owner doesn't open for another. The keys
// come from the environment and are kept nowhere: without the key a sealed text is lost.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	// sealedMark begins each sealed text. A base32 secret has no colon.
	sealedMark  = "sealed:"
	keyBytes    = 32
	keyNameHalf = 4 // bytes of a key's digest that name it

	// MaxKeys is how many keys there may be at a time.
	MaxKeys = 8
)

// Strict, so that a text is sealed in one spelling only.
var encoding = base64.RawStdEncoding.Strict()

// Box seals with its first key, and opens with any. A nil Box has no keys: it leaves
// texts as they are.
type Box struct{ keys []key }

type key struct {
	name string
	aead cipher.AEAD
}

// New returns a Box with keys: each 32 random bytes in base64, white space between them.
// It is nil when there are none.
func New(keys string) (*Box, error) {
	fields := strings.Fields(keys)
	if len(fields) == 0 {
		return nil, nil
	}
	if len(fields) > MaxKeys {
		return nil, fmt.Errorf("there are %d keys; %d are the most", len(fields), MaxKeys)
	}
	b := &Box{}
	for i, field := range fields {
		k, err := newKey(field)
		if err != nil {
			return nil, fmt.Errorf("read key %d: %w", i+1, err)
		}
		b.keys = append(b.keys, k)
	}
	return b, nil
}

func newKey(text string) (key, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != keyBytes {
		return key{}, fmt.Errorf("it must be %d random bytes in base64, such as `head -c %[1]d /dev/urandom | base64` prints", keyBytes)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	digest := sha256.Sum256(raw)
	return key{hex.EncodeToString(digest[:keyNameHalf]), aead}, nil
}

// Seal seals a text for an owner. An empty text stays empty.
func (b *Box) Seal(owner, text string) string {
	if b == nil || text == "" {
		return text
	}
	k := b.keys[0]
	return sealedMark + k.name + ":" + encoding.EncodeToString(k.aead.Seal(nil, nil, []byte(text), []byte(owner)))
}

// Open returns the text that was sealed for an owner; one that wasn't sealed is returned
// as it is. It fails when the text was sealed with a key that the Box doesn't have, for
// somebody else, or was changed.
func (b *Box) Open(owner, text string) (string, error) {
	rest, sealed := strings.CutPrefix(text, sealedMark)
	if !sealed {
		return text, nil
	}
	name, body, _ := strings.Cut(rest, ":")
	k, ok := b.named(name)
	if !ok {
		return "", fmt.Errorf("it was sealed with key %.8q, which is not among those given", name)
	}
	raw, err := encoding.DecodeString(body)
	if err != nil {
		return "", errors.New("it is damaged")
	}
	plain, err := k.aead.Open(nil, nil, raw, []byte(owner))
	if err != nil {
		return "", errors.New("it is damaged, or somebody else's")
	}
	return string(plain), nil
}

// Fresh reports whether a text is as Seal would leave it now: sealed with the first key,
// or not sealed when there is none. An empty text is fresh.
func (b *Box) Fresh(text string) bool {
	switch {
	case text == "":
		return true
	case b == nil:
		return !strings.HasPrefix(text, sealedMark)
	}
	return strings.HasPrefix(text, sealedMark+b.keys[0].name+":")
}

func (b *Box) named(name string) (key, bool) {
	if b != nil {
		for _, k := range b.keys {
			if k.name == name {
				return k, true
			}
		}
	}
	return key{}, false
}
