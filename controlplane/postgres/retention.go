package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/usage"
)

// Retention returns how long usage is kept, and what there is.
func (db *DB) Retention(ctx context.Context) (r controlplane.Retention, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		r, err = readRetention(ctx, tx)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("read the retention: %w", err)
	}
	return r, nil
}

// PlanRetention returns what SetRetention with the same edit would drop, from the
// finest granularity to the coarsest. It fails as SetRetention does.
func (db *DB) PlanRetention(ctx context.Context, e controlplane.RetentionEdit, now time.Time) (plan []controlplane.PlannedRetention, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		r, err := readRetention(ctx, tx)
		if err != nil {
			return err
		}
		days, err := editRetention(ctx, tx, r, e)
		if err != nil {
			return err
		}
		for _, g := range controlplane.Granularities {
			stored, err := storedUsage(ctx, tx, usage.Level(g))
			if err != nil {
				return err
			}
			plan = append(plan, controlplane.PlanRetention(g, days.Of(g), stored, now))
		}
		return nil
	})
	if err != nil && controlplane.Faults(err) == nil {
		return nil, fmt.Errorf("plan the retention: %w", err)
	}
	return plan, err
}

// SetRetention changes how long usage is kept, from the next sweep on. What was
// dropped does not come back when it is kept for longer.
func (db *DB) SetRetention(ctx context.Context, e controlplane.RetentionEdit) (after controlplane.Retention, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		// Whoever else changes it, and the drop of what is older, wait here.
		if _, err := tx.Exec(ctx, `select from retention order by level for update`); err != nil {
			return err
		}
		if err := checkUnchanged(ctx, tx); err != nil {
			return err
		}
		before, err := readRetention(ctx, tx)
		if err != nil {
			return err
		}
		days, err := editRetention(ctx, tx, before, e)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update retention set kept_days = nullif(r.days, 0), revision = revision + 1
			from unnest($1::text[], $2::int[]) as r (level, days) where retention.level = r.level`,
			[]string{"minute", "hour", "day", "month"}, []int{days.Minutes, days.Hours, days.Days, days.Months})
		if err != nil {
			return err
		}
		if after, err = readRetention(ctx, tx); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Changed(audit.SetRetention,
			audit.OfRetention(before.Days(), before.Revision), audit.OfRetention(after.Days(), after.Revision)))
	})
	if err != nil && controlplane.Faults(err) == nil {
		return after, fmt.Errorf("set the retention: %w", err)
	}
	return after, err
}

// editRetention returns what an edit makes of a retention, if it may.
func editRetention(ctx context.Context, q querier, r controlplane.Retention, e controlplane.RetentionEdit) (controlplane.RetentionDays, error) {
	days := e.Apply(r.Days())
	if e.Revision != nil && *e.Revision != r.Revision {
		return days, stale(ctx, q, audit.OfRetention(r.Days(), r.Revision), *e.Revision, r.Revision)
	}
	return days, days.Check()
}

func readRetention(ctx context.Context, tx pgx.Tx) (r controlplane.Retention, err error) {
	kept, err := retentionOf(ctx, tx)
	if err != nil {
		return r, err
	}
	if err := tx.QueryRow(ctx, `select max(revision) from retention`).Scan(&r.Revision); err != nil {
		return r, err
	}
	for _, g := range controlplane.Granularities {
		stored, err := storedUsage(ctx, tx, usage.Level(g))
		if err != nil {
			return r, err
		}
		k := kept[usage.Level(g)]
		level := controlplane.RetainedLevel{Granularity: g, Days: k.days, KeptFrom: orNull(k.from)}
		if len(stored) > 0 {
			level.StoredFrom = &stored[0].From
		}
		for _, s := range stored {
			level.Rows += s.Rows
			level.Bytes += s.Bytes
		}
		r.Levels = append(r.Levels, level)
	}
	return r, nil
}

// storedUsage returns the stretches of time that a level has partitions of, oldest
// first. Those that nothing was written to are left out.
func storedUsage(ctx context.Context, q querier, l usage.Level) ([]controlplane.StoredUsage, error) {
	rows, err := q.Query(ctx, `
		select substring(c.relname from '_([0-9]+)$'), sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)))::bigint, sum(pg_total_relation_size(c.oid))::bigint
		from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where i.inhparent = any($1::text[]::regclass[]) and c.relkind = 'r'
		group by 1 having sum(pg_relation_size(c.oid)) > 0 order by 1`, levelTables[l])
	if err != nil {
		return nil, err
	}
	var all []controlplane.StoredUsage
	var digits string
	var s controlplane.StoredUsage
	_, err = pgx.ForEachRow(rows, []any{&digits, &s.Rows, &s.Bytes}, func() error {
		begin, err := time.Parse("20060102", digits+"00000101"[min(len(digits), len("00000101")):])
		if err != nil {
			return fmt.Errorf("read the partition of %s: %w", digits, err)
		}
		s.From, s.To = bounds(l, begin)
		all = append(all, s)
		return nil
	})
	slices.SortFunc(all, func(a, b controlplane.StoredUsage) int { return a.From.Compare(b.From) })
	return all, err
}
