package controlplane

import (
	"crypto/sha256"
	"errors"
	"time"
)

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

// Validate returns every mistake in an identity that is to be added.
func (i Identity) Validate() error {
	var faults []error
	if i.Kind != JWTSubject && i.Kind != Certificate {
		faults = append(faults, Invalid("kind", "choose JWT_SUBJECT or CERTIFICATE"))
	}
	return errors.Join(append(faults, validateName("value", i.Value, 256))...)
}

// Digest is what the filter looks an identity up by. The kind is part of it, so
// that a subject can't pass for a certificate's name, nor either for a key.
func (i Identity) Digest() [sha256.Size]byte {
	prefix := "jwt"
	if i.Kind == Certificate {
		prefix = "cert"
	}
	return sha256.Sum256([]byte(prefix + "\x00" + i.Value))
}
