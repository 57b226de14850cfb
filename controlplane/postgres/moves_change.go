package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/zone"
)

// TierMoves returns the last move of each of the tiers that had one, in any order.
func (db *DB) TierMoves(ctx context.Context, tiers []controlplane.ID) ([]controlplane.TierMove, error) {
	moves, err := listTierMoves(ctx, db.pool, `
		where m.id in (select max(id) from tier_moves where tier_id = any($1) group by tier_id)`, toInt64s(tiers))
	if err != nil {
		return nil, fmt.Errorf("read moves of tiers: %w", err)
	}
	return moves, nil
}

// TierMovesByID returns the moves among ids that exist, in any order.
func (db *DB) TierMovesByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.TierMove, error) {
	moves, err := listTierMoves(ctx, db.pool, `where m.id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read moves of tiers: %w", err)
	}
	return moves, nil
}

// listTierMoves reads moves. Of one in steps each step has noted how many it moved, as
// the accounts' rows say it only in the end; of one of a tier that was deleted and came
// back the rows are gone.
func listTierMoves(ctx context.Context, q querier, where string, args ...any) ([]controlplane.TierMove, error) {
	return list[controlplane.TierMove](ctx, q, `
		select m.id, m.tier_id, c.version_id, m.way, m.state, m.steps, m.step_seconds / 60, m.percent, m.accounts,
			case when m.state = 'turned_back' then 0
				when m.way = 'period_end' then greatest(m.moved, (select count(*) from account_moves a where a.tier_move_id = m.id and a.moved_at is not null))
				else m.moved end,
			m.next_at, m.started_at, m.ended_at
		from tier_moves m join cohorts c on c.id = m.cohort_id `+where, args...)
}

func readTierMove(ctx context.Context, q querier, id controlplane.ID) (controlplane.TierMove, error) {
	found, err := listTierMoves(ctx, q, `where m.id = $1`, id)
	switch {
	case err != nil:
		return controlplane.TierMove{}, err
	case len(found) == 0:
		return controlplane.TierMove{}, controlplane.NotFound("id", "move of a tier")
	}
	return found[0], nil
}

// ChangeTierMove pauses, resumes, stops or turns back a move, and returns its tier.
func (db *DB) ChangeTierMove(ctx context.Context, id controlplane.ID, change controlplane.MoveChange) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readTierMove(ctx, tx, id)
		if err != nil {
			return err
		}
		var reach []audit.Reach
		if reach, err = reachOfChange(ctx, tx, before, change); err != nil {
			return err
		}
		if err := changeMove(ctx, tx, before, change); err != nil {
			return err
		}
		after, err := readTierMove(ctx, tx, id)
		if err != nil {
			return err
		}
		note.addOf(audit.Changed(audit.ChangeTierMove, audit.OfTierMove(before), audit.OfTierMove(after)), reach)
		tier, err = readTier(ctx, tx, before.TierID)
		return err
	})
	return tier, version, tierFault("change the move of a tier", err)
}

func changeMove(ctx context.Context, tx pgx.Tx, m controlplane.TierMove, change controlplane.MoveChange) error {
	running, paused := m.State == controlplane.MoveRunning, m.State == controlplane.MovePaused
	switch {
	case change == controlplane.PauseMove && running, change == controlplane.ResumeMove && paused:
		state := controlplane.MovePaused
		if paused {
			state = controlplane.MoveRunning
		}
		_, err := tx.Exec(ctx, `update tier_moves set state = $2 where id = $1`, m.ID, state)
		return err
	case !running && !paused:
		return controlplane.Conflict("id", "this move has ended, or is about to; publish a version to move accounts anew")
	case change == controlplane.StopMove:
		return stopMove(ctx, tx, m)
	case change == controlplane.TurnBackMove:
		return turnBack(ctx, tx, m)
	}
	return controlplane.Conflict("id", "pause a move that runs, and resume one that is paused")
}

// stopMove ends a move where it is.
func stopMove(ctx context.Context, tx pgx.Tx, m controlplane.TierMove) error {
	if m.When == controlplane.MoveSteps {
		_, err := tx.Exec(ctx, `update tier_moves set state = 'stopping', next_at = clock_timestamp() where id = $1`, m.ID)
		return err
	}
	return endPeriodMove(ctx, tx, m, controlplane.MoveStopped)
}

// turnBack ends a move and puts the accounts that have moved where they were.
func turnBack(ctx context.Context, tx pgx.Tx, m controlplane.TierMove) error {
	if m.When == controlplane.MoveSteps {
		if m.Percent == 100 {
			return controlplane.Conflict("id", "all accounts have moved; publish the earlier version again to go back")
		}
		_, err := tx.Exec(ctx, `update tier_moves set state = 'turned_back', next_at = null, ended_at = clock_timestamp() where id = $1`, m.ID)
		return err
	}
	_, err := tx.Exec(ctx, `
		update accounts a set cohort_id = m.from_cohort from account_moves m
		where m.tier_move_id = $1 and m.moved_at is not null and a.id = m.account_id and a.cohort_id = m.cohort_id`, m.ID)
	if err != nil {
		return err
	}
	return endPeriodMove(ctx, tx, m, controlplane.MoveTurnedBack)
}

func endPeriodMove(ctx context.Context, tx pgx.Tx, m controlplane.TierMove, state controlplane.MoveState) error {
	_, err := tx.Exec(ctx, `
		update account_moves set cancelled_at = clock_timestamp() where tier_move_id = $1 and moved_at is null and cancelled_at is null`, m.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update tier_moves set state = $2, next_at = null, ended_at = clock_timestamp() where id = $1`, m.ID, state)
	return err
}

// PendingMoves returns the moves of the accounts that are to come, in any order.
func (db *DB) PendingMoves(ctx context.Context, accounts []controlplane.ID) ([]controlplane.AccountMove, error) {
	moves, err := list[controlplane.AccountMove](ctx, db.pool, pendingMoves+` and m.account_id = any($1)`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("read pending moves: %w", err)
	}
	return moves, nil
}

const pendingMoves = `
	select m.id, m.account_id, m.tier_id, c.version_id, coalesce(m.tier_move_id, 0), m.due_at, m.created_at
	from account_moves m join cohorts c on c.id = m.cohort_id where m.moved_at is null and m.cancelled_at is null`

// MoveAccount puts an account on the current version of a tier, its own or another:
// now, or with atPeriodEnd when its billing period ends. What was to come for it gives
// way to that. revision is that of the account that this is based on; nil is any.
func (db *DB) MoveAccount(ctx context.Context, id, tier controlplane.ID, atPeriodEnd bool, revision *int) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "move account", id, func(tx pgx.Tx, note *notes) error {
		account, err := openAccount(ctx, tx, "accountId", id)
		if err != nil {
			return err
		}
		if revision != nil && *revision != account.Revision {
			return stale(ctx, tx, audit.OfAccount(account), *revision, account.Revision)
		}
		if _, err := tierToEdit(ctx, tx, "tierId", tier, nil); err != nil {
			return err
		}
		if err := tierForAccounts(ctx, tx, "tierId", tier); err != nil {
			return err
		}
		if _, err := cancelMove(ctx, tx, note, id, account.Name); err != nil {
			return err
		}
		var due time.Time
		if err := tx.QueryRow(ctx, `select clock_timestamp()`).Scan(&due); err != nil {
			return err
		}
		if atPeriodEnd {
			var zones zone.Cache
			due = periodEnd(zones.OrUTC(account.TimeZone), account.BillingDay, due)
		}
		_, err = tx.Exec(ctx, `
			insert into account_moves (account_id, tier_id, cohort_id, due_at)
			select $1, tier_id, id, $3 from cohorts where tier_id = $2 and head`, id, tier, due)
		if err != nil {
			return err
		}
		if !atPeriodEnd {
			return moveDueAccounts(ctx, tx, note, id)
		}
		move, err := one[controlplane.AccountMove](ctx, tx, pendingMoves+` and m.account_id = $1`, id)
		note.add(audit.Created(audit.ScheduleAccountMove, audit.OfAccountMove(move, account.Name)))
		return err
	})
}

// CancelAccountMove takes back what is to come for an account: it stays where it is.
func (db *DB) CancelAccountMove(ctx context.Context, id controlplane.ID) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "cancel the move of an account", id, func(tx pgx.Tx, note *notes) error {
		account, err := openAccount(ctx, tx, "accountId", id)
		if err != nil {
			return err
		}
		cancelled, err := cancelMove(ctx, tx, note, id, account.Name)
		if err == nil && !cancelled {
			return controlplane.NotFound("accountId", "move of this account that is to come")
		}
		return err
	})
}

// cancelMove cancels and notes what is to come for an account of that name, if anything
// is.
func cancelMove(ctx context.Context, tx pgx.Tx, note *notes, account controlplane.ID, name string) (cancelled bool, err error) {
	moves, err := cancelMoves(ctx, tx, []int64{int64(account)})
	move, ok := moves[account]
	if ok {
		note.add(audit.Deleted(audit.CancelAccountMove, audit.OfAccountMove(move, name)))
	}
	return ok, err
}

// cancelMovesTo cancels and notes the moves of accounts to a tier that are to come.
func cancelMovesTo(ctx context.Context, tx pgx.Tx, note *notes, tier controlplane.ID) error {
	names, err := list[struct {
		ID   controlplane.ID
		Name string
	}](ctx, tx, `
		select id, name from accounts where id in (select account_id from account_moves where tier_id = $1 and moved_at is null and cancelled_at is null) order by id`, tier)
	for _, a := range names {
		if _, err := cancelMove(ctx, tx, note, a.ID, a.Name); err != nil {
			return err
		}
	}
	return err
}
