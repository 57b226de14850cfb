package postgres

import (
	"context"
	"errors"
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
	// Days are summed up anew for so long.
	renewedFor = 35 * 24 * time.Hour
	// cubeRows are written at once.
	cubeRows = 2_000
)

// filling says what a cube is summed up over, and what from: the rollup, or a cube
// that has all of it and fewer rows, and was filled before.
type filling struct {
	cube, from explore.Cube
	dimensions string
}

var fillings = [...]filling{
	{explore.EndpointCube, explore.NoCube, `endpoint_id, tier_id, status, decision`},
	{explore.TotalCube, explore.EndpointCube, `tier_id, status, decision`},
	{explore.CallerCube, explore.NoCube, `account_id, key_id, tier_id, status, decision`},
	{explore.PairCounts, explore.NoCube, `endpoint_id, account_id, key_id`},
	{explore.CallerCounts, explore.PairCounts, `account_id, key_id`},
}

func cubeTable(c explore.Cube, l usage.Level) string {
	if c == explore.NoCube {
		return `usage_` + l.String()
	}
	return `usage_` + c.String() + `_` + l.String()
}

// BuildCubes sums up buckets that have ended by now and are not in the cubes, the
// newest first, at most so many, and returns how many it did. A bucket that is
// being committed to is left for another time; one that can't be summed up is in the
// error, and holds up no other.
func (db *DB) BuildCubes(ctx context.Context, now time.Time, most int) (built int, err error) {
	var faults []error
	for _, l := range cubeLevels {
		buckets, err := db.unbuilt(ctx, l, now.Add(-cubeGrace), most-built)
		if err != nil {
			return built, fmt.Errorf("find what to sum up: %w", err)
		}
		for _, bucket := range buckets {
			did, err := db.buildCube(ctx, l, bucket, time.Time{})
			if err != nil {
				faults = append(faults, fmt.Errorf("sum up the %s of %s: %w", l, bucket.Format(time.RFC3339), err))
			}
			if did {
				built++
			}
		}
	}
	return built, errors.Join(faults...)
}

// unbuilt lists buckets that ended before a time and are not in the cubes.
func (db *DB) unbuilt(ctx context.Context, l usage.Level, before time.Time, most int) ([]time.Time, error) {
	g := controlplane.Granularity(l)
	rows, err := db.pool.Query(ctx, fmt.Sprintf(`
		select b from
			(select min(bucket) as first from usage_month having min(bucket) is not null) m,
			generate_series(greatest(date_trunc('%[1]s', m.first), (select kept_from from retention where level = '%[1]s')),
				$1::timestamptz - interval '1 %[1]s', interval '1 %[1]s') b
		where not exists (select from cubes where level = $2 and bucket = b) order by b desc limit $3`, l), g.Truncate(before), int16(l), most)
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
		for _, f := range fillings {
			if err := f.fill(ctx, tx, l, bucket); err != nil {
				return err
			}
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

// fill writes a bucket's sums anew.
func (f filling) fill(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) error {
	if controlplane.Granularity(l) < f.cube.Finest() {
		return nil
	}
	if controlplane.Granularity(l) < f.from.Finest() {
		f.from = explore.NoCube
	}
	if _, err := tx.Exec(ctx, `delete from `+cubeTable(f.cube, l)+` where bucket = $1`, bucket); err != nil {
		return err
	}
	if f.cube.CountsOnly() {
		return f.fillCounts(ctx, tx, l, bucket)
	}
	return f.fillSums(ctx, tx, l, bucket)
}

func (f filling) fillCounts(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) error {
	columns := make([]string, len(figures))
	for i := range figures {
		columns[i] = figures[i].column
	}
	_, err := tx.Exec(ctx, `
		insert into `+cubeTable(f.cube, l)+` (bucket, `+f.dimensions+`, `+strings.Join(columns, `, `)+`)
		select bucket, `+f.dimensions+`, `+figureSums+`
		from (select bucket, `+f.dimensions+`, `+expand(figureColumns, f.from, explore.Requests)+` from `+cubeTable(f.from, l)+` where bucket = $1) u
		group by bucket, `+f.dimensions+` order by `+f.dimensions, bucket)
	return err
}

const cubeSums = `requests, shadowed, late, cost, bytes_in, bytes_out, duration_us`

// fillSums adds the latencies up itself: joined, they would be as long as those of
// the rollup.
func (f filling) fillSums(ctx context.Context, tx pgx.Tx, l usage.Level, bucket time.Time) error {
	columns := append([]string{`bucket`}, strings.Split(f.dimensions, `, `)...)
	selected := append([]string{}, columns...)
	for _, s := range strings.Split(cubeSums, `, `) {
		columns, selected = append(columns, s), append(selected, `sum(`+s+`)::bigint`)
	}
	columns, selected = append(columns, `latency`), append(selected, `string_agg(latency, '')`)
	_, err := tx.Exec(ctx, `declare summed no scroll cursor for select `+strings.Join(selected, `, `)+`
		from `+cubeTable(f.from, l)+` where bucket = $1 group by bucket, `+f.dimensions, bucket)
	if err != nil {
		return err
	}
	for {
		rows, err := fetchSummed(ctx, tx)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			_, err = tx.Exec(ctx, `close summed`)
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{cubeTable(f.cube, l)}, columns, pgx.CopyFromRows(rows)); err != nil {
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

// fillReconciled writes what was sent and what is in the rollup of a day anew.
func fillReconciled(ctx context.Context, tx pgx.Tx, day time.Time) error {
	if _, err := tx.Exec(ctx, `delete from cube_reconciled where day = $1`, day); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		insert into cube_reconciled (day, account_id, sent, by_minute, by_hour, by_day, corrected, imported)
		select ($2::timestamptz at time zone 'UTC')::date, account_id, coalesce(sent, 0), coalesce(m.requests, 0), coalesce(h.requests, 0), coalesce(rolled_up, 0), coalesce(corrected, 0), coalesce(imported, 0)
		from (`+comparedSQL(`$1`, `true`)+`) c (day, account_id, sent, rolled_up, corrected, imported)
		full join `+rolledUpSQL(controlplane.ByMinute, `$2::timestamptz`, `true`)+` m using (account_id)
		full join `+rolledUpSQL(controlplane.ByHour, `$2::timestamptz`, `true`)+` h using (account_id)`, []time.Time{day}, day)
	return err
}

// ForgetCubes deletes the sums of what is not kept any more.
func (db *DB) ForgetCubes(ctx context.Context) error {
	return db.inTx(ctx, func(tx pgx.Tx) error {
		for _, l := range cubeLevels {
			var from *time.Time
			err := tx.QueryRow(ctx, `select nullif(kept_from, '-infinity') from retention where level = $1`, l.String()).Scan(&from)
			if err != nil {
				return fmt.Errorf("read the retention: %w", err)
			}
			if from == nil {
				continue
			}
			if _, err := tx.Exec(ctx, `delete from cubes where level = $1 and bucket < $2`, int16(l), *from); err != nil {
				return fmt.Errorf("forget old sums: %w", err)
			}
			for _, c := range explore.Cubes {
				if controlplane.Granularity(l) < c.Finest() {
					continue
				}
				if _, err := tx.Exec(ctx, `delete from `+cubeTable(c, l)+` where bucket < $1`, *from); err != nil {
					return fmt.Errorf("forget old sums: %w", err)
				}
			}
		}
		return nil
	})
}
