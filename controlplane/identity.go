package controlplane

import (
	"errors"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// Identity is a name other than a key that stands for an account. Its ID is
// never that of a key: the filter and the usage know both as keys.
type Identity struct {
	ID        ID
	AccountID ID
	Kind      IdentityKind
	Value     string // the JWT's subject, or the certificate's name
	Issuer    string // with a JWT: who must have issued it; "" anybody whom Envoy trusts
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
	switch {
	case i.Issuer != "" && i.Kind == Certificate:
		faults = append(faults, Invalid("issuer", "leave it out for a certificate; its issuers are those that Envoy trusts"))
	case i.Issuer != "":
		faults = append(faults, validateExact("issuer", i.Issuer, 256))
	}
	return errors.Join(append(faults, validateExact("value", i.Value, 256))...)
}

// Digest is what the filter looks an identity up by.
func (i Identity) Digest() [32]byte {
	switch {
	case i.Kind == Certificate:
		return book.CertificateDigest(i.Value)
	case i.Issuer != "":
		return book.IssuedSubjectDigest(i.Issuer, i.Value)
	}
	return book.SubjectDigest(i.Value)
}
