package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
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
		r, err := newReader(ctx, tx, q, now)
		if err != nil {
			return err
		}
		if err := r.rank(ctx); err != nil {
			return fmt.Errorf("rank groups: %w", err)
		}
		sums, err := r.sums(ctx, r.plan)
		if err != nil {
			return err
		}
		var before *explore.Sums
		if r.compared {
			if before, err = r.sums(ctx, r.previous); err != nil {
				return err
			}
		}
		report = q.Report(r.plan, r.keys, r.count, sums, r.previous, before)
		report.More = r.more
		return nil
	})
	return report, tooLarge(err)
}

// UsageSeries returns the points of a question that splits by nothing, and what
// was used at each.
func (db *DB) UsageSeries(ctx context.Context, q explore.Question) (points []time.Time, totals []controlplane.Totals, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		r, err := newReader(ctx, tx, q, time.Time{})
		if err != nil {
			return err
		}
		sums, err := r.sums(ctx, r.plan)
		if err != nil {
			return err
		}
		points, totals = r.plan.Points, sums.Points()
		return nil
	})
	return points, totals, tooLarge(err)
}

// TotalsByAccount returns the totals of those of the accounts that have usage in
// the range.
func (db *DB) TotalsByAccount(ctx context.Context, r controlplane.Range, accounts []controlplane.ID) (map[controlplane.ID]controlplane.Totals, error) {
	return db.totalsBy(ctx, explore.ByAccount, controlplane.UsageFilter{Accounts: accounts}, r, accounts, true)
}

// CountsByAccount is TotalsByAccount without latencies, which cost the most.
func (db *DB) CountsByAccount(ctx context.Context, r controlplane.Range, accounts []controlplane.ID) (map[controlplane.ID]controlplane.Totals, error) {
	return db.totalsBy(ctx, explore.ByAccount, controlplane.UsageFilter{Accounts: accounts}, r, accounts, false)
}

// CountsByEndpoint returns the totals, without latencies, of those of the endpoints
// that have usage in the range.
func (db *DB) CountsByEndpoint(ctx context.Context, r controlplane.Range, endpoints []controlplane.ID) (map[controlplane.ID]controlplane.Totals, error) {
	return db.totalsBy(ctx, explore.ByEndpoint, controlplane.UsageFilter{Endpoints: endpoints}, r, endpoints, false)
}

// totalsBy returns the totals of the values of one dimension, to which the filter
// narrows.
func (db *DB) totalsBy(ctx context.Context, by explore.Dimension, f controlplane.UsageFilter, r controlplane.Range, values []controlplane.ID, latencies bool) (map[controlplane.ID]controlplane.Totals, error) {
	totals := map[controlplane.ID]controlplane.Totals{}
	if len(values) == 0 {
		return totals, nil
	}
	q := explore.Question{
		From: r.From, To: r.To, Zone: time.UTC, GroupBy: []explore.Dimension{by}, Top: len(values),
		Filter: f, Want: explore.Want{GroupLatency: latencies},
	}
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		r, err := newReader(ctx, tx, q, time.Time{})
		if err != nil {
			return err
		}
		for _, id := range values {
			r.keys = append(r.keys, explore.GroupKey{int64(id)})
		}
		return r.readSums(ctx, r.among(r.plan), r.keys, true, latencies, func(rank, _ int, t controlplane.Totals) {
			totals[values[rank-1]] = t
		})
	})
	if err != nil {
		return nil, fmt.Errorf("total usage: %w", tooLarge(err))
	}
	return totals, nil
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
		built, err := builtOf(ctx, tx, plan)
		if err != nil {
			return err
		}
		plan = plan.UseCubes(built, kept, explore.NeedOf(nil, f, false))
		if err := checkRows(ctx, tx, explore.Question{Filter: f}, plan.Parts); err != nil {
			return err
		}
		if err := readHeat(ctx, tx, plan, measure, f, heat.Add); err != nil {
			return fmt.Errorf("read usage by the hour: %w", err)
		}
		return nil
	})
	return heat, tooLarge(err)
}

// readHeat gives a measure of each bucket of a plan.
func readHeat(ctx context.Context, tx pgx.Tx, p explore.Plan, measure explore.Measure, f controlplane.UsageFilter, add func(time.Time, int64)) error {
	packed, rest := p.Split()
	meter := explore.NewMeter(f, measure)
	err := readPacks(ctx, tx, packed.Parts, false, func(p explore.Packed) error {
		n, err := meter.Of(p)
		if err == nil {
			add(p.Bucket, n)
		}
		return err
	})
	if err != nil || len(rest.Parts) == 0 {
		return err
	}
	s := newScan(rest, f, nil)
	s.measure = measure
	rows, err := tx.Query(ctx, `select bucket, coalesce(sum(m), 0)::bigint from (`+s.usage(`bucket, `+measureColumn+` as m`)+`) u group by bucket`, s.args...)
	if err != nil {
		return err
	}
	var bucket time.Time
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&bucket, &n}, func() error {
		add(bucket, n)
		return nil
	})
	return err
}

// snapshot runs do in a transaction that sees the database as it is at one
// moment, so that all parts of an answer agree.
func (db *DB) snapshot(ctx context.Context, do func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{BeginQuery: beginSnapshot}, do)
}

// beginSnapshot begins a question in one round trip. The plan is made for the
// partitions and the range at hand; compiling it takes longer than most questions.
// Pages of the indexes that it needs are mostly in memory, and so may its groups be.
var beginSnapshot = fmt.Sprintf(`
	begin isolation level repeatable read read only;
	set local statement_timeout = %d; set local jit = off; set local plan_cache_mode = force_custom_plan;
	set local random_page_cost = 1.1; set local work_mem = '32MB'; set local max_parallel_workers_per_gather = 0`, exploreWithin.Milliseconds())

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

// tooLarge turns the end of a statement's time into a mistake of the caller's.
func tooLarge(err error) error {
	const queryCanceled = "57014"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == queryCanceled {
		return explore.TooLarge("took too long")
	}
	return err
}
