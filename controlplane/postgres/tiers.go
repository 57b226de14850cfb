package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const tierColumns = `id, name, revision, created_at, updated_at`

// Tiers returns all tiers with their limits, by name.
func (db *DB) Tiers(ctx context.Context) ([]controlplane.Tier, error) {
	tiers, err := listTiers(ctx, db.pool, `select `+tierColumns+` from tiers order by name`)
	if err != nil {
		return nil, fmt.Errorf("list tiers: %w", err)
	}
	return tiers, nil
}

// TiersByID returns the tiers among ids that exist, in any order.
func (db *DB) TiersByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Tier, error) {
	tiers, err := listTiers(ctx, db.pool, `select `+tierColumns+` from tiers where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read tiers: %w", err)
	}
	return tiers, nil
}

// CreateTier creates a tier with its limits. The returned version is that of
// the policy that carries it.
func (db *DB) CreateTier(ctx context.Context, name string, limits []controlplane.Limit) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	for _, l := range limits {
		if l.ID != 0 {
			return tier, 0, controlplane.Invalid("limits", "a new tier's limits have no ids yet; leave them out")
		}
	}
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		var id controlplane.ID
		if err := tx.QueryRow(ctx, `insert into tiers (name) values ($1) returning id`, name).Scan(&id); err != nil {
			return err
		}
		if err := setLimits(ctx, tx, id, limits); err != nil {
			return err
		}
		err := checkPlans(ctx, tx, "name")
		if err != nil {
			return err
		}
		tier, err = readTier(ctx, tx, id)
		note.add(audit.Created(audit.CreateTier, audit.OfTier(tier)))
		return err
	})
	return tier, version, tierFault("create tier", err)
}

// UpdateTier changes a tier. Limits that stay keep their identity, and so their
// counters in every Envoy.
func (db *DB) UpdateTier(ctx context.Context, e controlplane.TierEdit) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := tierToEdit(ctx, tx, "id", e.ID, e.Revision)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update tiers set name = coalesce($2, name), revision = revision + 1, updated_at = now()
			where id = $1`, e.ID, e.Name)
		if err != nil {
			return err
		}
		if e.Limits != nil {
			if err := checkUses(ctx, tx, e.ID, *e.Limits); err != nil {
				return err
			}
			if err := setLimits(ctx, tx, e.ID, *e.Limits); err != nil {
				return err
			}
		}
		tier, err = readTier(ctx, tx, e.ID)
		note.add(audit.Changed(audit.UpdateTier, audit.OfTier(before), audit.OfTier(tier)))
		return err
	})
	return tier, version, tierFault("update tier", err)
}

// ReorderLimits puts a tier's limits into another order, in which they are listed.
// What they do, and their counters, stay.
func (db *DB) ReorderLimits(ctx context.Context, o controlplane.LimitOrder) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := tierToEdit(ctx, tx, "tierId", o.TierID, o.Revision)
		if err != nil {
			return err
		}
		if err := o.Fits(before.Limits); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update tiers set revision = revision + 1, updated_at = now() where id = $1`, o.TierID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update limits set position = o.place - 1 from unnest($1::bigint[]) with ordinality as o (id, place)
			where limits.id = o.id`, toInt64s(o.Limits))
		if err != nil {
			return err
		}
		tier, err = readTier(ctx, tx, o.TierID)
		note.add(audit.Changed(audit.ReorderLimits, audit.OfTier(before), audit.OfTier(tier)))
		return err
	})
	return tier, version, tierFault("reorder limits", err)
}

// tierToEdit returns a tier that field names, as it is, if it is at the revision
// that an edit is based on; nil is any.
func tierToEdit(ctx context.Context, tx pgx.Tx, field string, id controlplane.ID, revision *int) (controlplane.Tier, error) {
	tier, err := readTier(ctx, tx, id)
	switch fault := (*controlplane.Error)(nil); {
	case errors.As(err, &fault):
		return tier, controlplane.NotFound(field, "tier")
	case err != nil:
		return tier, err
	case revision != nil && *revision != tier.Revision:
		return tier, controlplane.Conflict("revision", "somebody else changed this tier: it is at revision %d, and your edit is based on %d; read it again", tier.Revision, *revision)
	}
	return tier, nil
}

// DeleteTier deletes a tier that no account is on and that is no default.
func (db *DB) DeleteTier(ctx context.Context, id controlplane.ID) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readTier(ctx, tx, id)
		if err != nil {
			return err
		}
		note.add(audit.Deleted(audit.DeleteTier, audit.OfTier(before)))
		_, err = tx.Exec(ctx, `delete from tiers where id = $1`, id)
		return err
	})
	switch {
	case isViolation(err, "accounts_tier_fkey"):
		return 0, controlplane.Conflict("id", "there are accounts on this tier; move them to another one first")
	case isViolation(err, "accounts_trial_tier_fkey"):
		return 0, controlplane.Conflict("id", "there are accounts on trial that go on to this tier; choose another one for them first")
	case isViolation(err, "policy_default_tier_fkey"):
		return 0, controlplane.Conflict("id", "this is the tier of accounts without one; choose another default tier first")
	case isViolation(err, "policy_anonymous_tier_fkey"):
		return 0, controlplane.Conflict("id", "this is the tier of callers without an account; choose another one for them, or none, first")
	}
	return version, tierFault("delete tier", err)
}

// AccountCounts returns how many accounts are on each of the tiers.
func (db *DB) AccountCounts(ctx context.Context, tiers []controlplane.ID) (map[controlplane.ID]int, error) {
	rows, err := db.pool.Query(ctx, `
		select tier, count(*) from (select coalesce(tier_id, (select default_tier_id from policy)) tier from accounts) a
		where tier = any($1) group by 1`, toInt64s(tiers))
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	counts := map[controlplane.ID]int{}
	var id controlplane.ID
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error { counts[id] = n; return nil })
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	return counts, nil
}

func listTiers(ctx context.Context, q querier, sql string, args ...any) ([]controlplane.Tier, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	tiers, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (controlplane.Tier, error) {
		var t controlplane.Tier
		err := r.Scan(&t.ID, &t.Name, &t.Revision, &t.CreatedAt, &t.UpdatedAt)
		return t, err
	})
	if err != nil {
		return nil, err
	}
	at := map[controlplane.ID]int{}
	ids := make([]controlplane.ID, len(tiers))
	for i, t := range tiers {
		at[t.ID], ids[i] = i, t.ID
	}
	limits, err := listLimits(ctx, q, `select `+limitColumns+` from limits where tier_id = any($1) order by tier_id, position`, toInt64s(ids))
	if err != nil {
		return nil, err
	}
	for _, l := range limits {
		// A limit of a tier that was created between the two statements has no place here.
		if i, ok := at[l.TierID]; ok {
			tiers[i].Limits = append(tiers[i].Limits, l)
		}
	}
	return tiers, nil
}

func readTier(ctx context.Context, q querier, id controlplane.ID) (controlplane.Tier, error) {
	tiers, err := listTiers(ctx, q, `select `+tierColumns+` from tiers where id = $1`, id)
	if err != nil {
		return controlplane.Tier{}, err
	}
	if len(tiers) == 0 {
		return controlplane.Tier{}, controlplane.NotFound("id", "tier")
	}
	return tiers[0], nil
}

func tierFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "tiers_name_key"):
		return controlplane.Invalid("name", "another tier has this name; choose a different one")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
