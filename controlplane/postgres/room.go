package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// room is how much there may be of what each Envoy holds in memory. A mutation
// refuses what is beyond it, as no snapshot could carry it.
type room struct {
	keys        int // and identities, in all; of what was revoked only that of closed accounts counts
	accountKeys int // of one account; what was revoked doesn't count
	endpoints   int
}

var filterRoom = room{keys: book.MaxKeys, accountKeys: controlplane.MaxAccountKeys, endpoints: book.MaxEndpoints}

// checkKeys refuses one key or identity too many of an account, or in all.
func (r room) checkKeys(ctx context.Context, tx pgx.Tx, account controlplane.ID) error {
	err := checkCount(ctx, tx, `
		select (select count(*) from keys where account_id = $1 and revoked_at is null) + (select count(*) from identities where account_id = $1)`, r.accountKeys,
		controlplane.Conflict("accountId", "this account has %d keys and identities, the most that one may have; revoke or remove one first", r.accountKeys), account)
	if err != nil {
		return err
	}
	// Millions of rows are counted only where the planner thinks that there may be
	// as many; it has no idea (-1) of tables that are new.
	return checkCount(ctx, tx, `
		select case when (select min(reltuples) >= 0 and sum(reltuples) < $1::int / 2 from pg_class where oid in ('keys'::regclass, 'identities'::regclass)) then 0
			else (select count(*) from keys k where revoked_at is null or exists (select from accounts a where a.id = k.account_id and a.closed_at = k.revoked_at))
				+ (select count(*) from identities) end`, r.keys,
		controlplane.Conflict("accountId", "there are %d keys and identities in all, and the filter takes no more; revoke or remove some first", r.keys), r.keys)
}

// checkEndpoints refuses one endpoint too many.
func (r room) checkEndpoints(ctx context.Context, tx pgx.Tx) error {
	return checkCount(ctx, tx, `select count(*) from endpoints`, r.endpoints,
		controlplane.Conflict("template", "there are %d endpoints, and the filter takes no more; delete one first", r.endpoints))
}

// checkCount returns fault when the count that sql selects is above most.
func checkCount(ctx context.Context, tx pgx.Tx, sql string, most int, fault *controlplane.Error, args ...any) error {
	var n int
	if err := tx.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return err
	}
	if n > most {
		return fault
	}
	return nil
}
