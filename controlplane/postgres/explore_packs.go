package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/controlplane/explore"
)

// readPacks gives the packs of some parts. What it gives is good only until each
// returns.
func readPacks(ctx context.Context, tx pgx.Tx, parts []explore.Part, latencies bool, each func(explore.Packed) error) error {
	if len(parts) == 0 {
		return nil
	}
	var cubes, levels []int16
	var from, to []time.Time
	for _, p := range parts {
		cubes, levels = append(cubes, int16(p.Cube)), append(levels, int16(p.Level))
		from, to = append(from, p.From), append(to, p.To)
	}
	latency := `''::bytea`
	if latencies {
		latency = `latencies`
	}
	// The offset keeps each part a look into the index.
	rows, err := tx.Query(ctx, `
		select r.number, p.* from unnest($1::smallint[], $2::smallint[], $3::timestamptz[], $4::timestamptz[]) with ordinality as r (cube, level, begin, stop, number),
			lateral (select bucket, sums, `+latency+` from cube_packs
				where cube = r.cube and level = r.level and bucket >= r.begin and bucket < r.stop offset 0) p`, cubes, levels, from, to)
	if err != nil {
		return fmt.Errorf("read sums: %w", err)
	}
	var number int
	var bucket time.Time
	var sums, texts pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&number, &bucket, &sums, &texts}, func() error {
		return each(explore.Packed{Part: parts[number-1], Bucket: bucket, Sums: sums, Latency: texts})
	})
	if err != nil {
		return fmt.Errorf("read sums: %w", err)
	}
	return nil
}
