package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

// hashing are the parameters of argon2id that OWASP's password storage cheat sheet
// names first among those of equal strength: 19 MiB, two passes, one thread.
func hashing() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// nobodysDigest is what the password of somebody unknown is compared with, with the
// same parameters: no password is known for it.
const nobodysDigest = "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBmaXhlZCBzYWx0IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// errBusy says that more passwords are being checked than memory is set aside for.
var errBusy = errors.New("too many passwords are being checked")

// hashWithin is how long one waits for one's turn.
const hashWithin = 5 * time.Second

// hasher hashes passwords, only so many at a time: each takes 19 MiB and 20 to 30
// ms of a core.
type hasher struct{ turns chan struct{} }

func newHasher() hasher { return hasher{make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))} }

func (h hasher) turn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, hashWithin)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// digest returns a password's digest, in the PHC format, with a salt of its own. It is
// of the composed form, RFC 8265 section 4.2: keyboards differ in how they send an é.
func (h hasher) digest(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	digest, err := argon2id.CreateHash(norm.NFC.String(password), hashing())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return digest, nil
}

// matches reports whether a digest is that of a password, and whether it was made
// with other parameters than one would be now. An empty digest is nobody's, and takes
// as long.
func (h hasher) matches(ctx context.Context, password, digest string) (ok, outdated bool, err error) {
	done, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	compared := digest
	if compared == "" {
		compared = nobodysDigest
	}
	ok, params, err := argon2id.CheckHash(norm.NFC.String(password), compared)
	if err != nil {
		return false, false, fmt.Errorf("check password: %w", err)
	}
	return ok && digest != "", *params != *hashing(), nil
}
