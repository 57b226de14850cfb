package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const tierColumns = `id, name, revision, (select version_id from cohorts c where c.tier_id = tiers.id and c.head), created_at, updated_at`

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
		back, err := restoredOf(ctx, audit.Tier)
		if err != nil {
			return err
		}
		if back.id != 0 {
			tier, err = back.tier(ctx, tx, name)
		} else {
			tier, err = createTier(ctx, tx, name, limits)
		}
		if err != nil {
			return err
		}
		image := audit.OfTier(tier)
		note.add(audit.Created(audit.CreateTier, image))
		return back.manage(ctx, tx, image, controlplane.KindTier, tier.ID)
	})
	return tier, version, tierFault("create tier", err)
}

// createTier creates a tier with its first version.
func createTier(ctx context.Context, tx pgx.Tx, name string, limits []controlplane.Limit) (controlplane.Tier, error) {
	var id controlplane.ID
	if err := tx.QueryRow(ctx, `insert into tiers (name) values ($1) returning id`, name).Scan(&id); err != nil {
		return controlplane.Tier{}, err
	}
	first, err := newVersion(ctx, tx, id, limits, "")
	if err != nil {
		return controlplane.Tier{}, err
	}
	if _, err := tx.Exec(ctx, `insert into cohorts (tier_id, version_id, head) values ($1, $2, true)`, id, first); err != nil {
		return controlplane.Tier{}, err
	}
	if err := checkPlans(ctx, tx, "name"); err != nil {
		return controlplane.Tier{}, err
	}
	return readTier(ctx, tx, id)
}

// UpdateTier changes a tier. Limits that differ from the current version's are
// published as a new one, to which all accounts of the tier move at once; limits that
// stay keep their identity, and so their counters in every Envoy.
func (db *DB) UpdateTier(ctx context.Context, e controlplane.TierEdit) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := tierToEdit(ctx, tx, "id", e.ID, e.Revision)
		if err != nil {
			return err
		}
		if err := touchTier(ctx, tx, e.ID, e.Name); err != nil {
			return err
		}
		moved := 0
		if e.Limits != nil && !slices.Equal(ofTier(e.ID, *e.Limits), before.Limits) {
			if err := checkUses(ctx, tx, e.ID, *e.Limits); err != nil {
				return err
			}
			made, err := newVersion(ctx, tx, e.ID, *e.Limits, "")
			if err != nil {
				return err
			}
			if moved, err = moveAllNow(ctx, tx, e.ID, made); err != nil {
				return err
			}
		}
		tier, err = readTier(ctx, tx, e.ID)
		entry := audit.Changed(audit.UpdateTier, audit.OfTier(before), audit.OfTier(tier))
		if err != nil || tier.VersionID == before.VersionID {
			note.add(entry)
			return err
		}
		entry.After["movedAccounts"] = moved
		reach, err := reachOfPublication(ctx, tx, e.ID, controlplane.MoveNow)
		note.addOf(entry, reach)
		return err
	})
	return tier, version, tierFault("update tier", err)
}

// ofTier is limits as the database has them: whoever sends some doesn't name their
// tier.
func ofTier(tier controlplane.ID, limits []controlplane.Limit) []controlplane.Limit {
	limits = slices.Clone(limits)
	for i := range limits {
		limits[i].TierID = tier
	}
	return limits
}

// touchTier counts an edit of a tier, and names it anew unless name is nil.
func touchTier(ctx context.Context, tx pgx.Tx, id controlplane.ID, name *string) error {
	_, err := tx.Exec(ctx, `
		update tiers set name = coalesce($2, name), revision = revision + 1, updated_at = now() where id = $1`, id, name)
	return err
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
		if err := touchTier(ctx, tx, o.TierID, nil); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update version_limits l set position = o.place - 1 from unnest($1::bigint[]) with ordinality as o (id, place)
			where l.limit_id = o.id and l.version_id = $2`, toInt64s(o.Limits), before.VersionID)
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
		return tier, staleTier(ctx, tx, tier, *revision)
	}
	return tier, nil
}

func staleTier(ctx context.Context, tx pgx.Tx, tier controlplane.Tier, based int) error {
	pilots, err := list[struct{ ID controlplane.ID }](ctx, tx, `select id from pilots where tier_id = $1 order by id desc limit 1`, tier.ID)
	if err != nil {
		return err
	}
	drafts, err := list[struct{ ID controlplane.ID }](ctx, tx, `select id from tier_versions where tier_id = $1 and state = 'draft'`, tier.ID)
	if err != nil {
		return err
	}
	parts := []string{controlplane.KindVersion.Format(tier.VersionID)}
	for _, p := range pilots {
		parts = append(parts, controlplane.KindPilot.Format(p.ID))
	}
	for _, d := range drafts {
		parts = append(parts, controlplane.KindVersion.Format(d.ID))
	}
	return stale(ctx, tx, audit.OfTier(tier), based, tier.Revision, parts...)
}

// DeleteTier deletes a tier that no account is on and that is no default, if it is at a
// revision; nil is any.
func (db *DB) DeleteTier(ctx context.Context, id controlplane.ID, revision *int) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := tierToEdit(ctx, tx, "id", id, revision)
		if err != nil {
			return err
		}
		if err := cancelMovesTo(ctx, tx, note, id); err != nil {
			return err
		}
		// Its cohorts go with it; its pilots, as its versions, stay for it to come back to.
		_, err = tx.Exec(ctx, `update pilots set state = 'promoted', cohort_id = null, from_cohorts = null where tier_id = $1 and state = 'promoting'`, id)
		if err != nil {
			return err
		}
		image := audit.OfTier(before)
		if err := noteManager(ctx, tx, image, controlplane.KindTier, id); err != nil {
			return err
		}
		if err := noteLastMove(ctx, tx, image, id); err != nil {
			return err
		}
		note.add(audit.Deleted(audit.DeleteTier, image))
		_, err = tx.Exec(ctx, `delete from tiers where id = $1`, id)
		return err
	})
	switch {
	case isViolation(err, "accounts_tier_fkey"), isViolation(err, "accounts_cohort_fkey"):
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

// DefaultAccountCounts returns how many accounts have each of the tiers as the default.
func (db *DB) DefaultAccountCounts(ctx context.Context, tiers []controlplane.ID) (map[controlplane.ID]int, error) {
	counts, err := list[struct {
		TierID controlplane.ID
		N      int
	}](ctx, db.pool, `
		select default_tier_id, (select count(*) from accounts where tier_id is null) from policy where default_tier_id = any($1)`, toInt64s(tiers))
	if err != nil {
		return nil, fmt.Errorf("count accounts without a tier: %w", err)
	}
	found := map[controlplane.ID]int{}
	for _, c := range counts {
		found[c.TierID] = c.N
	}
	return found, nil
}

func listTiers(ctx context.Context, q querier, sql string, args ...any) ([]controlplane.Tier, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	tiers, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (controlplane.Tier, error) {
		var t controlplane.Tier
		err := r.Scan(&t.ID, &t.Name, &t.Revision, &t.VersionID, &t.CreatedAt, &t.UpdatedAt)
		return t, err
	})
	if err != nil {
		return nil, err
	}
	versions := make([]controlplane.ID, len(tiers))
	for i, t := range tiers {
		versions[i] = t.VersionID
	}
	limits, err := limitsOfVersions(ctx, q, versions)
	if err != nil {
		return nil, err
	}
	for i, t := range tiers {
		tiers[i].Limits = limits[t.VersionID]
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
