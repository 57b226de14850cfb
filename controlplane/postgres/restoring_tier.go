package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// lastMove is that of a tier, as the log has it.
type lastMove struct {
	ID, VersionID, When, State            string
	Steps                                 []int32
	StepMinutes, Percent, Accounts, Moved int
	StartedAt                             time.Time
	EndedAt                               *time.Time
}

// noteLastMove adds the last move of a tier to what the log has of it: it goes with the
// tier's cohorts.
func noteLastMove(ctx context.Context, tx pgx.Tx, image audit.Image, tier controlplane.ID) error {
	moves, err := listTierMoves(ctx, tx, `where m.tier_id = $1 order by m.id desc limit 1`, tier)
	for _, m := range moves {
		image.State["lastMove"] = audit.OfLastMove(m)
	}
	return err
}

// tier brings a tier back, with all its versions, its draft and its pilots, which have
// outlasted it, and with its last move.
func (r *restored) tier(ctx context.Context, tx pgx.Tx, name string) (controlplane.Tier, error) {
	version, err := controlplane.KindVersion.Parse("versionId", r.was.VersionID)
	if err != nil {
		return controlplane.Tier{}, err
	}
	_, err = tx.Exec(ctx, `insert into tiers (id, name, revision) overriding system value values ($1, $2, $3)`, r.id, name, r.revision())
	if err != nil {
		return controlplane.Tier{}, err
	}
	var kept bool
	if err := tx.QueryRow(ctx, `select exists (select from tier_versions where id = $1)`, version).Scan(&kept); err != nil {
		return controlplane.Tier{}, err
	}
	if !kept {
		return controlplane.Tier{}, controlplane.Conflict("seq", "the versions of tier %s are gone; create it anew", name)
	}
	if _, err := tx.Exec(ctx, `insert into cohorts (tier_id, version_id, head) values ($1, $2, true)`, r.id, version); err != nil {
		return controlplane.Tier{}, err
	}
	if err := r.move(ctx, tx, version); err != nil {
		return controlplane.Tier{}, err
	}
	inUse, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where tier_id = $1 and limit_target_holds(id)`, r.id)
	if err != nil {
		return controlplane.Tier{}, err
	}
	for _, v := range inUse {
		missing, err := goneTargets(ctx, tx, v.Limits)
		if err != nil {
			return controlplane.Tier{}, err
		}
		if len(missing) > 0 {
			return controlplane.Tier{}, controlplane.Conflict("seq", "%s; revert that deletion first", strings.Join(missing, ", and "))
		}
	}
	return readTier(ctx, tx, r.id)
}

// move brings the last move of a tier back, whose current version is given. Nobody is on
// its way with it any more: one that had not ended has nobody left to move.
func (r *restored) move(ctx context.Context, tx pgx.Tx, current controlplane.ID) error {
	m := r.was.LastMove
	if m == nil {
		return nil
	}
	id, err := controlplane.KindTierMove.Parse("lastMove", m.ID)
	if err != nil {
		return err
	}
	version, err := controlplane.KindVersion.Parse("lastMove", m.VersionID)
	if err != nil {
		return err
	}
	if version != current {
		if _, err := tx.Exec(ctx, `insert into cohorts (tier_id, version_id, head) values ($1, $2, false)`, r.id, version); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `
		insert into tier_moves (id, tier_id, cohort_id, from_cohorts, way, state, steps, step_seconds, percent, accounts, moved, next_at, started_at, ended_at)
		overriding system value
		select $1, tier_id, id, '{}', $4, $5, $6, $7, $8, $9, $10, case when $12::timestamptz is null then clock_timestamp() end, $11, $12
		from cohorts where tier_id = $2 and version_id = $3`,
		id, r.id, version, strings.ToLower(m.When), strings.ToLower(m.State), m.Steps, m.StepMinutes*60, m.Percent, m.Accounts, m.Moved, m.StartedAt, m.EndedAt)
	if err != nil || m.When != "PERIOD_END" {
		return err
	}
	return awaitNext(ctx, tx, id)
}
