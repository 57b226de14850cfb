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
	if len(reach) == 0 {
		return nil
	}
	n := len(reach)
	accounts, cohorts, leaving, splits := make([]int64, n), make([]int64, n), make([]bool, n), make([]string, n)
	from, to := make([]int32, n), make([]int32, n)
	for i, r := range reach {
		accounts[i], cohorts[i], leaving[i], splits[i] = int64(r.AccountID), int64(r.CohortID), r.Leaving, r.Split
		from[i], to[i] = int32(r.From*100), int32(r.To*100)
	}
	_, err := tx.Exec(ctx, `
		insert into audit_reach (seq, version, account_id, cohort_id, leaving, split, from_place, to_place)
		select $1, (select version from policy), r.* from unnest($2::bigint[], $3::bigint[], $4::bool[], $5::text[], $6::int[], $7::int[]) r`,
		seq, accounts, cohorts, leaving, splits, from, to)
	return err
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
	if err == nil && when == controlplane.MovePeriodEnd {
		all, err = withoutClosed(ctx, tx, tier, all)
	}
	return append(reach, all...), err
}

// withoutClosed leaves the closed accounts of a tier out of a reach of all of it: a move
// at the ends of periods passes them by. Where there are some, the others are named.
func withoutClosed(ctx context.Context, tx pgx.Tx, tier controlplane.ID, all []audit.Reach) ([]audit.Reach, error) {
	var closed bool
	if err := tx.QueryRow(ctx, `select exists (select from accounts where tier_id = $1 and status = 'closed')`, tier).Scan(&closed); err != nil || !closed {
		return all, err
	}
	return reachOfAccounts(ctx, tx, `select id from accounts where tier_id = $1 and status <> 'closed' order by id`, tier)
}

func reachOfAccounts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]audit.Reach, error) {
	accounts, err := listIDs(ctx, tx, sql, args...)
	reach := make([]audit.Reach, len(accounts))
	for i, account := range accounts {
		reach[i].AccountID = account
	}
	return reach, err
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

// reachOfChange is whom a change of a move is about: who goes back with it, and who needn't
// wait any more.
func reachOfChange(ctx context.Context, tx pgx.Tx, m controlplane.TierMove, change controlplane.MoveChange) (reach []audit.Reach, err error) {
	if m.When == controlplane.MovePeriodEnd && (change == controlplane.StopMove || change == controlplane.TurnBackMove) {
		reach, err = reachOfAccounts(ctx, tx, `
			select account_id from account_moves where tier_move_id = $1 and moved_at is null and cancelled_at is null order by account_id`, m.ID)
		if err != nil {
			return nil, err
		}
	}
	if change != controlplane.TurnBackMove {
		return reach, nil
	}
	back, err := reachOfTurn(ctx, tx, m)
	return append(reach, back...), err
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
