package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// policyChannel is where a committed change of policy is announced.
const policyChannel = "weir_policy"

// changePolicy runs do in a transaction that raises the policy's version, and
// returns the version that carries the change. What do notes goes into the audit
// log in the same transaction; it has to note something.
func (db *DB) changePolicy(ctx context.Context, do func(pgx.Tx, *notes) error) (version uint64, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		// Taking the row first makes changes queue up here, in the order of their
		// versions, and not later on each other's rows, where they could deadlock.
		if version, err = raiseVersion(ctx, tx); err != nil {
			return fmt.Errorf("raise the policy version: %w", err)
		}
		if err := checkUnchanged(ctx, tx); err != nil {
			return err
		}
		var noted notes
		if err := do(tx, &noted); err != nil {
			return err
		}
		if len(noted) == 0 {
			return errNothingNoted
		}
		if _, err := tx.Exec(ctx, `select pg_notify($1, '')`, policyChannel); err != nil {
			return err
		}
		if err := appendAudit(ctx, tx, noted...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update policy_versions set record = (select seq from audit_head) - $2 + 1 where version = $1`, int64(version), len(noted))
		return err
	})
	return version, err
}

// versionsKeptFor is for how long, in milliseconds as versions are, it is known
// what changed since a version.
const versionsKeptFor = 3_600_000

// raiseVersion gives the policy its next version, begins it in the log of changes,
// which triggers fill, and forgets a few of the oldest there.
//
// A version is at least the time in milliseconds, so that a database restored
// from a backup soon overtakes the versions that it gave out before.
func raiseVersion(ctx context.Context, tx pgx.Tx) (version uint64, err error) {
	err = tx.QueryRow(ctx, `
		with raised as (
			update policy set version = greatest(version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
			returning version)
		insert into policy_versions (version) select version from raised returning version`).Scan(&version)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `
		delete from policy_versions where version in (
			select version from policy_versions where version < $1::bigint - $2::bigint order by version limit 10)`, version, versionsKeptFor)
	return version, err
}

// PolicyState is what tells whether the policy at hand is the newest.
type PolicyState struct {
	Version uint64
	// NextEnd is how long from now an override or a trial ends, or accounts are to
	// move, by the database's clock; 0 when it is time for something that EndOverrides,
	// EndTrials and CarryOutMoves have not seen. Negative: there is nothing to come.
	NextEnd time.Duration
}

// PolicyState returns the policy's version as it is now, and when something of it
// will end or move by itself.
func (db *DB) PolicyState(ctx context.Context) (PolicyState, error) {
	var s PolicyState
	var wait *float64
	err := db.pool.QueryRow(ctx, `
		select version, (select extract(epoch from least(
			(select min(until) from overrides where not ended),
			(select min(trial_ends_at) from accounts where status = 'trial'),
			(select min(due_at) from account_moves where moved_at is null and cancelled_at is null and tier_move_id is null),
			(select min(next_at) from tier_moves where next_at is not null and state in ('running', 'stopping')),
			(select min(ended_at) from pilots where state = 'promoting')) - clock_timestamp())::float8)
		from policy`).Scan(&s.Version, &wait)
	if err != nil {
		return s, fmt.Errorf("read the policy version: %w", err)
	}
	s.NextEnd = -1
	if wait != nil {
		// Far ends would overflow, and nobody waits that long in one go.
		s.NextEnd = time.Duration(min(max(0, *wait), 3600) * float64(time.Second))
	}
	return s, nil
}

// WatchPolicy calls changed after each committed change of policy, until ctx
// ends or the connection breaks. It calls once at the start, for what happened
// before it listened. It never returns nil.
func (db *DB) WatchPolicy(ctx context.Context, changed func()) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to watch the policy: %w", err)
	}
	// A connection that listens must not go back into the pool.
	raw := conn.Hijack()
	defer raw.Close(context.WithoutCancel(ctx))
	if _, err := raw.Exec(ctx, `listen `+policyChannel); err != nil {
		return fmt.Errorf("listen for policy changes: %w", err)
	}
	for {
		changed()
		if _, err := raw.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for policy changes: %w", err)
		}
	}
}

func toInt64s(ids []controlplane.ID) []int64 {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = int64(id)
	}
	return out
}
