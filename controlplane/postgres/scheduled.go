package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const scheduledColumns = `id, at, note, field, input::text, coalesce(account_id, 0), status, actor_kind, actor_id, actor_name,
	created_at, settled_at, fault`

func listScheduled(ctx context.Context, q querier, rest string, args ...any) ([]controlplane.ScheduledChange, error) {
	rows, err := q.Query(ctx, `select `+scheduledColumns+` from scheduled_changes `+rest, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanScheduled)
}

func scanScheduled(row pgx.CollectableRow) (c controlplane.ScheduledChange, err error) {
	var input string
	err = row.Scan(&c.ID, &c.At, &c.Note, &c.Field, &input, &c.AccountID, &c.Status, &c.By.Kind, &c.By.ID, &c.By.Name,
		&c.CreatedAt, &c.SettledAt, &c.Fault)
	c.Input = []byte(input)
	return c, err
}

// ScheduleFilter narrows a list of scheduled changes. Zero values do not narrow.
type ScheduleFilter struct {
	AccountID controlplane.ID
	Nobodys   bool // only those that change nothing of an account
	Statuses  []controlplane.ScheduleStatus
}

// ScheduledChanges returns up to first scheduled changes that filter finds, the
// newest first, those before the given one (0: from the newest), and whether there
// are more.
func (db *DB) ScheduledChanges(ctx context.Context, f ScheduleFilter, before controlplane.ID, first int) ([]controlplane.ScheduledChange, bool, error) {
	changes, err := listScheduled(ctx, db.pool, `
		where ($1::bigint = 0 or account_id = $1) and (cardinality($2::text[]) = 0 or status = any($2)) and ($3::bigint = 0 or id < $3)
			and (not $5 or account_id is null)
		order by id desc limit $4`, f.AccountID, texts(f.Statuses), before, first+1, f.Nobodys)
	if err != nil {
		return nil, false, fmt.Errorf("list scheduled changes: %w", err)
	}
	return changes[:min(len(changes), first)], len(changes) > first, nil
}

// ScheduledChangesByID returns the scheduled changes among ids that exist, in any
// order.
func (db *DB) ScheduledChangesByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.ScheduledChange, error) {
	changes, err := listScheduled(ctx, db.pool, `where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read scheduled changes: %w", err)
	}
	return changes, nil
}

// ScheduledChange returns a scheduled change.
func (db *DB) ScheduledChange(ctx context.Context, id controlplane.ID) (controlplane.ScheduledChange, error) {
	return readScheduled(ctx, db.pool, id, "")
}

func readScheduled(ctx context.Context, q querier, id controlplane.ID, lock string) (controlplane.ScheduledChange, error) {
	found, err := listScheduled(ctx, q, `where id = $1`+lock, id)
	switch {
	case err != nil:
		return controlplane.ScheduledChange{}, fmt.Errorf("read a scheduled change: %w", err)
	case len(found) == 0:
		return controlplane.ScheduledChange{}, controlplane.NotFound("id", "scheduled change")
	}
	return found[0], nil
}

// ScheduleChange stores a change that the actor of ctx wants carried out at its time.
func (db *DB) ScheduleChange(ctx context.Context, c controlplane.ScheduledChange) (controlplane.ScheduledChange, error) {
	by := controlplane.ActorOf(ctx)
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var id controlplane.ID
		err := tx.QueryRow(ctx, `
			insert into scheduled_changes (at, note, field, input, account_id, actor_kind, actor_id, actor_name)
			values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
			c.At, c.Note, c.Field, string(c.Input), orNull(c.AccountID), string(by.Kind), by.ID, by.Name).Scan(&id)
		if err != nil {
			return err
		}
		err = checkCount(ctx, tx, `select count(*) from scheduled_changes where status = 'pending'`, controlplane.MaxScheduled,
			controlplane.Conflict("", "there are %d changes to be carried out already; cancel one first", controlplane.MaxScheduled))
		if err != nil {
			return err
		}
		if c, err = readScheduled(ctx, tx, id, ""); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Created(audit.ScheduleChange, audit.OfScheduledChange(c)))
	})
	switch {
	case isViolation(err, "scheduled_changes_account_id_fkey"):
		return c, controlplane.NotFound("change", "account")
	case err != nil && controlplane.Faults(err) == nil:
		return c, fmt.Errorf("schedule a change: %w", err)
	}
	return c, err
}

// CancelScheduledChange cancels a change that is pending and that may allows.
func (db *DB) CancelScheduledChange(ctx context.Context, id controlplane.ID, may func(controlplane.ScheduledChange) error) (controlplane.ScheduledChange, error) {
	return db.settle(ctx, id, audit.CancelScheduledChange, controlplane.ScheduleCancelled, "", func(c controlplane.ScheduledChange) error {
		if err := may(c); err != nil {
			return err
		}
		if c.Status != controlplane.SchedulePending {
			return controlplane.Conflict("id", "this change is not pending any more")
		}
		return nil
	})
}

// errSettled is a change that another process has carried out meanwhile: no fault of
// ours, and no reason to try again.
var errSettled = controlplane.Conflict("", "the scheduled change is not pending any more")

// FailScheduledChange notes why a pending change could not be carried out.
func (db *DB) FailScheduledChange(ctx context.Context, id controlplane.ID, fault string) error {
	_, err := db.settle(ctx, id, audit.FailScheduledChange, controlplane.ScheduleFailed, fault, func(c controlplane.ScheduledChange) error {
		if c.Status != controlplane.SchedulePending {
			return errSettled
		}
		return nil
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	return err
}

func (db *DB) settle(ctx context.Context, id controlplane.ID, action audit.Action, status controlplane.ScheduleStatus, fault string, may func(controlplane.ScheduledChange) error) (controlplane.ScheduledChange, error) {
	var after controlplane.ScheduledChange
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		before, err := readScheduled(ctx, tx, id, ` for update`)
		if err != nil {
			return err
		}
		if err := may(before); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update scheduled_changes set status = $2, fault = $3, settled_at = clock_timestamp() where id = $1`, id, status, fault); err != nil {
			return err
		}
		if after, err = readScheduled(ctx, tx, id, ""); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Changed(action, audit.OfScheduledChange(before), audit.OfScheduledChange(after)))
	})
	if err != nil && controlplane.Faults(err) == nil {
		return after, fmt.Errorf("settle scheduled change %d: %w", id, err)
	}
	return after, err
}

type carriedKey struct{}

// CarryingOut returns a context in which the next change that is recorded carries a
// scheduled change out: in its transaction that is settled, or the change is rolled
// back if it has been settled already. So it is carried out once, however many
// processes try and wherever one of them is killed.
func CarryingOut(ctx context.Context, id controlplane.ID) context.Context {
	return context.WithValue(ctx, carriedKey{}, id)
}

// settleCarried settles the change that ctx carries out, if it does.
func settleCarried(ctx context.Context, tx pgx.Tx) error {
	id, ok := ctx.Value(carriedKey{}).(controlplane.ID)
	if !ok {
		return nil
	}
	done, err := tx.Exec(ctx, `update scheduled_changes set status = 'done', settled_at = clock_timestamp() where id = $1 and status = 'pending'`, id)
	if err == nil && done.RowsAffected() == 0 {
		return errSettled
	}
	return err
}

// EndScheduledChange settles a change as done that turned out to change nothing.
func (db *DB) EndScheduledChange(ctx context.Context, id controlplane.ID) error {
	_, err := db.pool.Exec(ctx, `update scheduled_changes set status = 'done', settled_at = clock_timestamp() where id = $1 and status = 'pending'`, id)
	if err != nil {
		return fmt.Errorf("settle scheduled change %d: %w", id, err)
	}
	return nil
}

// maxTries is how often a change is tried that fails on our side.
const maxTries = 10

// RetryScheduledChange puts a change off that failed on our side, longer each time,
// and says whether it is to be tried again.
func (db *DB) RetryScheduledChange(ctx context.Context, id controlplane.ID) (again bool, err error) {
	err = db.pool.QueryRow(ctx, `
		update scheduled_changes set tries = tries + 1, not_before = clock_timestamp() + interval '1 second' * (2 ^ tries)
		where id = $1 returning tries < $2`, id, maxTries).Scan(&again)
	if err != nil {
		return false, fmt.Errorf("put scheduled change %d off: %w", id, err)
	}
	return again, nil
}

// DueChanges returns pending changes whose time has come, by that time, and how long
// it is until the next one's; negative: there is none.
func (db *DB) DueChanges(ctx context.Context, most int) (due []controlplane.ScheduledChange, next time.Duration, err error) {
	due, err = listScheduled(ctx, db.pool, `
		where status = 'pending' and greatest(at, not_before) <= clock_timestamp() order by at, id limit $1`, most)
	if err != nil {
		return nil, 0, fmt.Errorf("find due changes: %w", err)
	}
	var wait *float64
	err = db.pool.QueryRow(ctx, `
		select extract(epoch from min(greatest(at, not_before)) - clock_timestamp())::float8 from scheduled_changes
		where status = 'pending' and greatest(at, not_before) > clock_timestamp()`).Scan(&wait)
	if err != nil {
		return nil, 0, fmt.Errorf("find the next change: %w", err)
	}
	if wait == nil {
		return due, -1, nil
	}
	return due, time.Duration(min(max(0, *wait), 3600) * float64(time.Second)), nil
}
