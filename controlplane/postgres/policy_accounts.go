package postgres

import (
	"bytes"
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// among narrows a statement to the accounts that changed.
func (c policyChange) among(sql, column string) (string, []any) {
	if c.all {
		return sql, nil
	}
	return sql + ` and ` + column + ` = any($1::bigint[])`, []any{c.accounts}
}

// readKeys returns what identifies an account: its keys and its identities. The keys
// that were revoked by closing an account are refused as its identities are.
func readKeys(ctx context.Context, q querier, changed policyChange) ([]ownedKey, error) {
	sql, args := changed.among(`
		select k.id, k.account_id, coalesce(a.cohort_id, 0), a.status in ('suspended', 'closed'), a.epoch, k.digest, k.suspended,
			case when k.expires_at is null then 0 else greatest(1, ceil(extract(epoch from k.expires_at) * 1000)::bigint) end,
			k.environment = 'sandbox', coalesce(k.scope_id, 0)
		from keys k join accounts a on a.id = k.account_id where (k.revoked_at is null or k.revoked_at = a.closed_at)`, `k.account_id`)
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ownedKey, error) {
		k := ownedKey{Key: book.Key{Kind: book.APIKey}}
		var digest pgtype.DriverBytes // the driver's own memory, good until the next row
		err := row.Scan(&k.ID, &k.Account, &k.cohort, &k.AccountSuspended, &k.Epoch, &digest, &k.Suspended, &k.ExpiresAt, &k.Sandbox, &k.Scope)
		copy(k.Digest[:], digest)
		return k, err
	})
	if err != nil {
		return nil, err
	}
	sql, args = changed.among(`
		select i.id, i.account_id, coalesce(a.cohort_id, 0), a.status in ('suspended', 'closed'), a.epoch, i.kind, i.value, i.issuer
		from identities i join accounts a on a.id = i.account_id where true`, `i.account_id`)
	if rows, err = q.Query(ctx, sql, args...); err != nil {
		return nil, err
	}
	identities, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ownedKey, error) {
		k := ownedKey{Key: book.Key{Kind: book.JWTSubject}}
		var i controlplane.Identity
		err := row.Scan(&k.ID, &k.Account, &k.cohort, &k.AccountSuspended, &k.Epoch, &i.Kind, &i.Value, &i.Issuer)
		if i.Kind == controlplane.Certificate {
			k.Kind = book.Certificate
		}
		k.Digest = i.Digest()
		return k, err
	})
	return append(keys, identities...), err
}

// readOverrides returns the overrides that have not ended.
func readOverrides(ctx context.Context, q querier, changed policyChange) ([]ownedOverride, error) {
	sql, args := changed.among(`
		select o.account_id, coalesce(a.cohort_id, 0), o.limit_id, o.amount, coalesce(o.burst, 0), coalesce(o.mode, ''), o.until
		from overrides o join accounts a on a.id = o.account_id where not o.ended`, `o.account_id`)
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (o ownedOverride, err error) {
		err = r.Scan(&o.AccountID, &o.cohort, &o.LimitID, &o.Amount, &o.Burst, &o.Mode, &o.Until)
		return o, err
	})
}

func (k ownedKey) compare(other ownedKey) int {
	return cmp.Or(bytes.Compare(k.Digest[:], other.Digest[:]), cmp.Compare(k.ID, other.ID))
}

func (o ownedOverride) compare(other ownedOverride) int {
	return cmp.Or(cmp.Compare(o.AccountID, other.AccountID), cmp.Compare(o.LimitID, other.LimitID))
}

// countingRows counts the rows that are read through it.
type countingRows struct {
	querier
	read *int
}

// Query counts what is read of its rows.
func (c countingRows) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := c.querier.Query(ctx, sql, args...)
	return countedRows{rows, c.read}, err
}

type countedRows struct {
	pgx.Rows
	read *int
}

// Next counts.
func (c countedRows) Next() bool {
	more := c.Rows.Next()
	if more {
		*c.read++
	}
	return more
}
