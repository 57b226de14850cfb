package controlplane

import (
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// Key is an API key of an account. Only the digest of its secret is stored.
type Key struct {
	ID          ID
	AccountID   ID
	Name        string
	Prefix      string // the first characters of the secret
	Suspended   bool
	ExpiresAt   *time.Time // nil: never
	CreatedAt   time.Time
	RevokedAt   *time.Time
	Environment KeyEnvironment
	Replaces    ID // the key that it took the place of in a rotation; 0: none
	ReplacedBy  ID // the key that took its place; 0: none
	// What it may be used for; see KeyScope.
	ReadsOnly        bool
	EndpointIDs      []ID
	EndpointGroupIDs []ID
	Revision         int // counts its changes
}

// KeyScope is what a key may be used for; the zero value is everything.
type KeyScope struct {
	ReadsOnly bool // GET, HEAD and OPTIONS
	// Of which the endpoint of a request, or its group, has to be one; with none of
	// both any request will do.
	EndpointIDs, GroupIDs []ID
}

// Scope returns what the key may be used for.
func (k *Key) Scope() *KeyScope { return &KeyScope{k.ReadsOnly, k.EndpointIDs, k.EndpointGroupIDs} }

// MaxKeyTargets is how many endpoints and groups a key may be limited to.
const MaxKeyTargets = 100

// Everything says whether the scope is none.
func (s KeyScope) Everything() bool { return !s.ReadsOnly && len(s.EndpointIDs)+len(s.GroupIDs) == 0 }

// Sorted returns the scope with each endpoint and group once, in order.
func (s KeyScope) Sorted() KeyScope {
	return KeyScope{s.ReadsOnly, slices.Compact(slices.Sorted(slices.Values(s.EndpointIDs))), slices.Compact(slices.Sorted(slices.Values(s.GroupIDs)))}
}

func (s KeyScope) fault() error {
	if len(s.EndpointIDs)+len(s.GroupIDs) > MaxKeyTargets {
		return Invalid("scope", "name at most %d endpoints and groups; put endpoints into a group", MaxKeyTargets)
	}
	return nil
}

// KeyEnvironment is what a key is for.
type KeyEnvironment string

// The environments.
const (
	Live    KeyEnvironment = "live"
	Sandbox KeyEnvironment = "sandbox" // for trying things out: the upstream is told
)

// NewKey is a key to create.
type NewKey struct {
	AccountID   ID
	Name        string
	ExpiresAt   *time.Time     // nil: never
	Environment KeyEnvironment // empty: Live
	Scope       KeyScope
}

// NewKeySecret makes the secret of a key: a prefix by which a scanner finds it, 30
// random letters and digits (178 bits), and a checksum that tells a typo.
func NewKeySecret(e KeyEnvironment) Secret {
	prefix := book.LivePrefix
	if e == Sandbox {
		prefix = book.SandboxPrefix
	}
	random := make([]byte, 0, book.KeyRandom)
	for len(random) < book.KeyRandom {
		var some [64]byte
		rand.Read(some[:])
		for _, b := range some {
			// All letters are equally likely only below a multiple of their number.
			if b < 248 && len(random) < book.KeyRandom {
				random = append(random, book.KeyAlphabet[int(b)%len(book.KeyAlphabet)])
			}
		}
	}
	return Secret{book.KeyText(prefix, string(random))}
}

// MaxAccountKeys is how many keys and identities an account may have at once;
// revoked ones don't count.
const MaxAccountKeys = 1_000

// KeyEdit is a change of a key; a nil field stays as it is.
type KeyEdit struct {
	ID           ID
	Revision     *int // that it is based on; nil: any
	Name         *string
	Suspended    *bool
	ExpiresAt    *time.Time
	NeverExpires bool
	Scope        *KeyScope
}

// KeyRotation puts a new key in the place of another, which goes on for a while.
type KeyRotation struct {
	ID        ID
	Overlap   time.Duration // for how long the old key goes on, 0 to MaxOverlap
	ExpiresAt *time.Time    // of the new key; nil: never
}

// MaxOverlap bounds for how long two keys of a rotation are good.
const MaxOverlap = 90 * 24 * time.Hour

// Validate returns every mistake in a rotation.
func (r KeyRotation) Validate(now time.Time) error {
	var fault error
	if r.Overlap < 0 || r.Overlap > MaxOverlap {
		fault = Invalid("overlapSeconds", "give a number from 0 to %d", int(MaxOverlap.Seconds()))
	}
	return errors.Join(fault, validateFuture("expiresAt", r.ExpiresAt, now))
}

// Leak is a key whose secret somebody found.
type Leak struct {
	Index   int  // of the secret in what was reported, from 0
	Key     Key  // as it is after the report
	Revoked bool // by the report
}

// MaxLeaks is how many secrets may be reported at once.
const MaxLeaks = 1_000

// ReportedSecrets reads secrets that somebody found. They may be anything; what can't
// be a key isn't one.
func ReportedSecrets(texts []string) ([]Secret, error) {
	if len(texts) == 0 || len(texts) > MaxLeaks {
		return nil, Invalid("secrets", "give 1 to %d secrets at once", MaxLeaks)
	}
	secrets := make([]Secret, len(texts))
	for i, text := range texts {
		if len(text) > 4096 {
			return nil, Invalid("secrets."+strconv.Itoa(i), "give at most 4096 bytes")
		}
		secrets[i] = Secret{text}
	}
	return secrets, nil
}

// KeyStatus is whether a key works, and if not, why.
type KeyStatus string

// The states of a key. The ones further down outweigh the ones above.
const (
	KeyLive      KeyStatus = "live"
	KeySuspended KeyStatus = "suspended"
	KeyExpired   KeyStatus = "expired"
	KeyRevoked   KeyStatus = "revoked"
)

// StatusAt returns a key's state at a moment.
func (k Key) StatusAt(now time.Time) KeyStatus {
	switch {
	case k.RevokedAt != nil:
		return KeyRevoked
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return KeyExpired
	case k.Suspended:
		return KeySuspended
	}
	return KeyLive
}

// Validate returns every mistake in a new key.
func (k *NewKey) Validate(now time.Time) error {
	return errors.Join(validateName("name", &k.Name, 64), validateFuture("expiresAt", k.ExpiresAt, now), k.Scope.fault())
}

// Validate returns every mistake in an edit.
func (e KeyEdit) Validate() error {
	var faults []error
	switch {
	case e.ExpiresAt != nil && e.NeverExpires:
		faults = append(faults, Invalid("neverExpires", "give expiresAt or neverExpires, not both"))
	case e.ExpiresAt != nil:
		faults = append(faults, validateYear("expiresAt", *e.ExpiresAt))
	}
	if e.Name != nil {
		faults = append(faults, validateName("name", e.Name, 64))
	}
	if e.Scope != nil {
		faults = append(faults, e.Scope.fault())
	}
	return errors.Join(faults...)
}
