package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

// reader answers one question in one transaction.
type reader struct {
	tx       pgx.Tx
	q        explore.Question
	kept     explore.Kept
	built    explore.Built
	plan     explore.Plan
	previous explore.Plan // when compared
	compared bool
	keys     []explore.GroupKey // the largest first
	count    int                // of all groups
}

// newReader plans a question, and refuses one that is too large.
func newReader(ctx context.Context, tx pgx.Tx, q explore.Question, now time.Time) (*reader, error) {
	r := &reader{tx: tx, q: q}
	var err error
	if r.kept, err = keptOf(ctx, tx); err != nil {
		return nil, err
	}
	if r.plan, err = q.Plan(r.kept); err != nil {
		return nil, err
	}
	if r.previous, r.compared, err = q.Previous(r.plan, r.kept, now); err != nil {
		return nil, err
	}
	if r.built, err = builtOf(ctx, tx, r.plan.Range, r.previous.Range); err != nil {
		return nil, err
	}
	parts := r.grouped(r.plan).Parts
	return r, checkRows(ctx, tx, q, append(parts[:len(parts):len(parts)], r.grouped(r.previous).Parts...))
}

// grouped reads a plan's groups from cubes where they have what these are of.
func (r *reader) grouped(p explore.Plan) explore.Plan {
	latencies := r.q.Want.Latency || r.q.Want.GroupLatency
	return p.UseCubes(r.built, r.kept, explore.CubeFor(r.q.GroupBy, r.q.Filter, latencies))
}

// rank finds the largest groups.
func (r *reader) rank(ctx context.Context) error {
	if len(r.q.GroupBy) == 0 {
		return nil
	}
	if r.q.OrderByMeter != 0 {
		return r.rankByMeter(ctx)
	}
	whole := r.q.WithoutPoints(r.plan, r.kept).UseCubes(r.built, r.kept, explore.CubeFor(r.q.GroupBy, r.q.Filter, false))
	s := newScan(whole, r.q.Filter, r.q.GroupBy)
	s.measure = r.q.OrderBy
	dimensions := s.dimensions()
	columns := dimensions + `, ` + measureColumn + ` as m`
	if s.local() {
		columns += `, requests, decision as decision_of`
	}
	rows, err := r.tx.Query(ctx, fmt.Sprintf(`
		select %s, count(*) over () from (%s) u group by %s%s order by coalesce(sum(m), 0) desc, %s limit %d`,
		s.keyColumns(), s.usage(columns), dimensions, s.having(), dimensions, r.q.Top), s.args...)
	if err != nil {
		return err
	}
	r.keys, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k explore.GroupKey, err error) {
		err = row.Scan(&k[0], &k[1], &k[2], &r.count)
		return k, err
	})
	return err
}

// sums reads what a plan has.
func (r *reader) sums(ctx context.Context, p explore.Plan) (*explore.Sums, error) {
	if !r.q.Want.Series {
		whole := r.q.WithoutPoints(p, r.kept)
		p.Points, p.Dates, p.Parts = nil, nil, whole.Parts
	}
	sums := explore.NewSums(p, len(r.keys), r.q.Meters)
	all := newScan(p.UseCubes(r.built, r.kept, explore.CubeFor(nil, r.q.Filter, r.q.Want.Latency)), r.q.Filter, nil)
	err := r.readSums(ctx, all, nil, r.q.Want.Latency, func(_, point int, t controlplane.Totals) { sums.AddAll(point, t) })
	if err == nil && len(r.keys) > 0 {
		top := newScan(r.grouped(p), r.q.Filter, r.q.GroupBy)
		top.onlyAmong(r.keys)
		err = r.readSums(ctx, top, r.keys, r.q.Want.Latency || r.q.Want.GroupLatency, func(rank, point int, t controlplane.Totals) {
			if rank > 0 {
				sums.AddGroup(rank-1, point, t)
			}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	if r.q.Want.UniqueKeys {
		if err := r.readUnique(ctx, p, sums); err != nil {
			return nil, fmt.Errorf("count keys: %w", err)
		}
	}
	if len(r.q.Meters) > 0 {
		if err := r.readMeters(ctx, p, sums); err != nil {
			return nil, fmt.Errorf("read meters: %w", err)
		}
	}
	return sums, nil
}

// readSums adds up the rows of a scan by the group's rank and the point.
func (r *reader) readSums(ctx context.Context, s *scan, keys []explore.GroupKey, latencies bool, add func(rank, point int, t controlplane.Totals)) error {
	rowColumns, columns := figureColumns, figureSums+`, null::bytea`
	if latencies {
		rowColumns, columns = figureColumns+`, `+latencyColumn, figureSums+`, string_agg(latency, '')`
	}
	rows, err := r.tx.Query(ctx, `select point, rank, `+columns+` from (`+s.ranked(keys, rowColumns)+`) u group by point, rank`, s.args...)
	if err != nil {
		return err
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
		add(rank, point, t)
		return nil
	})
	return err
}

func (r *reader) readUnique(ctx context.Context, p explore.Plan, sums *explore.Sums) error {
	p = r.q.WithoutPoints(p, r.kept).UseCubes(r.built, r.kept, explore.CubeFor(append([]explore.Dimension{explore.ByKey}, r.q.GroupBy...), r.q.Filter, false))
	s := newScan(p, r.q.Filter, r.q.GroupBy)
	columns := `key_id`
	if s.local() {
		columns += `, requests, decision as decision_of`
	}
	rows, err := r.tx.Query(ctx, `
		select coalesce(rank, 0), grouping(rank), count(distinct key_id)
		from (select rank, key_id from (`+s.ranked(r.keys, columns)+`) r where key_id <> 0 group by rank, key_id`+s.having()+`) u
		group by grouping sets ((rank), ())`, s.args...)
	if err != nil {
		return err
	}
	var rank, all int
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&rank, &all, &n}, func() error {
		if all == 1 {
			sums.Keys = n
		} else {
			sums.Unique[rank] = n
		}
		return nil
	})
	return err
}

// checkRows refuses a question that would read too much, by what the planner
// expects to find, and has several processes answer one that reads much. What
// narrows a question but is not in an index does not make it cheaper, so only times
// and accounts are looked at.
func checkRows(ctx context.Context, tx pgx.Tx, q explore.Question, parts []explore.Part) error {
	f := controlplane.UsageFilter{Accounts: q.Filter.Accounts}
	s := newScan(explore.Plan{Parts: parts}, f, nil)
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
	rows := int64(plans[0].Plan.Rows)
	if err := q.CheckRows(rows); err != nil || rows < manyRows {
		return err
	}
	return readTogether(ctx, tx)
}

// manyRows are worth reading by several processes: with fewer it takes longer to
// start the others and to wait for them.
const manyRows = 300_000

// readTogether has several processes answer what follows.
func readTogether(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `set local max_parallel_workers_per_gather to default`); err != nil {
		return fmt.Errorf("begin a large question: %w", err)
	}
	return nil
}
