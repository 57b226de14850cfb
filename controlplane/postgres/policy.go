package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// policyChannel is where a committed change of policy is announced.
const policyChannel = "weir_policy"

// changePolicy runs do in a transaction that raises the policy's version, and
// returns the version that carries the change.
//
// A version is at least the time in milliseconds, so that a database restored
// from a backup soon overtakes the versions that it gave out before.
func (db *DB) changePolicy(ctx context.Context, do func(pgx.Tx) error) (version uint64, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		// Taking the row first makes changes queue up here, in the order of their
		// versions, and not later on each other's rows, where they could deadlock.
		err := tx.QueryRow(ctx, `
			update policy set version = greatest(version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
			returning version`).Scan(&version)
		if err != nil {
			return fmt.Errorf("raise the policy version: %w", err)
		}
		if err := do(tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, policyChannel)
		return err
	})
	return version, err
}

// PolicyVersion returns the version of the policy as it is now.
func (db *DB) PolicyVersion(ctx context.Context) (uint64, error) {
	var v uint64
	if err := db.pool.QueryRow(ctx, `select version from policy`).Scan(&v); err != nil {
		return 0, fmt.Errorf("read the policy version: %w", err)
	}
	return v, nil
}

// Policy returns the whole policy, as of one moment.
func (db *DB) Policy(ctx context.Context) (wire.Policy, error) {
	var p wire.Policy
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) (err error) {
		if err := tx.QueryRow(ctx, `select version from policy`).Scan(&p.Version); err != nil {
			return err
		}
		p.Endpoints, err = list[wire.Endpoint](ctx, tx, `select id, method, template, cost from endpoints order by id`)
		if err != nil {
			return err
		}
		if p.Tiers, err = tierPolicies(ctx, tx); err != nil {
			return err
		}
		p.Accounts, err = list[wire.Account](ctx, tx, `
			select a.id, coalesce(a.tier_id, p.default_tier_id), a.suspended from accounts a, policy p order by a.id`)
		if err != nil {
			return err
		}
		p.Keys, err = keyPolicies(ctx, tx)
		return err
	})
	if err != nil {
		return wire.Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	return p, nil
}

func tierPolicies(ctx context.Context, tx pgx.Tx) ([]wire.Tier, error) {
	tiers, err := listTiers(ctx, tx, `select `+tierColumns+` from tiers order by id`)
	if err != nil {
		return nil, err
	}
	out := make([]wire.Tier, len(tiers))
	for i, t := range tiers {
		out[i] = wire.Tier{ID: uint64(t.ID), Name: t.Name}
		for _, l := range t.Limits {
			out[i].Limits = append(out[i].Limits, wire.Limit{
				ID: uint64(l.ID), Name: l.Name, Endpoint: uint64(l.Endpoint),
				Amount: uint64(l.Amount), PeriodSeconds: uint32(l.Period.Seconds()), Burst: uint64(l.Burst),
			})
		}
	}
	return out, nil
}

func keyPolicies(ctx context.Context, tx pgx.Tx) ([]wire.Key, error) {
	rows, err := tx.Query(ctx, `select id, account_id, digest from keys where revoked_at is null order by id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (wire.Key, error) {
		var k wire.Key
		digest := k.Digest[:0]
		err := row.Scan(&k.ID, &k.Account, &digest)
		copy(k.Digest[:], digest)
		return k, err
	})
}

// WatchPolicy calls changed after each committed change of policy, until ctx
// ends or the connection breaks. It calls once at the start, for what happened
// before it listened. It never returns nil.
func (db *DB) WatchPolicy(ctx context.Context, changed func()) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to watch the policy: %w", err)
	}
	// A connection that listens must not go back into the pool.
	raw := conn.Hijack()
	defer raw.Close(context.WithoutCancel(ctx))
	if _, err := raw.Exec(ctx, `listen `+policyChannel); err != nil {
		return fmt.Errorf("listen for policy changes: %w", err)
	}
	for {
		changed()
		if _, err := raw.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for policy changes: %w", err)
		}
	}
}

func toInt64s(ids []controlplane.ID) []int64 {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = int64(id)
	}
	return out
}
