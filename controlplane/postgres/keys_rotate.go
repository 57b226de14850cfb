package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// RotatedKey is what a rotation made, and what it replaced.
type RotatedKey struct {
	Key, Replaced controlplane.Key
}

// RotateKey puts a new key in the place of one, with the same name, environment and
// scope. The old one expires after the overlap, unless it does so before. make makes
// the new one's secret.
func (db *DB) RotateKey(ctx context.Context, r controlplane.KeyRotation, now time.Time, make func(controlplane.KeyEnvironment) controlplane.Secret) (RotatedKey, controlplane.Secret, uint64, error) {
	var rotated RotatedKey
	var secret controlplane.Secret
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		old, err := readKey(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if status := old.StatusAt(now); status == controlplane.KeyRevoked || status == controlplane.KeyExpired {
			return controlplane.Conflict("id", "this key is %s; create a new one", status)
		}
		if old.Suspended {
			return controlplane.Conflict("id", "this key is suspended; make it live first, or create a new one")
		}
		secret = make(old.Environment)
		rotated.Key, err = insertKey(ctx, tx, controlplane.NewKey{
			AccountID: old.AccountID, Name: old.Name, ExpiresAt: r.ExpiresAt, Environment: old.Environment, Scope: *old.Scope(),
		}, old.ID, secret)
		if err != nil {
			return err
		}
		rotated.Replaced, err = one[controlplane.Key](ctx, tx, `
			update keys set expires_at = least(expires_at, $2::timestamptz) where id = $1 returning `+keyColumns, old.ID, now.Add(r.Overlap))
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateKey, audit.OfKey(rotated.Key)))
		note.add(audit.Changed(audit.RotateKey, audit.OfKey(old), audit.OfKey(rotated.Replaced)))
		return db.room.checkKeys(ctx, tx, old.AccountID)
	})
	return rotated, secret, version, keyFault("rotate key", err)
}

// ReportLeaks finds out which of the secrets are keys, and records that they were
// found; with revokes it revokes those that aren't yet. The version is that of the
// policy that carries this, 0 when nothing was revoked.
func (db *DB) ReportLeaks(ctx context.Context, secrets []controlplane.Secret, revokes bool) (leaks []controlplane.Leak, version uint64, err error) {
	find := func(tx pgx.Tx) (err error) {
		leaks, err = findLeaks(ctx, tx, secrets)
		return err
	}
	if err := db.inTx(ctx, find); err != nil {
		return nil, 0, keyFault("find leaked keys", err)
	}
	if len(leaks) == 0 {
		return nil, 0, nil
	}
	report := func(tx pgx.Tx, note *notes) error {
		if err := find(tx); err != nil {
			return err
		}
		return reportLeaks(ctx, tx, leaks, revokes, note)
	}
	if revokes {
		version, err = db.changePolicy(ctx, report)
		return leaks, version, keyFault("report leaked keys", err)
	}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		var noted notes
		if err := report(tx, &noted); err != nil {
			return err
		}
		return appendAudit(ctx, tx, noted...)
	})
	return leaks, 0, keyFault("report leaked keys", err)
}

func reportLeaks(ctx context.Context, tx pgx.Tx, leaks []controlplane.Leak, revokes bool, note *notes) error {
	for i := range leaks {
		l := &leaks[i]
		before := l.Key
		if revokes && before.RevokedAt == nil {
			var err error
			if l.Key, err = revoke(ctx, tx, before.ID); err != nil {
				return err
			}
			l.Revoked = true
		}
		note.add(audit.Changed(audit.ReportLeakedKey, audit.OfKey(before), audit.OfKey(l.Key)))
	}
	return nil
}

// findLeaks returns the keys that secrets are of, in the order of the secrets; each
// key once.
func findLeaks(ctx context.Context, tx pgx.Tx, secrets []controlplane.Secret) ([]controlplane.Leak, error) {
	digests := make([][]byte, len(secrets))
	for i, s := range secrets {
		digest := s.Digest()
		digests[i] = digest[:]
	}
	found, err := list[struct {
		Index int
		ID    controlplane.ID
	}](ctx, tx, `
		select min(n)::int - 1, keys.id from unnest($1::bytea[]) with ordinality as s (digest, n) join keys using (digest)
		group by keys.id order by 1`, digests)
	if err != nil {
		return nil, err
	}
	leaks := make([]controlplane.Leak, len(found))
	for i, f := range found {
		key, err := readKey(ctx, tx, f.ID)
		if err != nil {
			return nil, err
		}
		leaks[i] = controlplane.Leak{Index: f.Index, Key: key}
	}
	return leaks, nil
}

// KeysLastUsed returns when keys were last used, to the minute as long as usage is
// kept by the minute: the beginning of that. Keys that weren't are left out. It is
// read from the rollups, so it is as late as they are.
func (db *DB) KeysLastUsed(ctx context.Context, keys []controlplane.Key) (map[controlplane.ID]time.Time, error) {
	var ids, accounts []int64
	for _, k := range keys {
		ids, accounts = append(ids, int64(k.ID)), append(accounts, int64(k.AccountID))
	}
	used := map[controlplane.ID]time.Time{}
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, lastUsedSQL, ids, accounts)
		if err != nil {
			return err
		}
		var id controlplane.ID
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error { used[id] = at.UTC(); return nil })
		return err
	})
	if err != nil {
		return nil, keyFault("read when keys were last used", err)
	}
	return used, nil
}

// Each level narrows the next finer one to one of its buckets.
const lastUsedSQL = `
	select k.id, coalesce(i.at, h.at, d.at, m.at)
	from unnest($1::bigint[], $2::bigint[]) as k (id, account),
	lateral (select max(bucket) as at from usage_month u where u.account_id = k.account and u.key_id = k.id and u.decision <= 5 and u.requests > 0) m,
	lateral (select max(bucket) as at from usage_day u where u.account_id = k.account and u.key_id = k.id and u.decision <= 5 and u.requests > 0
		and u.bucket >= m.at and u.bucket < m.at + interval '1 month') d,
	lateral (select max(bucket) as at from usage_hour u where u.account_id = k.account and u.key_id = k.id and u.decision <= 5 and u.requests > 0
		and u.bucket >= d.at and u.bucket < d.at + interval '1 day') h,
	lateral (select max(bucket) as at from usage_minute u where u.account_id = k.account and u.key_id = k.id and u.decision <= 5 and u.requests > 0
		and u.bucket >= h.at and u.bucket < h.at + interval '1 hour') i
	where m.at is not null`
