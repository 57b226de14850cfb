package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

// maxCubeRows bounds the sums that are in memory while they are made, some 300 bytes
// each.
const maxCubeRows = 1_000_000

// errManyRows is what summing up several buckets together fails with that have too
// many sums for that.
var errManyRows = errors.New("there are too many sums for one transaction")

// eachRollupRow gives the rows of a stretch of a rollup, by bucket. A row is good
// only until it returns, but for its latency.
func eachRollupRow(ctx context.Context, tx pgx.Tx, l usage.Level, r controlplane.Range, each func(bucket time.Time, row *explore.Row) error) error {
	rows, err := tx.Query(ctx, `
		select bucket, account_id, key_id, endpoint_id, tier_id, status, decision, requests, shadowed, late, cost, bytes_in, bytes_out, duration_us, latency
		from usage_`+l.String()+` where bucket >= $1 and bucket < $2 order by bucket`, r.From, r.To)
	if err != nil {
		return err
	}
	defer rows.Close()
	var bucket time.Time
	var values [len(explore.Dimensions)]int64
	var requests, shadowed, late, cost, bytesIn, bytesOut, duration int64
	var latency []byte
	into := []any{
		&bucket, &values[explore.ByAccount], &values[explore.ByKey], &values[explore.ByEndpoint], &values[explore.ByTier], &values[explore.ByStatus], &values[explore.ByDecision],
		&requests, &shadowed, &late, &cost, &bytesIn, &bytesOut, &duration, &latency,
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := explore.RollupRow(values, requests, shadowed, late, cost, bytesIn, bytesOut, duration, latency)
		if err := each(bucket, &row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// packBuckets makes the sums of buckets of the cubes anew, which are given in their
// order, and lists those that have too many of them.
func packBuckets(ctx context.Context, tx pgx.Tx, l usage.Level, buckets []time.Time) (skipped []time.Time, err error) {
	length := func(t time.Time) time.Time { return controlplane.Granularity(l).Next(t) }
	if l == usage.Minutes {
		length = func(t time.Time) time.Time { return t.Add(explore.MinutesAtOnce) }
	}
	for len(buckets) > 0 {
		n := 1
		for n < len(buckets) && buckets[n].Equal(length(buckets[n-1])) {
			n++
		}
		s := summer{level: l, alone: n == 1}
		span := controlplane.Range{From: buckets[0], To: length(buckets[n-1])}
		if err := clearSums(ctx, tx, l, span); err != nil {
			return nil, err
		}
		if err := eachRollupRow(ctx, tx, l, span, s.add); err != nil {
			return nil, err
		}
		if err := s.store(ctx, tx); err != nil {
			return nil, err
		}
		skipped, buckets = append(skipped, s.skipped...), buckets[n:]
	}
	return skipped, nil
}

// summer makes the sums of one bucket of a rollup after the other.
type summer struct {
	level   usage.Level
	alone   bool // it is only one
	bucket  time.Time
	rollers []*explore.Roller // of those cubes that are summed up from the rollup itself
	whole   []explore.Cube    // these
	held    int
	skipped []time.Time
	packs   packs
	tables  []tableRows
}

// tableRows are rows of a cube's table.
type tableRows struct {
	cube   explore.Cube
	bucket time.Time
	rows   []explore.Row
}

func (s *summer) add(bucket time.Time, row *explore.Row) error {
	if !bucket.Equal(s.bucket) {
		if err := s.finish(); err != nil {
			return err
		}
		s.begin(bucket)
	}
	here := 0
	for _, r := range s.rollers {
		if err := r.Add(row); err != nil {
			return err
		}
		here += r.Len()
	}
	switch {
	case s.held+here <= maxCubeRows:
		return nil
	case !s.alone:
		return errManyRows
	}
	s.skipped, s.rollers = append(s.skipped, bucket), nil
	return nil
}

func (s *summer) begin(bucket time.Time) {
	s.bucket, s.rollers, s.whole = bucket, nil, nil
	for _, c := range explore.PackedCubes(controlplane.Granularity(s.level)) {
		if sourceOf(c, s.whole) < 0 {
			s.rollers, s.whole = append(s.rollers, explore.NewRoller(c)), append(s.whole, c)
		}
	}
}

// finish packs the bucket that was last added to.
func (s *summer) finish() error {
	if s.rollers == nil {
		return nil
	}
	g := controlplane.Granularity(s.level)
	sums, err := rollAll(g, s.rollers, s.whole)
	if err != nil {
		return err
	}
	for c, rows := range sums {
		s.packs.add(c, s.level, s.bucket, rows)
	}
	for _, c := range explore.TabledCubes(g) {
		s.tables = append(s.tables, tableRows{c, s.bucket, sums[c]})
		s.held += len(sums[c])
	}
	s.rollers = nil
	return nil
}

func (s *summer) store(ctx context.Context, tx pgx.Tx) error {
	if err := s.finish(); err != nil {
		return err
	}
	if err := s.packs.store(ctx, tx); err != nil {
		return err
	}
	for _, t := range s.tables {
		if err := storeTable(ctx, tx, t.cube, s.level, t.bucket, t.rows); err != nil {
			return err
		}
	}
	return nil
}

// sourceOf returns the last of some cubes that another one can be summed up from;
// -1 is none.
func sourceOf(c explore.Cube, from []explore.Cube) int {
	for i := len(from) - 1; i >= 0; i-- {
		if from[i].Has(c) {
			return i
		}
	}
	return -1
}

// rollAll makes all cubes of a rollup from those that were summed up from itself.
func rollAll(g controlplane.Granularity, rollers []*explore.Roller, whole []explore.Cube) (map[explore.Cube][]explore.Row, error) {
	sums := map[explore.Cube][]explore.Row{}
	for i, r := range rollers {
		rows, err := r.Rows()
		if err != nil {
			return nil, err
		}
		sums[whole[i]] = rows
	}
	var done []explore.Cube
	for _, c := range explore.PackedCubes(g) {
		if _, ok := sums[c]; !ok {
			r := explore.NewRoller(c)
			from := sums[done[sourceOf(c, done)]]
			for i := range from {
				if err := r.Add(&from[i]); err != nil {
					return nil, err
				}
			}
			rows, err := r.Rows()
			if err != nil {
				return nil, err
			}
			sums[c] = rows
		}
		done = append(done, c)
	}
	return sums, nil
}

// packs are rows of cube_packs.
type packs struct {
	cubes, levels   []int16
	buckets         []time.Time
	sums, latencies [][]byte
}

func (p *packs) add(c explore.Cube, l usage.Level, bucket time.Time, rows []explore.Row) {
	if len(rows) == 0 {
		return
	}
	sums, latencies := explore.Pack(rows, c.HasLatencies(controlplane.Granularity(l)))
	p.cubes, p.levels, p.buckets = append(p.cubes, int16(c)), append(p.levels, int16(l)), append(p.buckets, bucket)
	p.sums, p.latencies = append(p.sums, sums), append(p.latencies, latencies)
}

func (p *packs) store(ctx context.Context, tx pgx.Tx) error {
	if len(p.cubes) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		insert into cube_packs (cube, level, bucket, sums, latencies)
		select * from unnest($1::smallint[], $2::smallint[], $3::timestamptz[], $4::bytea[], $5::bytea[])`, p.cubes, p.levels, p.buckets, p.sums, p.latencies)
	return err
}

func cubeTable(c explore.Cube, l usage.Level) string { return `usage_` + c.String() + `_` + l.String() }

// storeTable writes the rows of a cube's table.
func storeTable(ctx context.Context, tx pgx.Tx, c explore.Cube, l usage.Level, bucket time.Time, rows []explore.Row) error {
	columns := []string{`bucket`, `account_id`, `key_id`}
	if c == explore.PairCube {
		columns = append(columns, `endpoint_id`)
	}
	for i := range figures {
		columns = append(columns, figures[i].column)
	}
	columns = append(columns, `latency`)
	_, err := tx.CopyFrom(ctx, pgx.Identifier{cubeTable(c, l)}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		values := make([]any, 0, len(columns))
		values = append(values, bucket, r.Values[explore.ByAccount], r.Values[explore.ByKey])
		if c == explore.PairCube {
			values = append(values, r.Values[explore.ByEndpoint])
		}
		for _, n := range r.Figures {
			values = append(values, n)
		}
		if r.Latency == nil {
			r.Latency = []byte{}
		}
		return append(values, r.Latency), nil
	}))
	if err != nil {
		return fmt.Errorf("store the rows of %s: %w", cubeTable(c, l), err)
	}
	return nil
}

// clearSums deletes the sums of a stretch of a rollup.
func clearSums(ctx context.Context, tx pgx.Tx, l usage.Level, r controlplane.Range) error {
	g := controlplane.Granularity(l)
	_, err := tx.Exec(ctx, `delete from cube_packs where cube = any($1) and level = $2 and bucket >= $3 and bucket < $4`, cubeNumbersOf(g), int16(l), r.From, r.To)
	if err != nil {
		return err
	}
	for _, c := range explore.TabledCubes(g) {
		if _, err := tx.Exec(ctx, `delete from `+cubeTable(c, l)+` where bucket >= $1 and bucket < $2`, r.From, r.To); err != nil {
			return err
		}
	}
	return nil
}

func cubeNumbersOf(g controlplane.Granularity) (numbers []int16) {
	for _, c := range explore.PackedCubes(g) {
		numbers = append(numbers, int16(c))
	}
	return numbers
}

// forgetBefore deletes the sums of what a rollup has no more.
func forgetBefore(ctx context.Context, tx pgx.Tx, l usage.Level, from time.Time) error {
	if _, err := tx.Exec(ctx, `delete from cubes where level = $1 and bucket < $2`, int16(l), from); err != nil {
		return err
	}
	return clearSums(ctx, tx, l, controlplane.Range{From: time.Unix(0, 0), To: from})
}
