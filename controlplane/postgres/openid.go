package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// Why somebody whom the OpenID provider knows can't sign in.
var (
	// ErrNotInvited is somebody who is no member.
	ErrNotInvited = errors.New("nobody invited them")
	// ErrMemberDisabled is a member who may not sign in.
	ErrMemberDisabled = errors.New("the member is disabled")
	// ErrOtherIdentity is a member whom the provider knew as somebody else.
	ErrOtherIdentity = errors.New("the member is somebody else at the provider")
	// ErrNoRole is somebody for whose groups at the provider there is no role.
	ErrNoRole = errors.New("no role is for them")
	// ErrUnverified is an address that the provider doesn't vouch for.
	ErrUnverified = errors.New("the e-mail address is not verified")
)

// OpenIDSignIn is somebody whom the OpenID provider knows.
type OpenIDSignIn struct {
	Issuer, Subject string
	Email           string // in lower case; empty: unknown
	Verified        bool   // the address is theirs
	Name            string // for a member who has none yet
	// CreateAs is the role to make a member with whom nobody invited; empty: none.
	CreateAs controlplane.Role
	// Role is what they are from now on; empty: what they were, or with RoleNeeded
	// nothing.
	Role       controlplane.Role
	RoleNeeded bool
}

// BeginOpenID stores an attempt to sign in at the provider, and forgets those that
// nobody came back from.
func (db *DB) BeginOpenID(ctx context.Context, secret controlplane.Secret, next string, lasts time.Duration) error {
	digest := secret.Digest()
	_, err := db.pool.Exec(ctx, `
		with gone as (delete from openid_attempts where expires_at <= now())
		insert into openid_attempts (digest, next, expires_at) values ($1, $2, now() + $3::interval)`, digest[:], next, lasts)
	if err != nil {
		return fmt.Errorf("begin a sign-in at the OpenID provider: %w", err)
	}
	return nil
}

// TakeOpenID takes an attempt, and returns where it wants to go, and whether there was
// one. Of several callers one gets it.
func (db *DB) TakeOpenID(ctx context.Context, secret controlplane.Secret) (next string, ok bool, err error) {
	digest := secret.Digest()
	var live bool
	err = db.pool.QueryRow(ctx, `delete from openid_attempts where digest = $1 returning next, expires_at > now()`, digest[:]).Scan(&next, &live)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("take a sign-in at the OpenID provider: %w", err)
	}
	return next, live, nil
}

// SignInByOpenID returns which member somebody is: the one that their issuer and
// subject were linked with, or, the first time, the one with their verified e-mail
// address, who is linked and joins if they had not. It fails with [ErrNotInvited],
// [ErrMemberDisabled], [ErrOtherIdentity], [ErrUnverified] or [ErrNoRole].
func (db *DB) SignInByOpenID(ctx context.Context, who OpenIDSignIn) (controlplane.ID, error) {
	var id controlplane.ID
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		member, err := openIDMember(ctx, tx, who)
		if err != nil {
			return err
		}
		id = member.ID
		if who.Role == "" && who.RoleNeeded && member.Role != controlplane.RoleCustomer {
			return ErrNoRole
		}
		return giveRole(ctx, tx, member, who.Role)
	})
	if err != nil {
		return 0, fmt.Errorf("sign in by OpenID: %w", err)
	}
	return id, nil
}

func openIDMember(ctx context.Context, tx pgx.Tx, who OpenIDSignIn) (controlplane.Member, error) {
	// Of two first sign-ins at once, the second sees what the first did. Owners are
	// locked first wherever members are, so that nobody waits in a circle.
	if _, err := tx.Exec(ctx, `select from members where `+activeOwner+` order by id for update`); err != nil {
		return controlplane.Member{}, err
	}
	known, err := list[controlplane.Member](ctx, tx, `
		select `+memberColumns+` from members
		where id = (select member_id from openid_identities where issuer = $1 and subject = $2) for update`, who.Issuer, who.Subject)
	switch {
	case err != nil:
		return controlplane.Member{}, err
	case len(known) == 1 && known[0].Disabled:
		return controlplane.Member{}, ErrMemberDisabled
	case len(known) == 1:
		return known[0], nil
	case who.Email == "" || !who.Verified:
		return controlplane.Member{}, ErrUnverified
	}
	invited, err := list[controlplane.Member](ctx, tx, `select `+memberColumns+` from members where email = $1 for update`, who.Email)
	switch {
	case err != nil:
		return controlplane.Member{}, err
	case len(invited) == 0 && who.CreateAs == "":
		return controlplane.Member{}, ErrNotInvited
	case len(invited) == 0:
		return createByOpenID(ctx, tx, who)
	case invited[0].Disabled:
		return controlplane.Member{}, ErrMemberDisabled
	}
	return linkByOpenID(ctx, tx, invited[0], who)
}

// createByOpenID makes a member of somebody whom nobody invited.
func createByOpenID(ctx context.Context, tx pgx.Tx, who OpenIDSignIn) (controlplane.Member, error) {
	member, err := one[controlplane.Member](ctx, tx, `
		insert into members (email, name, role, joined_at) values ($1, $2, $3, now()) returning `+memberColumns, who.Email, who.Name, who.CreateAs)
	if err != nil {
		return member, err
	}
	if err := putOpenID(ctx, tx, member.ID, who); err != nil {
		return member, err
	}
	entry := audit.Created(audit.CreateMember, audit.OfMember(member))
	entry.After["issuer"], entry.After["subject"] = who.Issuer, who.Subject
	return member, appendAudit(asMember(ctx, member), tx, entry)
}

// linkByOpenID lets a member sign in at the provider from now on. One who had not
// joined has now, and their link is of no use any more. The password of one who had is
// gone, and so are their sessions: whoever chose it need not be who the provider knows.
func linkByOpenID(ctx context.Context, tx pgx.Tx, was controlplane.Member, who OpenIDSignIn) (controlplane.Member, error) {
	if err := putOpenID(ctx, tx, was.ID, who); err != nil {
		return was, err
	}
	member, err := one[controlplane.Member](ctx, tx, `
		update members set name = case when joined_at is null then $2 else name end, joined_at = coalesce(joined_at, now()), password = null
		where id = $1 returning `+memberColumns, was.ID, who.Name)
	if err != nil {
		return member, err
	}
	if _, err := tx.Exec(ctx, `delete from sign_in_links where member_id = $1`, was.ID); err != nil {
		return member, err
	}
	if err := endSessions(ctx, tx, was.ID, 0); err != nil {
		return member, err
	}
	entry := audit.Changed(audit.LinkOpenID, audit.OfMember(was), audit.OfMember(member))
	entry.After["issuer"], entry.After["subject"] = who.Issuer, who.Subject
	return member, appendAudit(asMember(ctx, member), tx, entry)
}

func putOpenID(ctx context.Context, tx pgx.Tx, member controlplane.ID, who OpenIDSignIn) error {
	_, err := tx.Exec(ctx, `insert into openid_identities (issuer, subject, member_id, email) values ($1, $2, $3, $4)`, who.Issuer, who.Subject, member, who.Email)
	if isViolation(err, "openid_identities_member_key") {
		return ErrOtherIdentity
	}
	return err
}

// UnlinkMember forgets who a member is at the OpenID provider, and ends their
// sessions.
func (db *DB) UnlinkMember(ctx context.Context, id controlplane.ID, may MayManage) (controlplane.Member, error) {
	member, err := db.changeMember(ctx, audit.UnlinkOpenID, id, may, func(tx pgx.Tx, _ controlplane.Member) error {
		if _, err := tx.Exec(ctx, `delete from openid_identities where member_id = $1`, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id, 0)
	})
	return member, memberFault("unlink member", err)
}

// giveRole gives a member the role that the provider says. Customers stay what they
// are, as the provider knows of no accounts, and so does the last owner.
func giveRole(ctx context.Context, tx pgx.Tx, was controlplane.Member, role controlplane.Role) error {
	if role == "" || role == was.Role || was.Role == controlplane.RoleCustomer {
		return nil
	}
	member, err := one[controlplane.Member](ctx, tx, `update members set role = $2 where id = $1 returning `+memberColumns, was.ID, role)
	if err != nil {
		return err
	}
	var fault *controlplane.Error
	if err := ownerIsLeft(ctx, tx, was); errors.As(err, &fault) {
		_, err := tx.Exec(ctx, `update members set role = $2 where id = $1`, was.ID, was.Role)
		return err
	} else if err != nil {
		return err
	}
	if err := endSessions(ctx, tx, was.ID, 0); err != nil {
		return err
	}
	return appendAudit(asMember(ctx, member), tx, audit.Changed(audit.UpdateMember, audit.OfMember(was), audit.OfMember(member)))
}
