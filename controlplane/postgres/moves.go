package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/controlplane/zone"
)

// Accounts that are moved in one transaction: one by one, each with a record, and by
// cohort.
const (
	movedAtOnce   = 1000
	settledAtOnce = 10_000
)

// errNothingDue rolls a change of policy back that turned out to be none.
var errNothingDue = errors.New("no move is due")

// CarryOutMoves moves the accounts whose time it is, takes the steps that are due, and
// writes down where the accounts of promoted pilots are, until nothing is left: once, however many processes call this at a time. A big move is
// many transactions; what one has done stays done.
func (db *DB) CarryOutMoves(ctx context.Context) error {
	for {
		_, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
			if err := moveDueAccounts(ctx, tx, note, 0); err != nil {
				return err
			}
			if err := takeSteps(ctx, tx, note); err != nil {
				return err
			}
			if err := settlePilots(ctx, tx, note); err != nil {
				return err
			}
			if len(*note) == 0 {
				return errNothingDue
			}
			return nil
		})
		switch {
		case errors.Is(err, errNothingDue):
			return nil
		case err != nil:
			return fmt.Errorf("carry out moves: %w", err)
		}
	}
}

// dueMove is a move of an account whose time has come.
type dueMove struct {
	ID, AccountID         controlplane.ID
	Name                  string
	FromTier, FromVersion controlplane.ID
	Tier, Version         controlplane.ID
	TierMoveID            controlplane.ID
	Revision, NewRevision int
}

// moveDueAccounts moves some accounts, those first that have waited longest, or only
// one.
func moveDueAccounts(ctx context.Context, tx pgx.Tx, note *notes, only controlplane.ID) error {
	due, err := dueMoves(ctx, tx, only)
	if err != nil || len(due) == 0 {
		return err
	}
	ids, moves := make([]controlplane.ID, len(due)), map[controlplane.ID]bool{}
	for i, m := range due {
		ids[i] = m.ID
		if m.TierMoveID != 0 {
			moves[m.TierMoveID] = true
		}
		note.add(audit.Moved(m.AccountID, m.Name, audit.Place{TierID: m.FromTier, VersionID: m.FromVersion, Revision: m.Revision},
			audit.Place{TierID: m.Tier, VersionID: m.Version, Revision: m.NewRevision}))
	}
	// Before the accounts: a move to another tier cancels what is pending.
	_, err = tx.Exec(ctx, `
		update account_moves m set moved_at = clock_timestamp(), from_cohort = a.cohort_id
		from accounts a where a.id = m.account_id and m.id = any($1)`, toInt64s(ids))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		update accounts a set tier_id = m.tier_id, cohort_id = m.cohort_id from account_moves m where m.id = any($1) and a.id = m.account_id`, toInt64s(ids))
	if err != nil {
		return err
	}
	for id := range moves {
		if err := awaitNext(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// dueMoves returns the moves that are due, or only that of one account, those first that
// have waited longest. It reads no more rows than it returns, however many wait.
func dueMoves(ctx context.Context, tx pgx.Tx, only controlplane.ID) ([]dueMove, error) {
	// clock_timestamp, not now(): the transaction may have begun before the moment that
	// whoever calls has waited for.
	const pending = `m.moved_at is null and m.cancelled_at is null and m.due_at <= clock_timestamp() and ($2::bigint = 0 or m.account_id = $2)
		order by m.due_at, m.id limit $1`
	picked, err := listIDs(ctx, tx, `
		select id from (
			(select m.id, m.due_at from account_moves m where m.tier_move_id is null and `+pending+`)
			union all
			select w.* from tier_moves t cross join lateral (
				select m.id, m.due_at from account_moves m where m.tier_move_id = t.id and `+pending+`) w
			where t.state = 'running' and t.next_at <= clock_timestamp()
		) w order by due_at, id limit $1`, movedAtOnce, only)
	if err != nil || len(picked) == 0 {
		return nil, err
	}
	return list[dueMove](ctx, tx, `
		select m.id, m.account_id, a.name, v.tier_id, v.base_version_id, m.tier_id, c.version_id, coalesce(m.tier_move_id, 0),
			a.revision, a.revision + (a.tier_id is distinct from m.tier_id)::int
		from unnest($1::bigint[]) with ordinality p (id, place) join account_moves m on m.id = p.id
		join accounts a on a.id = m.account_id join account_versions v on v.account_id = a.id join cohorts c on c.id = m.cohort_id
		order by p.place`, toInt64s(picked))
}

// awaitNext notes when the next account of a move is due, and that the move is
// finished when none is.
func awaitNext(ctx context.Context, tx pgx.Tx, move controlplane.ID) error {
	_, err := tx.Exec(ctx, `
		update tier_moves t set next_at = n.due, state = case when n.due is null then 'finished' else t.state end,
			ended_at = case when n.due is null then clock_timestamp() end
		from (select min(due_at) as due from account_moves where tier_move_id = $1 and moved_at is null and cancelled_at is null) n
		where t.id = $1 and t.state = 'running'`, move)
	return err
}

// takeSteps takes the steps that are due, and writes down where accounts are that a
// move has come to its end with.
func takeSteps(ctx context.Context, tx pgx.Tx, note *notes) error {
	due, err := listTierMoves(ctx, tx, `
		where m.way = 'steps' and m.state in ('running', 'stopping') and m.next_at <= clock_timestamp() order by m.id`)
	if err != nil {
		return err
	}
	for _, m := range due {
		before := m
		var reach []audit.Reach
		if m.Percent < 100 && m.State == controlplane.MoveRunning {
			for _, step := range m.Steps {
				if step > m.Percent {
					m.Percent = step
					break
				}
			}
			_, err = tx.Exec(ctx, `
				update tier_moves m set percent = $2, moved = (
						select least(count(*), m.accounts) from accounts a
						where a.cohort_id = any(m.from_cohorts) and account_place('move ' || m.id::text, a.id) < $2 * 100),
					next_at = case when $2 = 100 then clock_timestamp() else clock_timestamp() + step_seconds * interval '1 second' end
				where id = $1`, m.ID, m.Percent)
			if err == nil {
				reach, err = reachOfMove(ctx, tx, m.ID)
				reach = audit.InSplit(reach, "move", m.ID, before.Percent, m.Percent)
			}
		} else {
			err = settle(ctx, tx, m)
		}
		if err != nil {
			return err
		}
		after, err := readTierMove(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		note.addOf(audit.Changed(audit.AdvanceTierMove, audit.OfTierMove(before), audit.OfTierMove(after)), reach)
	}
	return nil
}

// settle puts some of the accounts that a move in steps has moved into the cohort that
// they have come to; the last of them end it.
func settle(ctx context.Context, tx pgx.Tx, m controlplane.TierMove) error {
	tag, err := tx.Exec(ctx, `
		update accounts a set cohort_id = s.cohort_id from (
			select a.id, m.cohort_id from tier_moves m join accounts a on a.cohort_id = any(m.from_cohorts)
			where m.id = $1 and account_place('move ' || m.id::text, a.id) < m.percent * 100 limit $2
		) s where a.id = s.id`, m.ID, settledAtOnce)
	if err != nil || tag.RowsAffected() == settledAtOnce {
		return err
	}
	state := controlplane.MoveFinished
	if m.State == controlplane.MoveStopping {
		state = controlplane.MoveStopped
	}
	if _, err := tx.Exec(ctx, `update tier_moves set state = $2, next_at = null, ended_at = clock_timestamp() where id = $1`, m.ID, state); err != nil {
		return err
	}
	return dropEmpty(ctx, tx, m.TierID)
}

// beginMove begins to move the accounts of a tier to its head, and returns how many those are.
func beginMove(ctx context.Context, tx pgx.Tx, tier, head controlplane.ID, m controlplane.Migration) (accounts int, err error) {
	if m.When != controlplane.MoveSteps && m.When != controlplane.MovePeriodEnd {
		return 0, nil
	}
	var from []int64
	err = tx.QueryRow(ctx, `
		select coalesce(array_agg(id), '{}'), (
			select count(*) from accounts a join account_versions v on v.account_id = a.id
			where a.tier_id = $1 and a.cohort_id <> $2 and (a.status <> 'closed' or $3) and v.version_id <> (select version_id from cohorts where id = $2))
		from cohorts where tier_id = $1 and id <> $2`, tier, head, m.When == controlplane.MoveSteps).Scan(&from, &accounts)
	if err != nil || accounts == 0 {
		return 0, err
	}
	steps := make([]int32, len(m.Steps))
	for i, s := range m.Steps {
		steps[i] = int32(s)
	}
	var id controlplane.ID
	err = tx.QueryRow(ctx, `
		insert into tier_moves (tier_id, cohort_id, from_cohorts, way, state, steps, step_seconds, percent, accounts, next_at)
		values ($1, $2, $3, $4, 'running', $5, $6, 0, $7, clock_timestamp()) returning id`,
		tier, head, from, m.When, steps, m.StepMinutes*60, accounts).Scan(&id)
	if err != nil || m.When == controlplane.MoveSteps {
		return accounts, err
	}
	return accounts, awaitPeriodEnds(ctx, tx, id)
}

// awaitPeriodEnds notes for each account of a move when its billing period ends. One
// that waits for a move of its own keeps that, and a closed one stays as it is.
func awaitPeriodEnds(ctx context.Context, tx pgx.Tx, move controlplane.ID) error {
	var now time.Time
	if err := tx.QueryRow(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
		return err
	}
	calendars, err := list[struct {
		Zone       string
		BillingDay int
	}](ctx, tx, `
		select distinct time_zone, billing_day from accounts a
		where cohort_id = any((select from_cohorts from tier_moves where id = $1)::bigint[]) and status <> 'closed'`, move)
	if err != nil {
		return err
	}
	var zones []string
	var days []int32
	var ends []time.Time
	var loaded zone.Cache
	for _, c := range calendars {
		zones, days = append(zones, c.Zone), append(days, int32(c.BillingDay))
		ends = append(ends, periodEnd(loaded.OrUTC(c.Zone), c.BillingDay, now))
	}
	_, err = tx.Exec(ctx, `
		insert into account_moves (account_id, tier_id, cohort_id, tier_move_id, due_at)
		select a.id, m.tier_id, m.cohort_id, m.id, e.due
		from tier_moves m join cohorts c on c.id = m.cohort_id join accounts a on a.cohort_id = any(m.from_cohorts)
		join account_versions v on v.account_id = a.id and v.version_id <> c.version_id -- a promoted pilot has put the others there
		join unnest($2::text[], $3::int[], $4::timestamptz[]) as e (zone, day, due) on e.zone = a.time_zone and e.day = a.billing_day
		where m.id = $1 and a.status <> 'closed'
		on conflict (account_id) where moved_at is null and cancelled_at is null do nothing`, move, zones, days, ends)
	if err != nil {
		return err
	}
	return awaitNext(ctx, tx, move)
}

// periodEnd returns when the billing period ends that runs at a time.
func periodEnd(location *time.Location, billingDay int, now time.Time) time.Time {
	return quota.Calendar{Zone: location, BillingDay: billingDay}.At(controlplane.Billing, now).End
}
