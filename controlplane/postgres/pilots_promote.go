package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// PromotePilot publishes what a pilot tries. Its accounts are on that version from then
// on, and the others move as said.
func (db *DB) PromotePilot(ctx context.Context, p controlplane.Promotion) (controlplane.Tier, uint64, error) {
	return db.changeRunningPilot(ctx, "promote pilot", audit.PromotePilot, p.ID, p.Revision, func(tx pgx.Tx, of controlplane.Pilot, note *notes) error {
		if err := checkNoMove(ctx, tx, of.TierID); err != nil {
			return err
		}
		tried, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where id = $1`, of.VersionID)
		if err != nil {
			return err
		}
		if p.Note == "" {
			p.Note = of.Name
		}
		// The tier may have come to other callers since the pilot began.
		if err := checkUses(ctx, tx, of.TierID, tried[0].Limits); err != nil {
			return err
		}
		made, err := newVersion(ctx, tx, of.TierID, tried[0].Limits, p.Note)
		if err != nil {
			return err
		}
		reach, err := reachOfPublication(ctx, tx, of.TierID, p.Move.When)
		if err != nil {
			return err
		}
		if err := notePublished(ctx, tx, note, made, p.Move, reach); err != nil {
			return err
		}
		if p.Move.When == controlplane.MoveNow {
			if _, err := moveAllNow(ctx, tx, of.TierID, made); err != nil {
				return err
			}
			return closePilot(ctx, tx, of.ID, controlplane.PilotPromoted, made)
		}
		return promote(ctx, tx, of, made, p.Move)
	})
}

// notePublished notes the version that a pilot has become, for whom.
func notePublished(ctx context.Context, tx pgx.Tx, note *notes, version controlplane.ID, move controlplane.Migration, reach []audit.Reach) error {
	made, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where id = $1`, version)
	if err != nil {
		return err
	}
	tier, err := readTier(ctx, tx, made[0].TierID)
	if err != nil {
		return err
	}
	image := audit.OfVersion(made[0], tier.Name)
	image.State["move"] = audit.OfMigration(move)
	note.addOf(audit.Created(audit.PublishTier, image), reach)
	return nil
}

// promote puts the accounts of a pilot, and whoever comes to its tier, on a version,
// and begins to move the others there. Where there are many accounts, those of the
// pilot are written down later on: until then it lies over what they are in.
func promote(ctx context.Context, tx pgx.Tx, p controlplane.Pilot, version controlplane.ID, move controlplane.Migration) error {
	head, err := newHead(ctx, tx, p.TierID, version)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		update pilots set cohort_id = $2, from_cohorts = array(select id from cohorts where tier_id = $3 and id <> $2),
			state = 'promoting', ended_at = clock_timestamp() where id = $1`, p.ID, head, p.TierID)
	if err != nil {
		return err
	}
	if err := closePilot(ctx, tx, p.ID, controlplane.PilotPromoting, version); err != nil {
		return err
	}
	if err := settlePilot(ctx, tx, p); err != nil {
		return err
	}
	if _, err := beginMove(ctx, tx, p.TierID, head, move); err != nil {
		return err
	}
	return checkPlans(ctx, tx, "id")
}

// settlePilots writes down where some accounts of promoted pilots are.
func settlePilots(ctx context.Context, tx pgx.Tx, note *notes) error {
	promoting, err := listPilots(ctx, tx, `where p.state = 'promoting' order by p.id`)
	if err != nil {
		return err
	}
	for _, before := range promoting {
		if err := settlePilot(ctx, tx, before); err != nil {
			return err
		}
		after, err := readPilot(ctx, tx, before.ID)
		if err != nil {
			return err
		}
		note.add(audit.Changed(audit.SettlePilot, audit.OfPilot(before), audit.OfPilot(after)))
	}
	return nil
}

// settlePilot puts some accounts of a promoted pilot into the cohort of the version
// that it became; the last of them end it. Where one of them was to go within the tier
// is where it has come to.
func settlePilot(ctx context.Context, tx pgx.Tx, p controlplane.Pilot) error {
	tag, err := tx.Exec(ctx, `
		with settled as (
			select a.id, p.cohort_id from pilots p join accounts a on a.cohort_id = any(p.from_cohorts)
			where p.id = $1 and (account_place('pilot ' || p.id::text, a.id) < p.percent * 100
				or exists (select from pilot_accounts l where l.pilot_id = p.id and l.account_id = a.id))
			limit $2
		), arrived as (
			update account_moves m set cohort_id = s.cohort_id from settled s
			where m.account_id = s.id and m.tier_id = $3 and m.moved_at is null and m.cancelled_at is null
		)
		update accounts a set cohort_id = s.cohort_id from settled s where a.id = s.id`, p.ID, settledAtOnce, p.TierID)
	if err != nil || tag.RowsAffected() == settledAtOnce {
		return err
	}
	if _, err := tx.Exec(ctx, `update pilots set state = 'promoted', cohort_id = null, from_cohorts = null where id = $1`, p.ID); err != nil {
		return err
	}
	return dropEmpty(ctx, tx, p.TierID)
}
