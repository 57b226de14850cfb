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
var cubeLevels = [...]usage.Level{usage.Days, usage.Months, usage.Hours}

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
