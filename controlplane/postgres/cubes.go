package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

const (
	// cubeGrace is how long after its end a bucket is left alone: what comes in
	// time has come by then.
	cubeGrace = 2 * time.Minute
	// Hours are summed up for so long: older ones are seldom looked at.
	cubeHours = 92 * 24 * time.Hour
	// Days are summed up anew for so long.
	renewedFor = 35 * 24 * time.Hour
	// cubeRows are written at once.
	cubeRows = 2_000
	// cubeLock and a level are the first half of an advisory lock; the second is
	// the bucket's number. Commits share a bucket's; who sums it up has it alone.
	cubeLock = 0x57_45_49_00
)

// cubeDimensions are those of each cube.
var cubeDimensions = [...]string{
	explore.TotalCube:    `tier_id, status, decision`,
	explore.EndpointCube: `endpoint_id, tier_id, status, decision`,
	explore.CallerCube:   `account_id, key_id, tier_id, status, decision`,
}

const cubeSums = `requests, shadowed, late, cost, bytes_in, bytes_out, duration_us`

// cubeLevels are the rollups that are summed up.
var cubeLevels = [...]usage.Level{usage.Hours, usage.Days, usage.Months}

// bucketNumber tells the buckets of a level apart; they begin at minute.
func bucketNumber(minute int64) int32 { return int32(minute / 60) }

// staleCubes takes the buckets that rows are added to out of the cubes, and keeps
// them out until the transaction ends. It comes before any lock on a row of a
// rollup. Only late usage waits in it: until its bucket has been summed up.
func staleCubes(ctx context.Context, tx pgx.Tx, r usage.Rollups) error {
	if len(r.Usage[usage.Months]) == 0 {
		return nil
	}
	var levels, numbers []int32
	var buckets []time.Time
	for _, l := range cubeLevels {
		seen := map[int64]bool{}
		for i := range r.Usage[l] {
			if minute := r.Usage[l][i].Minute; !seen[minute] {
				seen[minute] = true
				levels, numbers = append(levels, int32(l)), append(numbers, bucketNumber(minute))
				buckets = append(buckets, time.Unix(minute*60, 0).UTC())
			}
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`select pg_advisory_xact_lock_shared($1 + level, number) from unnest($2::int[], $3::int[]) as b (level, number)`, cubeLock, levels, numbers)
	batch.Queue(`
		delete from cubes where (level, bucket) in (
			select level, bucket from cubes where (level, bucket) in (select * from unnest($1::int[], $2::timestamptz[]))
			order by level, bucket for update)`, levels, buckets)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("take buckets out of the cubes: %w", err)
	}
	return nil
}

// BuildCubes sums up buckets that have ended by now and are not in the cubes, the
// newest first, at most so many, and returns how many it did. A bucket that is
// being committed to is left for another time.
func (db *DB) BuildCubes(ctx context.Context, now time.Time, most int) (built int, err error) {
	for _, l := range cubeLevels {
		buckets, err := db.unbuilt(ctx, l, now.Add(-cubeGrace), most-built)
		if err != nil {
			return built, fmt.Errorf("find what to sum up: %w", err)
		}
		for _, bucket := range buckets {
			did, err := db.buildCube(ctx, l, bucket, time.Time{})
			if err != nil {
				return built, fmt.Errorf("sum up the %s of %s: %w", l, bucket.Format(time.RFC3339), err)
			}
			if did {
				built++
			}
		}
	}
	return built, nil
}

// unbuilt lists buckets that ended before a time and are not in the cubes.
func (db *DB) unbuilt(ctx context.Context, l usage.Level, before time.Time, most int) ([]time.Time, error) {
	g := controlplane.Granularity(l)
	since := time.Time{}
	if l == usage.Hours {
		since = g.Truncate(before.Add(-cubeHours))
	}
	rows, err := db.pool.Query(ctx, fmt.Sprintf(`
		select b from generate_series(
			greatest($1, (select date_trunc('%[1]s', min(bucket)) from usage_month), (select kept_from from retention where level = '%[1]s')),
			$2::timestamptz - interval '1 %[1]s', interval '1 %[1]s') b
		where not exists (select from cubes where level = $3 and bucket = b) order by b desc limit $4`, l), since, g.Truncate(before), int16(l), most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[time.Time])
}

// RenewCubes sums up days of the last while anew that were summed up before a time,
// at most so many: so that the sums show, within a day or so, what was done to a
// rollup by other means than a commit.
func (db *DB) RenewCubes(ctx context.Context, now, before time.Time, most int) error {
	rows, err := db.pool.Query(ctx, `select bucket from cubes where level = $1 and bucket >= $2 and built_at < $3 order by built_at limit $4`,
		int16(usage.Days), now.Add(-renewedFor), before, most)
	if err != nil {
		return fmt.Errorf("find old sums: %w", err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("find old sums: %w", err)
	}
	for _, day := range days {
		if _, err := db.buildCube(ctx, usage.Days, day, before); err != nil {
			return fmt.Errorf("sum up the day of %s again: %w", day.Format(time.DateOnly), err)
		}
	}
	return nil
}

// buildCube sums up one bucket, unless it is being committed to, or was summed up
// since a time.
func (db *DB) buildCube(ctx context.Context, l usage.Level, bucket, since time.Time) (did bool, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select pg_try_advisory_xact_lock($1, $2)`, cubeLock+int32(l), bucketNumber(bucket.Unix()/60)).Scan(&did)
		if err != nil || !did {
			return err
		}
		// Somebody else may have been here since it was found.
		var there bool
		err = tx.QueryRow(ctx, `select exists (select from cubes where level = $1 and bucket = $2 and built_at >= $3)`, int16(l), bucket, since).Scan(&there)
		if err != nil || there {
			return err
		}
		for _, c := range explore.Cubes {
			if err := fillCube(ctx, tx, c, l, bucket); err != nil {
				return err
			}
		}
		if err := fillRanks(ctx, tx, l, bucket); err != nil {
			return err
		}
		if l == usage.Days {
			if err := fillReconciled(ctx, tx, bucket); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `insert into cubes (level, bucket) values ($1, $2) on conflict (level, bucket) do update set built_at = now()`, int16(l), bucket)
		return err
	})
	return did, err
}

// fillRanks writes what callers are ranked by in a bucket anew.
func fillRanks(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) error {
	table := `usage_` + explore.RankCube.String() + `_` + l.String()
	if _, err := tx.Exec(ctx, `delete from `+table+` where bucket = $1`, bucket); err != nil {
		return err
	}
	var columns, sums []string
	for _, m := range measures {
		columns, sums = append(columns, m.rank), append(sums, `sum(`+m.row+`)`)
	}
	_, err := tx.Exec(ctx, `
		insert into `+table+` (bucket, account_id, key_id, `+strings.Join(columns, `, `)+`)
		select bucket, account_id, key_id, `+strings.Join(sums, `, `)+` from usage_`+explore.CallerCube.String()+`_`+l.String()+`
		where bucket = $1 group by bucket, account_id, key_id`, bucket)
	return err
}

// fillReconciled writes what was sent and what is in the rollup of a day anew.
func fillReconciled(ctx context.Context, tx pgx.Tx, day time.Time) error {
	if _, err := tx.Exec(ctx, `delete from cube_reconciled where day = $1`, day); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into cube_reconciled `+comparedSQL(`$1`, `true`), []time.Time{day})
	return err
}

// fillCube writes a bucket's sums anew. It adds the latencies up itself: joined,
// they would be as long as those of the rollup.
func fillCube(ctx context.Context, tx pgx.Tx, c explore.Cube, l usage.Level, bucket time.Time) error {
	table := "usage_" + c.String() + "_" + l.String()
	if _, err := tx.Exec(ctx, `delete from `+table+` where bucket = $1`, bucket); err != nil {
		return err
	}
	dimensions := strings.Split(cubeDimensions[c], `, `)
	sums := strings.Split(cubeSums, `, `)
	columns := append([]string{`bucket`}, dimensions...)
	selected := append([]string{}, columns...)
	for _, s := range sums {
		selected = append(selected, `sum(`+s+`)::bigint`)
	}
	_, err := tx.Exec(ctx, `declare summed no scroll cursor for select `+strings.Join(selected, `, `)+`, string_agg(latency, '')
		from usage_`+l.String()+` where bucket = $1 group by bucket, `+cubeDimensions[c], bucket)
	if err != nil {
		return err
	}
	columns = append(append(columns, sums...), `latency`)
	for {
		rows, err := fetchSummed(ctx, tx)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			_, err = tx.Exec(ctx, `close summed`)
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
	}
}

func fetchSummed(ctx context.Context, tx pgx.Tx) ([][]any, error) {
	found, err := tx.Query(ctx, fmt.Sprintf(`fetch %d from summed`, cubeRows), fetched)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) ([]any, error) {
		row, err := r.Values()
		if err != nil {
			return nil, err
		}
		last := len(row) - 1
		joined, _ := row[last].([]byte)
		latency, err := usage.ReadLatency(joined)
		row[last] = usage.AppendLatency([]byte{}, latency)
		return row, err
	})
}

// ForgetCubes deletes the sums of hours that are not kept any more, or not looked
// at.
func (db *DB) ForgetCubes(ctx context.Context, now time.Time) error {
	return db.inTx(ctx, func(tx pgx.Tx) error {
		before := controlplane.ByHour.Truncate(now.Add(-cubeHours))
		if _, err := tx.Exec(ctx, `delete from cubes where level = $1 and bucket < $2`, int16(usage.Hours), before); err != nil {
			return fmt.Errorf("forget old sums: %w", err)
		}
		for _, c := range append(explore.Cubes[:], explore.RankCube) {
			if _, err := tx.Exec(ctx, `delete from usage_`+c.String()+`_hour where bucket < $1`, before); err != nil {
				return fmt.Errorf("forget old sums: %w", err)
			}
		}
		return nil
	})
}

// builtOf reads which buckets of some ranges have been summed up.
func builtOf(ctx context.Context, q querier, ranges ...controlplane.Range) (built explore.Built, err error) {
	for _, g := range controlplane.Granularities {
		built[g] = map[int64]bool{}
	}
	for _, r := range ranges {
		rows, err := q.Query(ctx, `select level, bucket from cubes where bucket >= $1 and bucket < $2`, r.From, r.To)
		if err != nil {
			return built, fmt.Errorf("read what is summed up: %w", err)
		}
		var level int16
		var bucket time.Time
		_, err = pgx.ForEachRow(rows, []any{&level, &bucket}, func() error {
			built[level][bucket.Unix()] = true
			return nil
		})
		if err != nil {
			return built, fmt.Errorf("read what is summed up: %w", err)
		}
	}
	return built, nil
}
