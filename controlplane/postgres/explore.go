package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

// exploreWithin bounds each statement of a question. The estimate before it is
// what refuses a question that is too large; this is for when that was wrong.
const exploreWithin = 15 * time.Second

// Explore answers a question about usage as of now. A question that is too large
// is a mistake of the caller's, and the error says what to narrow.
func (db *DB) Explore(ctx context.Context, q explore.Question, now time.Time) (*explore.Report, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	var report *explore.Report
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		kept, err := keptOf(ctx, tx)
		if err != nil {
			return err
		}
		plan, err := q.Plan(kept)
		if err != nil {
			return err
		}
		previous, compared, err := q.Previous(plan, kept, now)
		if err != nil {
			return err
		}
		if err := checkRows(ctx, tx, q, append(plan.Parts[:len(plan.Parts):len(plan.Parts)], previous.Parts...)); err != nil {
			return err
		}
		keys, count, err := rankGroups(ctx, tx, q, plan)
		if err != nil {
			return fmt.Errorf("rank groups: %w", err)
		}
		sums, err := readSums(ctx, tx, q, plan, keys)
		if err != nil {
			return err
		}
		var before *explore.Sums
		if compared {
			if before, err = readSums(ctx, tx, q, previous, keys); err != nil {
				return err
			}
		}
		report = q.Report(plan, keys, count, sums, previous, before)
		return nil
	})
	return report, tooLarge(err)
}

// HeatMap adds usage up by the hour of the week.
func (db *DB) HeatMap(ctx context.Context, r controlplane.Range, zone *time.Location, measure explore.Measure, f controlplane.UsageFilter) (*explore.HeatMap, error) {
	var heat *explore.HeatMap
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		kept, err := keptOf(ctx, tx)
		if err != nil {
			return err
		}
		var plan explore.Plan
		if heat, plan, err = explore.NewHeatMap(r, zone, measure, kept); err != nil {
			return err
		}
		if err := checkRows(ctx, tx, explore.Question{Filter: f}, plan.Parts); err != nil {
			return err
		}
		s := newScan(plan, f, nil)
		rows, err := tx.Query(ctx, `select bucket, `+measureSQL[measure]+`::bigint from (`+s.usage(`bucket, `+measureColumns)+`) u group by bucket`, s.args...)
		if err != nil {
			return fmt.Errorf("read usage by the hour: %w", err)
		}
		var bucket time.Time
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&bucket, &n}, func() error {
			heat.Add(bucket, n)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read usage by the hour: %w", err)
		}
		return nil
	})
	return heat, tooLarge(err)
}

// snapshot runs do in a transaction that sees the database as it is at one
// moment, so that all parts of an answer agree.
func (db *DB) snapshot(ctx context.Context, do func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		// The plan is made for the partitions at hand; compiling it takes longer
		// than most questions.
		_, err := tx.Exec(ctx, fmt.Sprintf(`set local statement_timeout = %d; set local jit = off`, exploreWithin.Milliseconds()))
		if err != nil {
			return fmt.Errorf("begin a question: %w", err)
		}
		return do(tx)
	})
}

// keptOf reads from when on each rollup has everything.
func keptOf(ctx context.Context, q querier) (kept explore.Kept, err error) {
	rows, err := q.Query(ctx, `select level, kept_from from retention where kept_from > '-infinity'`)
	if err != nil {
		return kept, fmt.Errorf("read the retention: %w", err)
	}
	var level string
	var from time.Time
	_, err = pgx.ForEachRow(rows, []any{&level, &from}, func() error {
		for _, g := range controlplane.Granularities {
			if g.String() == level {
				kept[g] = from.UTC()
			}
		}
		return nil
	})
	if err != nil {
		return kept, fmt.Errorf("read the retention: %w", err)
	}
	return kept, nil
}

// checkRows refuses a question that would read too much, by what the planner
// expects to find. What narrows a question but is not in an index does not make
// it cheaper, so only times and accounts are looked at.
func checkRows(ctx context.Context, tx pgx.Tx, q explore.Question, parts []explore.Part) error {
	s := newScan(explore.Plan{Parts: parts}, controlplane.UsageFilter{Accounts: q.Filter.Accounts}, nil)
	var text []byte
	if err := tx.QueryRow(ctx, `explain (format json) `+s.usage(`requests`), s.args...).Scan(&text); err != nil {
		return fmt.Errorf("estimate a question: %w", err)
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return fmt.Errorf("estimate a question: read the planner's answer: %w", err)
	}
	return q.CheckRows(int64(plans[0].Plan.Rows))
}

// rankGroups returns the keys of the largest groups and how many there are.
func rankGroups(ctx context.Context, tx pgx.Tx, q explore.Question, p explore.Plan) (keys []explore.GroupKey, count int, err error) {
	if len(q.GroupBy) == 0 {
		return nil, 0, nil
	}
	s := newScan(p, q.Filter, q.GroupBy)
	dimensions := s.dimensions()
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		select %s, count(*) over () from (%s) u group by %s%s order by %s desc, %s limit %d`,
		s.keyColumns(), s.usage(dimensions+`, `+measureColumns), dimensions, s.having(), measureSQL[q.OrderBy], dimensions, q.Top), s.args...)
	if err != nil {
		return nil, 0, err
	}
	keys, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k explore.GroupKey, err error) {
		err = row.Scan(&k[0], &k[1], &k[2], &count)
		return k, err
	})
	return keys, count, err
}

// readSums reads what groups have at each point of a plan.
func readSums(ctx context.Context, tx pgx.Tx, q explore.Question, p explore.Plan, keys []explore.GroupKey) (*explore.Sums, error) {
	sums := explore.NewSums(p, len(keys), q.Meters)
	s := newScan(p, q.Filter, q.GroupBy)
	columns := sumColumns
	if q.Want.Latency {
		columns += `, string_agg(latency, '') filter (where decision = 1)`
	} else {
		columns += `, null::bytea`
	}
	if !q.Want.Series {
		s.points = false
	}
	sql := `select point, rank, ` + columns + ` from (` + s.ranked(keys, usageColumnsOf(q)) + `) u group by point, rank`
	rows, err := tx.Query(ctx, sql, s.args...)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	var point, rank int
	var t controlplane.Totals
	var latency []byte
	into := []any{&point, &rank, &t.Requests, &t.Allowed, &t.Throttled, &t.Refused, &t.Corrected, &t.Imported, &t.Errors,
		&t.Shadowed, &t.Late, &t.Cost, &t.BytesIn, &t.BytesOut, &t.AllowedDurationUS, &latency}
	_, err = pgx.ForEachRow(rows, into, func() error {
		if t.Latency, err = usage.ReadLatency(latency); err != nil {
			return err
		}
		sums.Add(rank, point, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	if q.Want.UniqueKeys {
		if err := readUnique(ctx, tx, q, p, keys, sums); err != nil {
			return nil, fmt.Errorf("count keys: %w", err)
		}
	}
	if len(q.Meters) > 0 {
		if err := readMeters(ctx, tx, q, p, keys, sums); err != nil {
			return nil, fmt.Errorf("read meters: %w", err)
		}
	}
	return sums, nil
}

func readUnique(ctx context.Context, tx pgx.Tx, q explore.Question, p explore.Plan, keys []explore.GroupKey, sums *explore.Sums) error {
	s := newScan(p, q.Filter, q.GroupBy)
	s.points = false
	rows, err := tx.Query(ctx, `
		select coalesce(rank, 0), grouping(rank), count(distinct key_id)
		from (select rank, key_id from (`+s.ranked(keys, `key_id, requests, decision as decision_of`)+`) r where key_id <> 0 group by rank, key_id`+s.having()+`) u
		group by grouping sets ((rank), ())`, s.args...)
	if err != nil {
		return err
	}
	var rank, all int
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&rank, &all, &n}, func() error {
		if all == 1 {
			sums.All = n
		} else {
			sums.Unique[rank] = n
		}
		return nil
	})
	return err
}

func readMeters(ctx context.Context, tx pgx.Tx, q explore.Question, p explore.Plan, keys []explore.GroupKey, sums *explore.Sums) error {
	s := newScan(p, q.Filter, q.GroupBy)
	s.points, s.table, s.meters = false, "meter_", q.Meters
	rows, err := tx.Query(ctx, `
		select rank, meter_id, sum(requests)::bigint, sum(amount + corrected)::bigint
		from (`+s.ranked(keys, `meter_id, requests, amount, corrected`)+`) u group by rank, meter_id`, s.args...)
	if err != nil {
		return err
	}
	var rank int
	var m explore.MeterAmount
	_, err = pgx.ForEachRow(rows, []any{&rank, &m.MeterID, &m.Requests, &m.Amount}, func() error {
		for i := range sums.Meters[rank] {
			if sums.Meters[rank][i].MeterID == m.MeterID {
				sums.Meters[rank][i] = m
			}
		}
		return nil
	})
	return err
}

// tooLarge turns the end of a statement's time into a mistake of the caller's.
func tooLarge(err error) error {
	const queryCanceled = "57014"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == queryCanceled {
		return explore.TooLarge("took too long")
	}
	return err
}
