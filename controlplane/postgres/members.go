package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const (
	memberColumns = `id, coalesce(email, ''), name, role, coalesce(account_id, 0), password is not null, totp_secret is not null,
		exists (select from openid_identities where member_id = members.id), disabled, created_at, joined_at, signed_in_at, revision`
	// activeOwner tells the owners who can sign in; there is always one, once there
	// are members.
	activeOwner = `role = 'OWNER' and not disabled and joined_at is not null`
)

// MayManage says whether whoever asks may make, change or remove a member of a
// role; otherwise it returns why not.
type MayManage func(controlplane.Role) error

// MemberFilter narrows a list of members. Zero values do not narrow.
type MemberFilter struct {
	Search string // part of the name or the e-mail address, whatever the case
	Role   controlplane.Role
}

// Members returns up to first members that filter finds, in the order in which
// they were made, after the given one (0: from the beginning), and whether there
// are more.
func (db *DB) Members(ctx context.Context, filter MemberFilter, after controlplane.ID, first int) ([]controlplane.Member, bool, error) {
	pattern := "%" + likeEscaper.Replace(filter.Search) + "%"
	members, err := list[controlplane.Member](ctx, db.pool, `
		select `+memberColumns+` from members
		where (name ilike $1 or email ilike $1) and ($2 = '' or role = $2) and id > $3 order by id limit $4`,
		pattern, string(filter.Role), after, first+1)
	if err != nil {
		return nil, false, fmt.Errorf("list members: %w", err)
	}
	if len(members) > first {
		return members[:first], true, nil
	}
	return members, false, nil
}

// MembersByID returns the members among ids that exist, in any order.
func (db *DB) MembersByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Member, error) {
	members, err := list[controlplane.Member](ctx, db.pool, `select `+memberColumns+` from members where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	return members, nil
}

// InviteMember makes a member who joins with the link that secret is of.
func (db *DB) InviteMember(ctx context.Context, i controlplane.Invitation, may MayManage, secret controlplane.Secret, expires time.Time) (controlplane.Member, error) {
	var member controlplane.Member
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		err := may(i.Role)
		if err != nil {
			return err
		}
		member, err = one[controlplane.Member](ctx, tx, `
			insert into members (email, name, role, account_id) values ($1, '', $2, $3) returning `+memberColumns,
			i.Email, i.Role, orNull(i.AccountID))
		if err != nil {
			return err
		}
		if err := putLink(ctx, tx, secret, member.ID, expires); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Created(audit.InviteMember, audit.OfMember(member)))
	})
	return member, memberFault("invite member", err)
}

// LinkMember makes a new link for a member, in place of those before, with which
// they join or choose another password.
func (db *DB) LinkMember(ctx context.Context, id controlplane.ID, may MayManage, secret controlplane.Secret, expires time.Time) (controlplane.Member, error) {
	member, err := db.changeMember(ctx, audit.CreateMemberLink, id, may, func(tx pgx.Tx, was controlplane.Member) error {
		if was.Disabled {
			return controlplane.Conflict("id", "this member is disabled; enable them first")
		}
		if _, err := tx.Exec(ctx, `delete from sign_in_links where member_id = $1`, id); err != nil {
			return err
		}
		return putLink(ctx, tx, secret, id, expires)
	})
	return member, memberFault("make a member's link", err)
}

// UpdateMember changes a member. A change of the role and a disabling end their
// sessions. It fails with CONFLICT where no owner would be left.
func (db *DB) UpdateMember(ctx context.Context, e controlplane.MemberEdit, may MayManage) (controlplane.Member, error) {
	member, err := db.changeMember(ctx, audit.UpdateMember, e.ID, may, func(tx pgx.Tx, was controlplane.Member) error {
		if e.Revision != nil && *e.Revision != was.Revision {
			return stale(ctx, tx, audit.OfMember(was), *e.Revision, was.Revision)
		}
		role, account, disabled := was.Role, was.AccountID, was.Disabled
		if e.Role != nil {
			role, account = *e.Role, e.AccountID
		}
		if e.Disabled != nil {
			disabled = *e.Disabled
		}
		if err := may(role); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			update members set role = $2, account_id = $3, disabled = $4, email = coalesce($5, email) where id = $1`, e.ID, role, orNull(account), disabled, e.Email)
		if err != nil {
			return err
		}
		if role == was.Role && account == was.AccountID && !disabled {
			return nil
		}
		if disabled {
			if _, err := tx.Exec(ctx, `delete from sign_in_links where member_id = $1`, e.ID); err != nil {
				return err
			}
		}
		return endSessions(ctx, tx, e.ID, 0)
	})
	return member, memberFault("update member", err)
}

// RemoveMember removes a member with their sessions, and revokes the tokens they
// made. It fails with CONFLICT where no owner would be left.
func (db *DB) RemoveMember(ctx context.Context, id controlplane.ID, may MayManage) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		was, err := lockMember(ctx, tx, id, may)
		if err != nil {
			return err
		}
		if _, err := revokeTokens(ctx, tx, `created_by = $1`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from members where id = $1`, id); err != nil {
			return err
		}
		if err := ownerIsLeft(ctx, tx, was); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Deleted(audit.RemoveMember, audit.OfMember(was)))
	})
	return memberFault("remove member", err)
}

// EndMemberSessions signs a member out everywhere.
func (db *DB) EndMemberSessions(ctx context.Context, id controlplane.ID, may MayManage) (controlplane.Member, error) {
	member, err := db.changeMember(ctx, audit.EndMemberSessions, id, may, func(tx pgx.Tx, _ controlplane.Member) error { return endSessions(ctx, tx, id, 0) })
	return member, memberFault("end a member's sessions", err)
}

// changeMember changes a member whose role may allows, and returns them after that.
func (db *DB) changeMember(ctx context.Context, action audit.Action, id controlplane.ID, may MayManage, do func(pgx.Tx, controlplane.Member) error) (controlplane.Member, error) {
	var member controlplane.Member
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		was, err := lockMember(ctx, tx, id, may)
		if err != nil {
			return err
		}
		if err := do(tx, was); err != nil {
			return err
		}
		if err := ownerIsLeft(ctx, tx, was); err != nil {
			return err
		}
		member, err = one[controlplane.Member](ctx, tx, `select `+memberColumns+` from members where id = $1`, id)
		if err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Changed(action, audit.OfMember(was), audit.OfMember(member)))
	})
	return member, err
}

// changeSelf changes the member who asks.
func (db *DB) changeSelf(ctx context.Context, action audit.Action, id controlplane.ID, do func(pgx.Tx) error) error {
	return db.inTx(ctx, func(tx pgx.Tx) error {
		const read = `select ` + memberColumns + ` from members where id = $1 for update`
		was, err := one[controlplane.Member](ctx, tx, read, id)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", "member"))
		}
		if err := do(tx); err != nil {
			return err
		}
		is, err := one[controlplane.Member](ctx, tx, read, id)
		if err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Changed(action, audit.OfMember(was), audit.OfMember(is)))
	})
}

// lockMember reads a member who is about to be changed. The owners are locked
// first, so that of two who would each leave the other as the last one, the second
// waits and sees what the first did.
func lockMember(ctx context.Context, tx pgx.Tx, id controlplane.ID, may MayManage) (controlplane.Member, error) {
	if _, err := tx.Exec(ctx, `select from members where `+activeOwner+` order by id for update`); err != nil {
		return controlplane.Member{}, err
	}
	member, err := one[controlplane.Member](ctx, tx, `select `+memberColumns+` from members where id = $1 for update`, id)
	if err != nil {
		return member, orMissing(err, controlplane.NotFound("id", "member"))
	}
	return member, may(member.Role)
}

func ownerIsLeft(ctx context.Context, tx pgx.Tx, was controlplane.Member) error {
	if was.Role != controlplane.RoleOwner || was.Status() != controlplane.MemberActive {
		return nil
	}
	left := false
	if err := tx.QueryRow(ctx, `select exists (select from members where `+activeOwner+`)`).Scan(&left); err != nil || left {
		return err
	}
	return controlplane.Conflict("id", "this is the last owner; make another member an owner first")
}

func memberFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "members_email_key"):
		return controlplane.Invalid("email", "a member has this e-mail address already")
	case isViolation(err, "members_account_fkey"):
		return controlplane.NotFound("accountId", "account")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
