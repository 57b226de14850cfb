package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
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

// PolicyState is what tells whether the policy at hand is the newest.
type PolicyState struct {
	Version uint64
	// NextEnd is how long from now an override ends, by the database's clock; 0
	// when one has ended that EndOverrides has not seen. Negative: none will.
	NextEnd time.Duration
}

// PolicyState returns the policy's version as it is now, and when an override
// will end.
func (db *DB) PolicyState(ctx context.Context) (PolicyState, error) {
	var s PolicyState
	var wait *float64
	err := db.pool.QueryRow(ctx, `
		select version, (select extract(epoch from min(until) - clock_timestamp())::float8 from overrides where not ended)
		from policy`).Scan(&s.Version, &wait)
	if err != nil {
		return s, fmt.Errorf("read the policy version: %w", err)
	}
	s.NextEnd = -1
	if wait != nil {
		// Far ends would overflow, and nobody waits that long in one go.
		s.NextEnd = time.Duration(min(max(0, *wait), 3600) * float64(time.Second))
	}
	return s, nil
}

// Policy returns the whole policy, as of one moment.
func (db *DB) Policy(ctx context.Context) (book.Policy, error) {
	var p book.Policy
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) (err error) {
		var defaults controlplane.Defaults
		err = tx.QueryRow(ctx, `select version, default_tier_id, coalesce(anonymous_tier_id, 0) from policy`).
			Scan(&p.Version, &defaults.TierID, &defaults.AnonymousID)
		if err != nil {
			return err
		}
		p.Anonymous = uint64(defaults.AnonymousID)
		if p.Groups, err = list[book.Group](ctx, tx, `select id, name from endpoint_groups`); err != nil {
			return err
		}
		p.Endpoints, err = list[book.Endpoint](ctx, tx, `select id, method, template, cost, coalesce(group_id, 0) from endpoints`)
		if err != nil {
			return err
		}
		p.Meters, err = list[book.Meter](ctx, tx, `select id, header, coalesce(endpoint_id, 0), hidden from meters order by id`)
		if err != nil {
			return err
		}
		var own map[controlplane.ID]uint64
		if p.Plans, own, err = readPlans(ctx, tx, defaults); err != nil {
			return err
		}
		p.Keys, err = readKeys(ctx, tx, defaults, own)
		return err
	})
	if err != nil {
		return book.Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	return p, nil
}

// readPlans returns the plans, and which accounts have one of their own.
func readPlans(ctx context.Context, tx pgx.Tx, defaults controlplane.Defaults) ([]book.Plan, map[controlplane.ID]uint64, error) {
	tiers, err := listTiers(ctx, tx, `select `+tierColumns+` from tiers`)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(ctx, `
		select o.account_id, l.tier_id, o.limit_id, o.amount, coalesce(o.burst, 0), coalesce(o.mode, '')
		from overrides o join limits l on l.id = o.limit_id join accounts a on a.id = o.account_id
		where not o.ended and l.tier_id = coalesce(a.tier_id, $1)
		order by o.account_id, o.limit_id`, defaults.TierID)
	if err != nil {
		return nil, nil, err
	}
	type placed struct {
		Account, Tier controlplane.ID
		controlplane.Override
	}
	overrides, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p placed, err error) {
		err = r.Scan(&p.Account, &p.Tier, &p.LimitID, &p.Amount, &p.Burst, &p.Mode)
		return p, err
	})
	if err != nil {
		return nil, nil, err
	}
	plans := newPlans(tiers)
	for first := 0; first < len(overrides); {
		account, tier := overrides[first].Account, overrides[first].Tier
		var of []controlplane.Override
		for ; first < len(overrides) && overrides[first].Account == account; first++ {
			of = append(of, overrides[first].Override)
		}
		plans.override(account, tier, of)
	}
	return plans.all, plans.own, nil
}

// readKeys returns what identifies an account: its keys and its identities.
func readKeys(ctx context.Context, tx pgx.Tx, defaults controlplane.Defaults, own map[controlplane.ID]uint64) ([]book.Key, error) {
	rows, err := tx.Query(ctx, `
		select k.id, k.account_id, coalesce(a.tier_id, $1), a.suspended, a.epoch, k.digest, k.suspended,
			case when k.expires_at is null then 0 else greatest(1, ceil(extract(epoch from k.expires_at) * 1000)::bigint) end
		from keys k join accounts a on a.id = k.account_id where k.revoked_at is null`, defaults.TierID)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (book.Key, error) {
		k := book.Key{Kind: book.APIKey}
		var digest pgtype.DriverBytes // the driver's own memory, good until the next row
		err := row.Scan(&k.ID, &k.Account, &k.Plan, &k.AccountSuspended, &k.Epoch, &digest, &k.Suspended, &k.ExpiresAt)
		copy(k.Digest[:], digest)
		return k, err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, `
		select i.id, i.account_id, coalesce(a.tier_id, $1), a.suspended, a.epoch, i.kind, i.value
		from identities i join accounts a on a.id = i.account_id`, defaults.TierID); err != nil {
		return nil, err
	}
	identities, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (book.Key, error) {
		k := book.Key{Kind: book.JWTSubject}
		var i controlplane.Identity
		err := row.Scan(&k.ID, &k.Account, &k.Plan, &k.AccountSuspended, &k.Epoch, &i.Kind, &i.Value)
		if i.Kind == controlplane.Certificate {
			k.Kind = book.Certificate
		}
		k.Digest = i.Digest()
		return k, err
	})
	if err != nil {
		return nil, err
	}
	keys = append(keys, identities...)
	for i := range keys {
		if plan, ok := own[controlplane.ID(keys[i].Account)]; ok {
			keys[i].Plan = plan
		}
	}
	return keys, nil
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
