package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// SetTOTPDraft stores the secret of a second step that is not confirmed yet. That is in no
// record, as it changes nothing by itself; yet a request with an Idempotency-Key must not
// put another in its place.
func (db *DB) SetTOTPDraft(ctx context.Context, member controlplane.ID, secret string) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update members set totp_draft = $2 where id = $1`, member, secret); err != nil {
			return err
		}
		return markClaim(ctx, tx, unrecorded, unrecorded)
	})
	if err != nil && controlplane.Faults(err) == nil {
		err = fmt.Errorf("store a second step: %w", err)
	}
	return err
}

// ConfirmTOTP puts a member's draft in force, with recovery codes, and notes the step
// whose code confirmed it. It fails with CONFLICT when there is another draft by now.
func (db *DB) ConfirmTOTP(ctx context.Context, member controlplane.ID, draft string, step int64, digests [][]byte) error {
	err := db.changeSelf(ctx, audit.ConfirmTOTP, member, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update members set totp_secret = totp_draft, totp_draft = null, totp_step = $3 where id = $1 and totp_draft = $2`, member, draft, step)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return controlplane.Conflict("", "begin again: there is nothing to confirm")
		}
		return putRecoveryCodes(ctx, tx, member, digests)
	})
	return memberFault("turn a second step on", err)
}

// UseTOTPStep notes that the code of a time step was used, and reports whether it
// was not before.
func (db *DB) UseTOTPStep(ctx context.Context, member controlplane.ID, step int64) (bool, error) {
	tag, err := db.pool.Exec(ctx, `update members set totp_step = $2 where id = $1 and totp_step < $2`, member, step)
	if err != nil {
		return false, fmt.Errorf("note the use of a code: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// UseRecoveryCode takes a recovery code, and reports whether there was one.
func (db *DB) UseRecoveryCode(ctx context.Context, member controlplane.ID, digest []byte) (bool, error) {
	var was []controlplane.Member
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from recovery_codes where member_id = $1 and digest = $2`, member, digest)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if was, err = list[controlplane.Member](ctx, tx, `select `+memberColumns+` from members where id = $1`, member); err != nil || len(was) == 0 {
			return err
		}
		image := audit.OfMember(was[0])
		return appendAudit(asMember(ctx, was[0]), tx, audit.Changed(audit.UseRecoveryCode, image, image))
	})
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return len(was) == 1, nil
}

// SetRecoveryCodes stores recovery codes in place of those before.
func (db *DB) SetRecoveryCodes(ctx context.Context, member controlplane.ID, digests [][]byte) error {
	err := db.changeSelf(ctx, audit.RenewRecoveryCodes, member, func(tx pgx.Tx) error { return putRecoveryCodes(ctx, tx, member, digests) })
	if err != nil {
		return fmt.Errorf("store recovery codes: %w", err)
	}
	return nil
}

func putRecoveryCodes(ctx context.Context, tx pgx.Tx, member controlplane.ID, digests [][]byte) error {
	if _, err := tx.Exec(ctx, `delete from recovery_codes where member_id = $1`, member); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into recovery_codes (member_id, digest) select $1, unnest($2::bytea[])`, member, digests)
	return err
}

// ClearTOTP turns a member's second step off.
func (db *DB) ClearTOTP(ctx context.Context, member controlplane.ID) error {
	err := db.changeSelf(ctx, audit.DisableTOTP, member, func(tx pgx.Tx) error { return clearTOTP(ctx, tx, member) })
	if err != nil {
		return fmt.Errorf("turn a second step off: %w", err)
	}
	return nil
}

func clearTOTP(ctx context.Context, tx pgx.Tx, member controlplane.ID) error {
	if _, err := tx.Exec(ctx, `update members set totp_secret = null, totp_draft = null where id = $1`, member); err != nil {
		return err
	}
	return putRecoveryCodes(ctx, tx, member, nil)
}

// ResetMemberTOTP turns the second step of somebody else off.
func (db *DB) ResetMemberTOTP(ctx context.Context, id controlplane.ID, may MayManage) (controlplane.Member, error) {
	member, err := db.changeMember(ctx, audit.ResetMemberTOTP, id, may, func(tx pgx.Tx, _ controlplane.Member) error { return clearTOTP(ctx, tx, id) })
	return member, memberFault("reset a member's second step", err)
}

// ChangeTOTPSecrets puts what change returns in the place of each secret and draft of a
// second step, in one transaction.
func (db *DB) ChangeTOTPSecrets(ctx context.Context, change func(member controlplane.ID, was string) (string, error)) error {
	type secrets struct {
		ID            controlplane.ID
		Secret, Draft string
	}
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		all, err := list[secrets](ctx, tx, `
			select id, coalesce(totp_secret, ''), coalesce(totp_draft, '') from members
			where totp_secret is not null or totp_draft is not null order by id for update`)
		if err != nil {
			return err
		}
		for _, was := range all {
			now := was
			if now.Secret, err = change(was.ID, was.Secret); err != nil {
				return err
			}
			if now.Draft, err = change(was.ID, was.Draft); err != nil {
				return err
			}
			if now == was {
				continue
			}
			if _, err := tx.Exec(ctx, `update members set totp_secret = nullif($2, ''), totp_draft = nullif($3, '') where id = $1`, now.ID, now.Secret, now.Draft); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change the secrets of second steps: %w", err)
	}
	return nil
}
