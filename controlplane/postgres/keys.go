package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

const keyColumns = `keys.id, account_id, name, prefix, suspended, expires_at, created_at, revoked_at, environment, coalesce(replaces_id, 0),
	coalesce((select n.id from keys n where n.replaces_id = keys.id), 0),
	coalesce((select reads_only from key_scopes s where s.id = scope_id), false),
	coalesce((select endpoint_ids from key_scopes s where s.id = scope_id), '{}'),
	coalesce((select group_ids from key_scopes s where s.id = scope_id), '{}'), keys.revision`

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

// CreateKey stores a new key by the digest of its secret.
func (db *DB) CreateKey(ctx context.Context, k controlplane.NewKey, secret controlplane.Secret) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) (err error) {
		if _, err := openAccount(ctx, tx, "accountId", k.AccountID); err != nil {
			return err
		}
		if err := checkTargets(ctx, tx, k.Scope); err != nil {
			return err
		}
		if key, err = insertKey(ctx, tx, k, 0, secret); err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateKey, audit.OfKey(key)))
		return db.room.checkKeys(ctx, tx, k.AccountID)
	})
	return key, version, keyFault("create key", err)
}

// insertKey stores a key, which takes the place of another unless that is 0.
func insertKey(ctx context.Context, tx pgx.Tx, k controlplane.NewKey, replaces controlplane.ID, secret controlplane.Secret) (controlplane.Key, error) {
	scope, err := scopeID(ctx, tx, k.Scope)
	if err != nil {
		return controlplane.Key{}, err
	}
	environment := k.Environment
	if environment == "" {
		environment = controlplane.Live
	}
	digest := secret.Digest()
	return one[controlplane.Key](ctx, tx, `
		insert into keys (account_id, name, prefix, digest, expires_at, environment, scope_id, replaces_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8) returning `+keyColumns,
		k.AccountID, k.Name, secret.Prefix(), digest[:], k.ExpiresAt, environment, scope, orNull(replaces))
}

// checkTargets refuses a scope with endpoints or groups that aren't there.
func checkTargets(ctx context.Context, tx pgx.Tx, s controlplane.KeyScope) error {
	var endpoints, groups bool
	err := tx.QueryRow(ctx, `
		select not exists (select from unnest($1::bigint[]) i (id) where i.id not in (select id from endpoints)),
			not exists (select from unnest($2::bigint[]) i (id) where i.id not in (select id from endpoint_groups))`,
		toInt64s(s.EndpointIDs), toInt64s(s.GroupIDs)).Scan(&endpoints, &groups)
	switch {
	case err != nil:
		return err
	case !endpoints:
		return controlplane.NotFound("scope.endpointIds", "endpoint")
	case !groups:
		return controlplane.NotFound("scope.groupIds", "endpoint group")
	}
	return nil
}

// scopeID returns the number of a scope, which it gets with its first key; nil for
// everything.
func scopeID(ctx context.Context, tx pgx.Tx, s controlplane.KeyScope) (*int, error) {
	if s.Everything() {
		return nil, nil
	}
	s = s.Sorted()
	content := []any{s.ReadsOnly, toInt64s(s.EndpointIDs), toInt64s(s.GroupIDs)}
	const find = `select id from key_scopes where (reads_only, endpoint_ids, group_ids) = ($1, $2::bigint[], $3::bigint[])`
	found, err := list[struct{ ID int }](ctx, tx, find, content...)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return &found[0].ID, nil
	}
	err = checkCount(ctx, tx, `select coalesce(max(id), 0) + 1 from key_scopes`, book.MaxScopes,
		controlplane.Conflict("scope", "there have been %d different scopes, and the filter takes no more; use one that a key has", book.MaxScopes))
	if err != nil {
		return nil, err
	}
	var id int
	err = tx.QueryRow(ctx, `insert into key_scopes (reads_only, endpoint_ids, group_ids) values ($1, $2, $3) returning id`, content...).Scan(&id)
	return &id, err
}

// UpdateKey renames a key, suspends it or makes it live again, sets or clears its
// expiry, changes its scope. One that was replaced in a rotation expires, and for good.
func (db *DB) UpdateKey(ctx context.Context, e controlplane.KeyEdit) (controlplane.Key, uint64, error) {
	return db.changeKey(ctx, audit.UpdateKey, e.ID, e.Revision, func(tx pgx.Tx, was controlplane.Key) (controlplane.Key, error) {
		var scope *int
		if e.Scope != nil {
			if err := checkTargets(ctx, tx, *e.Scope); err != nil {
				return controlplane.Key{}, err
			}
			var err error
			if scope, err = scopeID(ctx, tx, *e.Scope); err != nil {
				return controlplane.Key{}, err
			}
		}
		key, err := one[controlplane.Key](ctx, tx, `
			update keys set suspended = coalesce($2, suspended),
				expires_at = case when $4 then null else coalesce($3, expires_at) end,
				name = coalesce($5, name), scope_id = case when $6 then $7 else scope_id end
			where id = $1 returning `+keyColumns, e.ID, e.Suspended, e.ExpiresAt, e.NeverExpires, e.Name, e.Scope != nil, scope)
		if err == nil && key.RevokedAt != nil {
			return key, controlplane.Conflict("id", "this key is revoked, and that is for good; create a new one")
		}
		if err == nil && key.ReplacedBy != 0 {
			err = checkOverlap(ctx, tx, key)
		}
		if err == nil && key.ReplacedBy != 0 && was.ExpiresAt != nil && was.ExpiresAt.Before(time.Now()) && (key.ExpiresAt == nil || key.ExpiresAt.After(*was.ExpiresAt)) {
			return key, controlplane.Conflict("id", "%s took the place of this key, and their overlap has ended; rotate that one, or create a new key", controlplane.KindKey.Format(key.ReplacedBy))
		}
		return key, err
	})
}

// checkOverlap refuses a key that would go on for longer beside the one that took its
// place than a rotation allows.
func checkOverlap(ctx context.Context, tx pgx.Tx, key controlplane.Key) error {
	taken, err := one[struct{ At time.Time }](ctx, tx, `select created_at from keys where id = $1`, key.ReplacedBy)
	if err != nil {
		return err
	}
	last := taken.At.Add(controlplane.MaxOverlap)
	if key.ExpiresAt == nil || key.ExpiresAt.After(last) {
		return controlplane.Conflict("id", "%s took the place of this key, so it has to expire by %s; set such an expiresAt, or create a new key",
			controlplane.KindKey.Format(key.ReplacedBy), last.UTC().Format(time.RFC3339))
	}
	return nil
}

// RevokeKey revokes a key for good. Revoking it again changes nothing.
func (db *DB) RevokeKey(ctx context.Context, id controlplane.ID) (controlplane.Key, uint64, error) {
	return db.changeKey(ctx, audit.RevokeKey, id, nil, func(tx pgx.Tx, _ controlplane.Key) (controlplane.Key, error) { return revoke(ctx, tx, id) })
}

func revoke(ctx context.Context, tx pgx.Tx, id controlplane.ID) (controlplane.Key, error) {
	return one[controlplane.Key](ctx, tx, `update keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning `+keyColumns, id)
}

// changeKey changes a key, if it is at a revision; nil is any.
func (db *DB) changeKey(ctx context.Context, action audit.Action, id controlplane.ID, revision *int, do func(pgx.Tx, controlplane.Key) (controlplane.Key, error)) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readKey(ctx, tx, id)
		if err != nil {
			return err
		}
		if revision != nil && *revision != before.Revision {
			return stale(ctx, tx, audit.OfKey(before), *revision, before.Revision)
		}
		key, err = do(tx, before)
		note.add(audit.Changed(action, audit.OfKey(before), audit.OfKey(key)))
		return err
	})
	return key, version, keyFault("change key", err)
}

func readKey(ctx context.Context, tx pgx.Tx, id controlplane.ID) (controlplane.Key, error) {
	key, err := one[controlplane.Key](ctx, tx, `select `+keyColumns+` from keys where id = $1`, id)
	return key, orMissing(err, controlplane.NotFound("id", "key"))
}

func keyFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "keys_account_fkey"):
		return controlplane.NotFound("accountId", "account")
	case isViolation(err, "keys_digest_key"):
		return controlplane.Conflict("secret", "this secret is in use already")
	case isViolation(err, "keys_replaces_key"):
		return controlplane.Conflict("id", "another key has taken this one's place already; rotate that one")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
