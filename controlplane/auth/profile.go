package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirhq/weir/controlplane"
)

// SetPassword gives a member another password and ends their other sessions. It
// takes the one they have, if they have one.
func (a *Auth) SetPassword(ctx context.Context, p Principal, current, password string) error {
	if err := controlplane.ValidatePassword("password", password); err != nil {
		return err
	}
	if err := a.checkOwn(ctx, p.ID, current); err != nil {
		return err
	}
	digest, err := a.hasher.digest(ctx, password)
	if err != nil {
		return busyFault(err)
	}
	return a.db.SetPassword(ctx, p.ID, digest, p.Session)
}

// UpdateProfile changes what members say of themselves. Another e-mail address takes
// the password that they have, if they have one.
func (a *Auth) UpdateProfile(ctx context.Context, member controlplane.ID, profile controlplane.Profile, current string) error {
	if profile.Email != nil {
		if err := a.checkOwn(ctx, member, current); err != nil {
			return err
		}
	}
	return a.db.UpdateProfile(ctx, member, profile)
}

// checkOwn checks that a member knows the password that they have.
func (a *Auth) checkOwn(ctx context.Context, member controlplane.ID, password string) error {
	has, _, err := a.db.SecretsOf(ctx, member)
	if err != nil || has.Password == "" {
		return err
	}
	key := fmt.Sprint("password ", member)
	if err := a.tryFault(ctx, key); err != nil {
		return err
	}
	ok, _, err := a.hasher.matches(ctx, password, has.Password)
	switch {
	case err != nil:
		return busyFault(err)
	case !ok:
		return controlplane.Invalid("currentPassword", "that is not your password")
	}
	return a.db.ForgetTries(ctx, key)
}

// tryFault is try for callers of GraphQL.
func (a *Auth) tryFault(ctx context.Context, key string) error {
	return codeFault(a.try(ctx, key, codeTries))
}

// codeFault turns a refusal into a fault of the field that the code is in.
func codeFault(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return controlplane.Invalid("code", "%s", refused.detail)
	}
	return err
}

func busyFault(err error) error {
	if errors.Is(err, errBusy) {
		return controlplane.Conflict("", "too many sign in at once; try again in 5 s")
	}
	return err
}
