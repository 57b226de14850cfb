package book

import "crypto/sha256"

// SecretDigest is what an API key is known by: the SHA-256 of its secret.
func SecretDigest(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// SubjectDigest is what the subject of a verified JWT is known by: the SHA-256
// of "jwt", a zero byte and the subject.
func SubjectDigest(subject string) [32]byte { return sha256.Sum256([]byte("jwt\x00" + subject)) }

// IssuedSubjectDigest is what the subject of a verified JWT is known by where its
// issuer counts, too: the SHA-256 of "jwt-issued", a zero byte, the issuer, which has
// no zero byte, another zero byte and the subject.
func IssuedSubjectDigest(issuer, subject string) [32]byte {
	return sha256.Sum256([]byte("jwt-issued\x00" + issuer + "\x00" + subject))
}

// CertificateDigest is what a client certificate is known by: the SHA-256 of
// "cert", a zero byte and the certificate's name, its subject or a SAN.
func CertificateDigest(name string) [32]byte { return sha256.Sum256([]byte("cert\x00" + name)) }
