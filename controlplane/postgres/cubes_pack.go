package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

// maxCubeRows bounds the sums of one bucket, which are in memory while they are
// made, some 300 bytes each.
const maxCubeRows = 1_000_000

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

// packMinutes packs the minutes of buckets, which are given in their order.
func packMinutes(ctx context.Context, tx pgx.Tx, buckets []time.Time) error {
	for len(buckets) > 0 {
		n := 1
		for n < len(buckets) && buckets[n].Equal(buckets[n-1].Add(explore.MinutesAtOnce)) {
			n++
		}
		span := controlplane.Range{From: buckets[0], To: buckets[n-1].Add(explore.MinutesAtOnce)}
		buckets = buckets[n:]
		if err := packMinutesOf(ctx, tx, span); err != nil {
			return err
		}
	}
	return nil
}

func packMinutesOf(ctx context.Context, tx pgx.Tx, span controlplane.Range) error {
	if _, err := tx.Exec(ctx, `delete from cube_packs where cube = $1 and level = $2 and bucket >= $3 and bucket < $4`, explore.WholeCube, int16(usage.Minutes), span.From, span.To); err != nil {
		return err
	}
	var packs packs
	var minute time.Time
	roller := explore.NewRoller(explore.WholeCube)
	pack := func() error {
		rows, err := roller.Rows()
		if err == nil && len(rows) > 0 {
			packs.add(explore.WholeCube, usage.Minutes, minute, rows)
		}
		return err
	}
	err := eachRollupRow(ctx, tx, usage.Minutes, span, func(bucket time.Time, row *explore.Row) error {
		if !bucket.Equal(minute) {
			if err := pack(); err != nil {
				return err
			}
			minute, roller = bucket, explore.NewRoller(explore.WholeCube)
		}
		return roller.Add(row)
	})
	if err != nil {
		return err
	}
	if err := pack(); err != nil {
		return err
	}
	return packs.store(ctx, tx)
}

// packBucket makes the sums of an hour, a day or a month anew, unless there are too
// many of them.
func packBucket(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) (skipped bool, err error) {
	g := controlplane.Granularity(l)
	if err := clearBucket(ctx, tx, l, bucket); err != nil {
		return false, err
	}
	var rollers []*explore.Roller // of the rollup itself
	var whole []explore.Cube
	for _, c := range explore.PackedCubes(g) {
		if sourceOf(c, whole) < 0 {
			rollers, whole = append(rollers, explore.NewRoller(c)), append(whole, c)
		}
	}
	err = eachRollupRow(ctx, tx, l, controlplane.Range{From: bucket, To: g.Next(bucket)}, func(_ time.Time, row *explore.Row) error {
		held := 0
		for _, r := range rollers {
			if skipped {
				return nil
			}
			if err := r.Add(row); err != nil {
				return err
			}
			held += r.Len()
		}
		if held > maxCubeRows {
			skipped, rollers = true, nil
		}
		return nil
	})
	if err != nil || skipped {
		return skipped, err
	}
	sums, err := rollAll(g, rollers, whole)
	if err != nil {
		return false, err
	}
	var packs packs
	for c, rows := range sums {
		packs.add(c, l, bucket, rows)
	}
	if err := packs.store(ctx, tx); err != nil {
		return false, err
	}
	for _, c := range explore.TabledCubes(g) {
		if err := storeTable(ctx, tx, c, l, bucket, sums[c]); err != nil {
			return false, err
		}
	}
	return false, nil
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

// clearBucket deletes the sums of a bucket.
func clearBucket(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) error {
	g := controlplane.Granularity(l)
	if _, err := tx.Exec(ctx, `delete from cube_packs where cube = any($1) and level = $2 and bucket = $3`, cubeNumbersOf(g), int16(l), bucket); err != nil {
		return err
	}
	for _, c := range explore.TabledCubes(g) {
		if _, err := tx.Exec(ctx, `delete from `+cubeTable(c, l)+` where bucket = $1`, bucket); err != nil {
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
	g := controlplane.Granularity(l)
	if _, err := tx.Exec(ctx, `delete from cubes where level = $1 and bucket < $2`, int16(l), from); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from cube_packs where cube = any($1) and level = $2 and bucket < $3`, cubeNumbersOf(g), int16(l), from); err != nil {
		return err
	}
	for _, c := range explore.TabledCubes(g) {
		if _, err := tx.Exec(ctx, `delete from `+cubeTable(c, l)+` where bucket < $1`, from); err != nil {
			return err
		}
	}
	return nil
}
