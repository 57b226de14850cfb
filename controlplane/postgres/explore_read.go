package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	more     bool               // groups after these
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
	if r.built, err = builtOf(ctx, tx, r.whole(r.plan), r.plan, r.previous); err != nil {
		return nil, err
	}
	parts := slices.Concat(r.among(r.plan).Parts, r.among(r.previous).Parts)
	if len(q.Filter.Accounts)+len(q.Filter.Keys) == 0 {
		// What is read of these is that of the groups of the answer.
		parts = slices.DeleteFunc(parts, func(p explore.Part) bool { return p.Tabled })
	}
	return r, checkRows(ctx, tx, q, parts)
}

// whole returns how to read the sum of a plan's range.
func (r *reader) whole(p explore.Plan) explore.Plan { return r.q.WithoutPoints(p, r.kept) }

// latencies says whether those of groups are of interest.
func (r *reader) latencies() bool { return r.q.Want.Latency || r.q.Want.GroupLatency }

// in reads a plan from cubes where they have what is needed.
func (r *reader) in(p explore.Plan, n explore.Need) explore.Plan {
	return p.UseCubes(r.built, r.kept, n)
}

// among returns how to read a plan when only the groups of the answer are of
// interest.
func (r *reader) among(p explore.Plan) explore.Plan {
	return r.in(p, explore.NeedOf(r.q.GroupBy, r.q.Filter, r.latencies()).Among(r.q.Top))
}

// sums reads what a plan has.
func (r *reader) sums(ctx context.Context, p explore.Plan) (*explore.Sums, error) {
	if !r.q.Want.Series {
		whole := r.whole(p)
		p.Points, p.Dates, p.Parts = nil, nil, whole.Parts
	}
	sums := explore.NewSums(p, len(r.keys), r.q.Meters)
	if err := r.readAll(ctx, p, sums); err != nil {
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

// readAll reads what everything has and what groups have, at once where that is in
// the same place.
func (r *reader) readAll(ctx context.Context, p explore.Plan, sums *explore.Sums) error {
	all := r.in(p, explore.NeedOf(nil, r.q.Filter, r.q.Want.Latency))
	top := r.among(p)
	if len(r.keys) > 0 && slices.Equal(all.Parts, top.Parts) && r.q.Want.Latency == r.latencies() {
		return r.readSums(ctx, top, r.keys, false, r.latencies(), func(rank, point int, t controlplane.Totals) {
			if sums.AddAll(point, t); rank > 0 {
				sums.AddGroup(rank-1, point, t)
			}
		})
	}
	err := r.readSums(ctx, all, nil, false, r.q.Want.Latency, func(_, point int, t controlplane.Totals) { sums.AddAll(point, t) })
	if err != nil || len(r.keys) == 0 {
		return err
	}
	return r.readSums(ctx, top, r.keys, true, r.latencies(), func(rank, point int, t controlplane.Totals) {
		if rank > 0 {
			sums.AddGroup(rank-1, point, t)
		}
	})
}

// readSums adds up what a plan has by the group's rank and the point; only says
// that what is not among the groups may be left out.
func (r *reader) readSums(ctx context.Context, p explore.Plan, keys []explore.GroupKey, only, latencies bool, add func(rank, point int, t controlplane.Totals)) error {
	packed, rest := p.Split()
	fold := explore.NewFold(p, r.q.GroupBy, r.q.Filter, keys, latencies)
	if err := readPacks(ctx, r.tx, packed.Parts, latencies, fold.Add); err != nil {
		return err
	}
	fold.Each(add)
	if len(rest.Parts) == 0 {
		return nil
	}
	s := newScan(rest, r.q.Filter, r.q.GroupBy)
	if only {
		s.onlyAmong(keys)
	}
	return r.readRows(ctx, s, keys, latencies, add)
}

// readRows has the database add up the rows of a scan.
func (r *reader) readRows(ctx context.Context, s *scan, keys []explore.GroupKey, latencies bool, add func(rank, point int, t controlplane.Totals)) error {
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

// readUnique counts the different keys of the groups and of everything.
func (r *reader) readUnique(ctx context.Context, p explore.Plan, sums *explore.Sums) error {
	need := explore.NeedOf(append([]explore.Dimension{explore.ByKey}, r.q.GroupBy...), r.q.Filter, false)
	packed, rest := r.in(r.whole(p), need).Split()
	callers := explore.NewCallers(r.q.GroupBy, r.q.Filter, r.keys)
	if err := readPacks(ctx, r.tx, packed.Parts, false, callers.AddPacked); err != nil {
		return err
	}
	if len(rest.Parts) > 0 {
		s := newScan(rest, r.q.Filter, r.q.GroupBy)
		columns := `key_id`
		if s.local() {
			columns += `, requests, decision as decision_of`
		}
		rows, err := r.tx.Query(ctx, `select rank, key_id from (`+s.ranked(r.keys, columns)+`) r where key_id <> 0 group by rank, key_id`+s.having(), s.args...)
		if err != nil {
			return err
		}
		var rank int32
		var key int64
		if _, err = pgx.ForEachRow(rows, []any{&rank, &key}, func() error { return callers.Add(rank, key) }); err != nil {
			return err
		}
	}
	callers.Count(sums)
	return nil
}

// checkRows refuses a question that would read too much, by what the planner
// expects to find, and has several processes answer one that reads much. What
// narrows a question but is not in an index does not make it cheaper, so only times
// and accounts are looked at.
func checkRows(ctx context.Context, tx pgx.Tx, q explore.Question, parts []explore.Part) error {
	parts = slices.DeleteFunc(slices.Clone(parts), explore.Part.Packed)
	if len(parts) == 0 {
		return nil
	}
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
