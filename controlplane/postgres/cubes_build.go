package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
)

const (
	// cubeGrace is how long after its end a bucket is left alone: what comes in
	// time has come by then.
	cubeGrace = 2 * time.Minute
	// Days are summed up anew for so long.
	renewedFor = 35 * 24 * time.Hour
	// Minutes are summed up for so long: questions about more of them are rare.
	minutesFor = 35 * 24 * time.Hour
)

// atOnce is how many buckets of a level are summed up in one transaction, which late
// usage of them may wait for.
var atOnce = [...]int{usage.Minutes: int(6 * 60 / minutesAtOnce), usage.Hours: 24, usage.Days: 1, usage.Months: 1}

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
		for len(buckets) > 0 {
			together := min(len(buckets), atOnce[l])
			n, err := db.buildCubes(ctx, l, buckets[:together], time.Time{})
			built += n
			if err != nil {
				faults = append(faults, err)
			}
			buckets = buckets[together:]
		}
	}
	return built, errors.Join(faults...)
}

// buildCubes sums up some buckets, together or else one by one.
func (db *DB) buildCubes(ctx context.Context, l usage.Level, buckets []time.Time, since time.Time) (built int, err error) {
	did, err := db.buildTogether(ctx, l, buckets, since)
	switch {
	case did && err == nil:
		return len(buckets), nil
	case err == nil && len(buckets) == 1:
		return 0, nil
	case len(buckets) == 1 || ctx.Err() != nil:
		return 0, fmt.Errorf("sum up the %s of %s: %w", l, buckets[0].Format(time.RFC3339), err)
	}
	var faults []error
	for i := range buckets {
		n, err := db.buildCubes(ctx, l, buckets[i:i+1], since)
		built, faults = built+n, append(faults, err)
	}
	return built, errors.Join(faults...)
}

// unbuilt lists buckets that ended before a time and are not in the cubes.
func (db *DB) unbuilt(ctx context.Context, l usage.Level, before time.Time, most int) ([]time.Time, error) {
	from, step := time.Unix(0, 0), `1 `+l.String()
	end := controlplane.Granularity(l).Truncate(before)
	if l == usage.Minutes {
		from, step = before.Add(-minutesFor).Truncate(24*time.Hour), fmt.Sprintf(`%d minutes`, minutesAtOnce)
		end = before.Truncate(time.Duration(minutesAtOnce) * time.Minute)
	}
	rows, err := db.pool.Query(ctx, fmt.Sprintf(`
		select b from
			(select min(bucket) as first from usage_month having min(bucket) is not null) m,
			generate_series(greatest(date_trunc('%[1]s', m.first), $4, (select kept_from from retention where level = '%[1]s')),
				$1::timestamptz - interval '%[2]s', interval '%[2]s') b
		where not exists (select from cubes where level = $2 and bucket = b) order by b desc limit $3`, l, step), end, int16(l), most, from)
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
		if _, err := db.buildCubes(ctx, usage.Days, []time.Time{day}, before); err != nil {
			return fmt.Errorf("again: %w", err)
		}
	}
	return nil
}

// buildTogether sums up buckets in one transaction, unless one of them is being
// committed to. Those that were summed up since a time stay as they are.
func (db *DB) buildTogether(ctx context.Context, l usage.Level, buckets []time.Time, since time.Time) (did bool, err error) {
	numbers := make([]int32, len(buckets))
	for i, b := range buckets {
		numbers[i] = bucketNumber(l, b.Unix()/60)
	}
	slices.Sort(numbers)
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select bool_and(pg_try_advisory_xact_lock($1, number)) from unnest($2::int[]) number`, cubeLock+int32(l), slices.Compact(numbers)).Scan(&did)
		if err != nil || !did {
			return err
		}
		// Somebody else may have been here since they were found.
		rows, err := tx.Query(ctx, `
			select b from unnest($2::timestamptz[]) b
			where not exists (select from cubes where level = $1 and bucket = b and built_at >= $3) order by b`, int16(l), buckets, since)
		if err != nil {
			return err
		}
		left, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
		if err != nil || len(left) == 0 {
			return err
		}
		return sumUp(ctx, tx, l, left)
	})
	return did, err
}

// sumUp makes the sums of buckets anew.
func sumUp(ctx context.Context, tx pgx.Tx, l usage.Level, buckets []time.Time) error {
	skipped, err := packBuckets(ctx, tx, l, buckets)
	if err != nil {
		return err
	}
	if l == usage.Days {
		for _, day := range buckets {
			if err := fillReconciled(ctx, tx, day); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(ctx, `
		insert into cubes (level, bucket, skipped) select $1, b, coalesce(b = any($3), false) from unnest($2::timestamptz[]) b
		on conflict (level, bucket) do update set built_at = now(), skipped = excluded.skipped`, int16(l), buckets, skipped)
	return err
}

// fillReconciled writes what was sent and what is in the rollup of a day anew.
func fillReconciled(ctx context.Context, tx pgx.Tx, day time.Time) error {
	for _, table := range []string{`cube_reconciled`, `cube_reconciled_day`} {
		if _, err := tx.Exec(ctx, `delete from `+table+` where day = $1`, day); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		insert into cube_reconciled (day, account_id, sent, by_minute, by_hour, by_day, corrected, imported)
		select ($2::timestamptz at time zone 'UTC')::date, account_id, coalesce(sent, 0), coalesce(m.requests, 0), coalesce(h.requests, 0), coalesce(rolled_up, 0), coalesce(corrected, 0), coalesce(imported, 0)
		from (`+comparedSQL(`$1`, `true`)+`) c (day, account_id, sent, rolled_up, corrected, imported)
		full join `+rolledUpSQL(controlplane.ByMinute, `$2::timestamptz`, `true`)+` m using (account_id)
		full join `+rolledUpSQL(controlplane.ByHour, `$2::timestamptz`, `true`)+` h using (account_id)`, []time.Time{day}, day)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into cube_reconciled_day
		select day, count(*), count(*) filter (where sent <> by_day), sum(sent), sum(by_minute), sum(by_hour), sum(by_day), sum(corrected), sum(imported)
		from cube_reconciled where day = $1 group by day`, day)
	return err
}

// ForgetCubes deletes the sums of what is not kept any more.
func (db *DB) ForgetCubes(ctx context.Context, now time.Time) error {
	return db.inTx(ctx, func(tx pgx.Tx) error {
		for _, l := range cubeLevels {
			from := now.Add(-minutesFor).Truncate(24 * time.Hour)
			var kept *time.Time
			err := tx.QueryRow(ctx, `select nullif(kept_from, '-infinity') from retention where level = $1`, l.String()).Scan(&kept)
			if err != nil {
				return fmt.Errorf("read the retention: %w", err)
			}
			switch {
			case l != usage.Minutes && kept == nil:
				continue
			case l != usage.Minutes || kept != nil && kept.After(from):
				from = *kept
			}
			if err := forgetBefore(ctx, tx, l, from); err != nil {
				return fmt.Errorf("forget old sums: %w", err)
			}
		}
		return nil
	})
}
