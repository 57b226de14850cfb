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

// cubeLock and a level are the first half of an advisory lock; the second is the
// bucket's number. Commits share a bucket's; who sums it up has it alone.
const cubeLock = 0x57_45_49_00

// cubeLevels are the rollups that are summed up, those that most is read of first.
var cubeLevels = [...]usage.Level{usage.Days, usage.Months, usage.Minutes, usage.Hours}

// cubeNumbers bounds how many locks one commit takes. Buckets of one number wait for
// each other, and are far apart.
const cubeNumbers = 512

// bucketNumber tells the buckets of a level apart; they begin at minute.
func bucketNumber(l usage.Level, minute int64) int32 {
	return int32(minute / [...]int64{usage.Minutes: minutesAtOnce, usage.Hours: 60, usage.Days: 24 * 60, usage.Months: 28 * 24 * 60}[l] % cubeNumbers)
}

const minutesAtOnce = int64(explore.MinutesAtOnce / time.Minute)

// cubeMinute returns when the bucket of `cubes` begins that a row of a rollup is in.
func cubeMinute(l usage.Level, minute int64) int64 {
	if l == usage.Minutes {
		return minute - minute%minutesAtOnce
	}
	return minute
}

// staleCubes takes the buckets that rows are added to out of the cubes, and keeps
// them out until the transaction ends. It comes before any lock on a row of a
// rollup. Only late usage waits in it: until its bucket has been summed up.
func staleCubes(ctx context.Context, tx pgx.Tx, r usage.Rollups) error {
	if len(r.Usage[usage.Months]) == 0 {
		return nil
	}
	var levels, lockLevels, numbers []int32
	var buckets []time.Time
	type lock struct {
		level  usage.Level
		number int32
	}
	locked := map[lock]bool{}
	for _, l := range cubeLevels {
		seen := map[int64]bool{}
		for i := range r.Usage[l] {
			minute := cubeMinute(l, r.Usage[l][i].Minute)
			if seen[minute] {
				continue
			}
			seen[minute] = true
			levels, buckets = append(levels, int32(l)), append(buckets, time.Unix(minute*60, 0).UTC())
			if n := (lock{l, bucketNumber(l, minute)}); !locked[n] {
				locked[n] = true
				lockLevels, numbers = append(lockLevels, int32(l)), append(numbers, n.number)
			}
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`select pg_advisory_xact_lock_shared($1 + level, number) from unnest($2::int[], $3::int[]) as b (level, number)`, cubeLock, lockLevels, numbers)
	batch.Queue(`
		delete from cubes where (level, bucket) in (
			select level, bucket from cubes where (level, bucket) in (select * from unnest($1::int[], $2::timestamptz[]))
			order by level, bucket for update)`, levels, buckets)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("take buckets out of the cubes: %w", err)
	}
	return nil
}

// builtOf reads which buckets of some plans have been summed up.
func builtOf(ctx context.Context, q querier, plans ...explore.Plan) (built explore.Built, err error) {
	var parts []explore.Part
	for _, p := range plans {
		parts = append(parts, p.Wanted()...)
	}
	return builtIn(ctx, q, parts)
}

// builtIn reads which buckets of some parts have been summed up.
func builtIn(ctx context.Context, q querier, parts []explore.Part) (built explore.Built, err error) {
	var levels []int16
	var from, to []time.Time
	for _, g := range controlplane.Granularities {
		built[g] = map[int64]bool{}
	}
	for _, p := range parts {
		begin := p.From
		if p.Level == controlplane.ByMinute {
			begin = begin.Truncate(explore.MinutesAtOnce)
		}
		levels, from, to = append(levels, int16(p.Level)), append(from, begin), append(to, p.To)
	}
	rows, err := q.Query(ctx, `
		select r.level, c.buckets from unnest($1::smallint[], $2::timestamptz[], $3::timestamptz[]) as r (level, begin, stop),
			lateral (select array_agg(bucket) as buckets from cubes where level = r.level and bucket >= r.begin and bucket < r.stop and not skipped) c
		where c.buckets is not null`, levels, from, to)
	if err != nil {
		return built, fmt.Errorf("read what is summed up: %w", err)
	}
	var level int16
	var buckets []time.Time
	_, err = pgx.ForEachRow(rows, []any{&level, &buckets}, func() error {
		for _, b := range buckets {
			built[level][b.Unix()] = true
		}
		return nil
	})
	if err != nil {
		return built, fmt.Errorf("read what is summed up: %w", err)
	}
	return built, nil
}
