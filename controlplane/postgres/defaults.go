package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// Defaults returns the default tiers, and the introductory allowance.
func (db *DB) Defaults(ctx context.Context) (controlplane.Defaults, error) {
	d, err := readDefaults(ctx, db.pool)
	if err != nil {
		return d, fmt.Errorf("read the defaults: %w", err)
	}
	return d, nil
}

func readDefaults(ctx context.Context, q querier) (controlplane.Defaults, error) {
	return one[controlplane.Defaults](ctx, q, `select default_tier_id, coalesce(anonymous_tier_id, 0),
		coalesce(introductory_percent, 0), coalesce(introductory_days, 0), defaults_revision from policy`)
}

// SetDefaults chooses the default tiers, and the introductory allowance.
func (db *DB) SetDefaults(ctx context.Context, e controlplane.DefaultsEdit) (controlplane.Defaults, uint64, error) {
	var d controlplane.Defaults
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readDefaults(ctx, tx)
		if err != nil {
			return err
		}
		if e.Revision != nil && *e.Revision != before.Revision {
			return stale(ctx, tx, audit.OfDefaults(before), *e.Revision, before.Revision)
		}
		if err := setDefault(ctx, tx, "default_tier_id", "tierId", e.TierID, controlplane.FitsAccounts); err != nil {
			return err
		}
		if err := setDefault(ctx, tx, "anonymous_tier_id", "anonymousTierId", e.AnonymousID, controlplane.FitsAnonymous); err != nil {
			return err
		}
		if i := e.Introductory; i != nil {
			if _, err := tx.Exec(ctx, `update policy set introductory_percent = $1, introductory_days = $2`, orNull(i.Percent), orNull(i.Days)); err != nil {
				return err
			}
		}
		d, err = readDefaults(ctx, tx)
		var reach []audit.Reach
		if d.TierID != before.TierID {
			reach = []audit.Reach{{}} // all without a tier of their own
		}
		note.addOf(audit.Changed(audit.SetDefaults, audit.OfDefaults(before), audit.OfDefaults(d)), reach)
		return err
	})
	if err != nil && controlplane.Faults(err) == nil {
		return d, 0, fmt.Errorf("set the defaults: %w", err)
	}
	return d, version, err
}

// setDefault puts a tier into one column of the policy, if its limits fit. Nil
// leaves the column as it is, 0 clears it.
func setDefault(ctx context.Context, tx pgx.Tx, column, field string, id *controlplane.ID, fits func(string, []controlplane.Limit) error) error {
	if id == nil {
		return nil
	}
	if *id != 0 {
		tiers, err := listTiers(ctx, tx, `select `+tierColumns+` from tiers where id = $1`, *id)
		if err != nil {
			return err
		}
		if len(tiers) == 0 {
			return controlplane.NotFound(field, "tier")
		}
		if err := fits(field, tiers[0].Limits); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `update policy set `+column+` = $1`, orNull(*id))
	return err
}

// checkUses refuses new limits for a tier when they don't suit the callers that
// are on it.
func checkUses(ctx context.Context, tx pgx.Tx, tier controlplane.ID, limits []controlplane.Limit) error {
	var anonymous, accounts bool
	err := tx.QueryRow(ctx, `
		select coalesce(anonymous_tier_id = $1, false), default_tier_id = $1 or exists (select from accounts where $1 in (tier_id, trial_tier_id))
		from policy`, tier).Scan(&anonymous, &accounts)
	if err != nil {
		return err
	}
	for i, l := range limits {
		field := fmt.Sprintf("limits.%d.subject", i)
		address := l.Subject == controlplane.SubjectAddress
		if anonymous && !address {
			return controlplane.Invalid(field, "this is the tier of callers without an account, who are known by address only; choose ADDRESS, or make another tier the anonymous one first")
		}
		if accounts && address {
			return controlplane.Invalid(field, "accounts are on this tier, and ADDRESS is for callers without one; choose ACCOUNT or KEY, or make a tier of its own")
		}
	}
	return nil
}
