package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const keyColumns = `id, account_id, name, prefix, suspended, expires_at, created_at, revoked_at`

// KeysByAccount returns the keys of the accounts, newest first.
func (db *DB) KeysByAccount(ctx context.Context, accounts []controlplane.ID) ([]controlplane.Key, error) {
	keys, err := list[controlplane.Key](ctx, db.pool, `
		select `+keyColumns+` from keys where account_id = any($1) order by account_id, id desc`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// KeysByID returns the keys among ids that exist, in any order.
func (db *DB) KeysByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Key, error) {
	keys, err := list[controlplane.Key](ctx, db.pool, `select `+keyColumns+` from keys where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

// CreateKey stores a new key by the digest of its secret. A nil expires is never.
func (db *DB) CreateKey(ctx context.Context, account controlplane.ID, name string, expires *time.Time, secret controlplane.Secret) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	digest := secret.Digest()
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		var err error
		key, err = one[controlplane.Key](ctx, tx, `
			insert into keys (account_id, name, prefix, digest, expires_at) values ($1, $2, $3, $4, $5) returning `+keyColumns,
			account, name, secret.Prefix(), digest[:], expires)
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateKey, audit.OfKey(key)))
		return db.room.checkKeys(ctx, tx, account)
	})
	switch {
	case isViolation(err, "keys_account_fkey"):
		return key, 0, controlplane.NotFound("accountId", "account")
	case isViolation(err, "keys_digest_key"):
		return key, 0, controlplane.Conflict("secret", "this secret is in use already")
	case err != nil && controlplane.Faults(err) == nil:
		return key, 0, fmt.Errorf("create key: %w", err)
	}
	return key, version, err
}

// UpdateKey suspends a key or makes it live again, sets or clears its expiry.
func (db *DB) UpdateKey(ctx context.Context, e controlplane.KeyEdit) (controlplane.Key, uint64, error) {
	return db.changeKey(ctx, audit.UpdateKey, e.ID, func(tx pgx.Tx) (controlplane.Key, error) {
		key, err := one[controlplane.Key](ctx, tx, `
			update keys set suspended = coalesce($2, suspended),
				expires_at = case when $4 then null else coalesce($3, expires_at) end
			where id = $1 returning `+keyColumns, e.ID, e.Suspended, e.ExpiresAt, e.NeverExpires)
		if err == nil && key.RevokedAt != nil {
			return key, controlplane.Conflict("id", "this key is revoked, and that is for good; create a new one")
		}
		return key, err
	})
}

// RevokeKey revokes a key for good. Revoking it again changes nothing.
func (db *DB) RevokeKey(ctx context.Context, id controlplane.ID) (controlplane.Key, uint64, error) {
	return db.changeKey(ctx, audit.RevokeKey, id, func(tx pgx.Tx) (controlplane.Key, error) {
		return one[controlplane.Key](ctx, tx, `
			update keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning `+keyColumns, id)
	})
}

func (db *DB) changeKey(ctx context.Context, action audit.Action, id controlplane.ID, do func(pgx.Tx) (controlplane.Key, error)) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := one[controlplane.Key](ctx, tx, `select `+keyColumns+` from keys where id = $1`, id)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", "key"))
		}
		key, err = do(tx)
		note.add(audit.Changed(action, audit.OfKey(before), audit.OfKey(key)))
		return err
	})
	if err != nil && controlplane.Faults(err) == nil {
		return key, 0, fmt.Errorf("change key: %w", err)
	}
	return key, version, err
}
