package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const identityColumns = `id, account_id, kind, value, issuer, created_at`

// IdentitiesByAccount returns the identities of the accounts, newest first.
func (db *DB) IdentitiesByAccount(ctx context.Context, accounts []controlplane.ID) ([]controlplane.Identity, error) {
	identities, err := list[controlplane.Identity](ctx, db.pool, `
		select `+identityColumns+` from identities where account_id = any($1) order by account_id, id desc`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return identities, nil
}

// IdentitiesByID returns the identities among ids that exist, in any order.
func (db *DB) IdentitiesByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Identity, error) {
	identities, err := list[controlplane.Identity](ctx, db.pool, `select `+identityColumns+` from identities where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	return identities, nil
}

// AddIdentity lets a name stand for an account; its ID is ignored. It returns
// the account.
func (db *DB) AddIdentity(ctx context.Context, i controlplane.Identity) (controlplane.Account, uint64, error) {
	account, version, err := db.changeAccount(ctx, "add identity", i.AccountID, func(tx pgx.Tx, note *notes) error {
		if _, err := openAccount(ctx, tx, "accountId", i.AccountID); err != nil {
			return err
		}
		back, err := restoredOf(ctx, audit.Identity)
		if err != nil {
			return err
		}
		added, err := one[controlplane.Identity](ctx, tx, `
			insert into identities (id, account_id, kind, value, issuer) values (coalesce($1, nextval('keys_id_seq')), $2, $3, $4, $5) returning `+identityColumns,
			orNull(back.id), i.AccountID, i.Kind, i.Value, i.Issuer)
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.AddIdentity, audit.OfIdentity(added)))
		return db.room.checkKeys(ctx, tx, i.AccountID)
	})
	switch {
	case isViolation(err, "identities_account_fkey"):
		return account, 0, controlplane.NotFound("accountId", "account")
	case isViolation(err, "identities_value_key"):
		return account, 0, controlplane.Invalid("value", "an account has this identity already; take it away from there first")
	}
	return account, version, err
}

// RemoveIdentity takes an identity away, and returns its account.
func (db *DB) RemoveIdentity(ctx context.Context, id controlplane.ID) (controlplane.Account, uint64, error) {
	return db.deleteOfAccount(ctx, "identities", "identity", id, func(tx pgx.Tx) (audit.Entry, error) {
		identity, err := one[controlplane.Identity](ctx, tx, `select `+identityColumns+` from identities where id = $1`, id)
		return audit.Deleted(audit.RemoveIdentity, audit.OfIdentity(identity)), err
	})
}

// deleteOfAccount deletes a row that belongs to an account, of which describe knows
// what to record, and returns the account.
func (db *DB) deleteOfAccount(ctx context.Context, table, noun string, id controlplane.ID, describe func(pgx.Tx) (audit.Entry, error)) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		entry, err := describe(tx)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", noun))
		}
		note.add(entry)
		if _, err := openAccount(ctx, tx, "id", entry.AccountID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from `+table+` where id = $1`, id); err != nil {
			return err
		}
		account, err = readAccount(ctx, tx, "id", entry.AccountID)
		return err
	})
	return account, version, accountFault("delete "+noun, err)
}
