package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// appendReach notes beside the log whom a record is about.
func appendReach(ctx context.Context, tx pgx.Tx, seq int64, reach []audit.Reach) error {
	batch := &pgx.Batch{}
	for _, r := range reach {
		batch.Queue(`
			insert into audit_reach (seq, version, account_id, cohort_id, leaving, split, from_place, to_place)
			values ($1, (select version from policy), $2, $3, $4, $5, $6, $7)`,
			seq, r.AccountID, r.CohortID, r.Leaving, r.Split, r.From*100, r.To*100)
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// reachOf is everybody who is on a tier itself.
func reachOf(ctx context.Context, tx pgx.Tx, tier controlplane.ID) ([]audit.Reach, error) {
	return reachOfCohorts(ctx, tx, `select id from cohorts where tier_id = $1`, tier)
}

// reachOfMove is everybody whom a move is for.
func reachOfMove(ctx context.Context, tx pgx.Tx, move controlplane.ID) ([]audit.Reach, error) {
	return reachOfCohorts(ctx, tx, `select unnest(from_cohorts) from tier_moves where id = $1`, move)
}

func reachOfCohorts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]audit.Reach, error) {
	cohorts, err := listIDs(ctx, tx, sql, args...)
	reach := make([]audit.Reach, len(cohorts))
	for i, cohort := range cohorts {
		reach[i].CohortID = cohort
	}
	return reach, err
}

// reachOfDefault is those who have a tier as the default, if it is that: they are on its
// current version, always.
func reachOfDefault(ctx context.Context, tx pgx.Tx, tier controlplane.ID) ([]audit.Reach, error) {
	return reachOfCohorts(ctx, tx, `select 0::bigint from policy where default_tier_id = $1`, tier)
}

// reachOfPublication is whom a version of a tier reaches that moves accounts as said, at
// once or in time. It is to be asked before that begins.
func reachOfPublication(ctx context.Context, tx pgx.Tx, tier controlplane.ID, when controlplane.MoveWhen) ([]audit.Reach, error) {
	reach, err := reachOfDefault(ctx, tx, tier)
	if err != nil || when == controlplane.MoveNone {
		return reach, err
	}
	all, err := reachOf(ctx, tx, tier)
	return append(reach, all...), err
}

// reachOfPilot is whom a change of a pilot puts into it or takes out; the zero value
// stands for no pilot.
func reachOfPilot(ctx context.Context, tx pgx.Tx, before, after controlplane.Pilot) ([]audit.Reach, error) {
	all, err := reachOf(ctx, tx, max(before.TierID, after.TierID))
	reach := audit.InSplit(all, "pilot", max(before.ID, after.ID), before.Percent, after.Percent)
	for _, account := range before.Accounts {
		if !slices.Contains(after.Accounts, account) {
			reach = append(reach, audit.Reach{AccountID: account})
		}
	}
	for _, account := range after.Accounts {
		if !slices.Contains(before.Accounts, account) {
			reach = append(reach, audit.Reach{AccountID: account})
		}
	}
	return reach, err
}

// reachOfTurn is those whom turning a move back puts back.
func reachOfTurn(ctx context.Context, tx pgx.Tx, m controlplane.TierMove) ([]audit.Reach, error) {
	if m.When == controlplane.MoveSteps {
		all, err := reachOfMove(ctx, tx, m.ID)
		return audit.InSplit(all, "move", m.ID, 0, m.Percent), err
	}
	all, err := reachOfCohorts(ctx, tx, `select cohort_id from tier_moves where id = $1`, m.ID)
	for i := range all {
		all[i].Leaving = true
	}
	return all, err
}
