package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// What authenticator apps assume, from RFC 6238.
const (
	codeEvery  = 30 // seconds
	codeIssuer = "Weir"
	// A clock may be off by one step either way.
	codeSkew = 1

	recoveryCodes  = 10
	recoveryLength = 16 // base32 characters, 80 bits
)

// stepOf returns the time step whose code this is, and whether there is one at now
// that was not used: those up to used were.
func stepOf(secret, code string, now time.Time, used int64) (int64, bool, error) {
	current := now.Unix() / codeEvery
	for step := current - codeSkew; step <= current+codeSkew; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("make a code: %w", err)
		}
		if step > used && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, true, nil
		}
	}
	return 0, false, nil
}

// plainCode takes out what people put between characters.
func plainCode(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
}

// checkCode takes the code of a member's app, or one of their recovery codes; each
// is good once.
func (a *Auth) checkCode(ctx context.Context, member controlplane.ID, code string) error {
	key := fmt.Sprint("code ", member)
	if err := a.try(ctx, key, codeTries); err != nil {
		return err
	}
	has, ok, err := a.db.SecretsOf(ctx, member)
	if err != nil {
		return err
	}
	if !ok || has.TOTPSecret == "" {
		return errNoCode
	}
	code = plainCode(code)
	var good bool
	if len(code) == recoveryLength {
		good, err = a.db.UseRecoveryCode(ctx, member, recoveryDigest(code))
	} else {
		good, err = a.useStep(ctx, member, has, code)
	}
	switch {
	case err != nil:
		return err
	case !good:
		return errWrongCode
	}
	return a.db.ForgetTries(ctx, key)
}

func (a *Auth) useStep(ctx context.Context, member controlplane.ID, has postgres.SignInSecrets, code string) (bool, error) {
	secret, err := a.openSecret(member, has.TOTPSecret)
	if err != nil {
		return false, err
	}
	step, good, err := stepOf(secret, code, time.Now(), has.TOTPStep)
	if err != nil || !good {
		return false, err
	}
	return a.db.UseTOTPStep(ctx, member, step)
}

// CodeDraft is a second step that a member is about to turn on.
type CodeDraft struct {
	Secret string // base32, to type
	URL    string // otpauth, to scan
}

// BeginCodes makes the secret of a member's second step, which is in force once
// ConfirmCodes was given a code of it.
func (a *Auth) BeginCodes(ctx context.Context, m controlplane.Member) (CodeDraft, error) {
	if m.HasTOTP {
		return CodeDraft{}, controlplane.Conflict("", "you sign in with codes already; turn that off first")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: codeIssuer, AccountName: nameOf(m), SecretSize: 20})
	if err != nil {
		return CodeDraft{}, fmt.Errorf("make a secret for codes: %w", err)
	}
	return CodeDraft{key.Secret(), key.URL()}, a.db.SetTOTPDraft(ctx, m.ID, a.secrets.Seal(ownerOf(m.ID), key.Secret()))
}

func nameOf(m controlplane.Member) string {
	if m.Email != "" {
		return m.Email
	}
	return m.Name
}

// ConfirmCodes turns a member's second step on, and returns their recovery codes.
func (a *Auth) ConfirmCodes(ctx context.Context, member controlplane.ID, code string) ([]string, error) {
	has, _, err := a.db.SecretsOf(ctx, member)
	if err != nil {
		return nil, err
	}
	if has.TOTPDraft == "" {
		return nil, controlplane.Conflict("", "begin again: there is nothing to confirm")
	}
	if err := a.tryFault(ctx, fmt.Sprint("code ", member)); err != nil {
		return nil, err
	}
	secret, err := a.openSecret(member, has.TOTPDraft)
	if err != nil {
		return nil, err
	}
	step, ok, err := stepOf(secret, plainCode(code), time.Now(), 0)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, controlplane.Invalid("code", "that is not the code that your app shows now; look at its clock, too")
	}
	codes, digests := newRecoveryCodes()
	return codes, a.db.ConfirmTOTP(ctx, member, has.TOTPDraft, step, digests)
}

// DisableCodes turns a member's second step off; it takes a code.
func (a *Auth) DisableCodes(ctx context.Context, member controlplane.ID, code string) error {
	if err := codeFault(a.checkCode(ctx, member, code)); err != nil {
		return err
	}
	return a.db.ClearTOTP(ctx, member)
}

// RenewRecoveryCodes makes new recovery codes in place of those before; it takes a
// code.
func (a *Auth) RenewRecoveryCodes(ctx context.Context, member controlplane.ID, code string) ([]string, error) {
	if err := codeFault(a.checkCode(ctx, member, code)); err != nil {
		return nil, err
	}
	codes, digests := newRecoveryCodes()
	return codes, a.db.SetRecoveryCodes(ctx, member, digests)
}

func newRecoveryCodes() (codes []string, digests [][]byte) {
	for range recoveryCodes {
		text := rand.Text()[:recoveryLength]
		codes = append(codes, strings.ToLower(text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:]))
		digests = append(digests, recoveryDigest(text))
	}
	return codes, digests
}

// recoveryDigest is a plain SHA-256: the codes are random.
func recoveryDigest(code string) []byte {
	secret, err := controlplane.SecretFrom(code)
	if err != nil {
		return nil // too short for a code, so nobody's
	}
	digest := secret.Digest()
	return digest[:]
}

// ownerOf is whom the secret of a second step is sealed for.
func ownerOf(member controlplane.ID) string {
	return fmt.Sprint("second step of member ", int64(member))
}

func (a *Auth) openSecret(member controlplane.ID, sealed string) (string, error) {
	secret, err := a.secrets.Open(ownerOf(member), sealed)
	if err != nil {
		return "", fmt.Errorf("open the secret of a second step: %w", err)
	}
	return secret, nil
}

// SealSecrets seals the secrets of second steps that aren't with the first key, so that
// the keys after it can go. It fails when there is one that no key opens, and then changes
// none: who has it could not sign in.
func (a *Auth) SealSecrets(ctx context.Context) error {
	return a.db.ChangeTOTPSecrets(ctx, func(member controlplane.ID, was string) (string, error) {
		if a.secrets.Fresh(was) {
			return was, nil
		}
		secret, err := a.openSecret(member, was)
		if err != nil {
			return "", err
		}
		return a.secrets.Seal(ownerOf(member), secret), nil
	})
}
