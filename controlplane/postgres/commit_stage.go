package postgres

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
)

// createStaging makes the connection's own table that rows of usage are copied
// into before they are added to the rollups.
func createStaging(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `
		create temporary table staged_usage (
			part smallint, minute timestamptz, hour timestamptz, day timestamptz, month timestamptz,
			account_id bigint, key_id bigint, endpoint_id bigint, tier_id bigint, status smallint, decision smallint,
			requests bigint, shadowed bigint, late bigint, cost bigint, bytes_in bigint, bytes_out bigint,
			duration_us bigint, latency bytea
		) on commit delete rows`)
	return err
}

// stagedBuckets are the columns that have the buckets of a level.
var stagedBuckets = [usage.Levels]string{"minute", "hour", "day", "month", "day", "month"}

// stagedPart is rows that are added to one level or more. While all usage is of one
// minute, as it mostly is, the rows of the four levels differ in their buckets
// only, and the database gets them once.
type stagedPart struct {
	rows   []usage.Row
	levels []usage.Level
}

func partsOf(levels [usage.Levels][]usage.Row) (parts []stagedPart) {
	for l, rows := range levels {
		if len(rows) == 0 {
			continue
		}
		l := usage.Level(l)
		if n := len(parts); n > 0 && l < usage.DayShifts && sameBut(parts[n-1].rows, rows) {
			parts[n-1].levels = append(parts[n-1].levels, l)
			continue
		}
		parts = append(parts, stagedPart{rows, []usage.Level{l}})
	}
	return parts
}

// sameBut says whether rows differ in nothing but their buckets. Equal sums of
// equal keys are those of the same requests, and so have equal latencies.
func sameBut(a, b []usage.Row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		k := a[i].EntryKey
		k.Minute = b[i].Minute
		if k != b[i].EntryKey || a[i].Sums != b[i].Sums {
			return false
		}
	}
	return true
}

// stage copies parts, in their order, in Postgres's binary format.
func stage(ctx context.Context, tx pgx.Tx, parts []stagedPart) error {
	buffer := append(make([]byte, 0, 1<<20), "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for part := range parts {
		rows := parts[part].rows
		for i := range rows {
			buffer = appendStaged(buffer, int16(part), &rows[i])
		}
	}
	buffer = append(buffer, 0xff, 0xff)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(buffer), `copy staged_usage from stdin (format binary)`)
	return err
}

func appendStaged(to []byte, part int16, r *usage.Row) []byte {
	to = binary.BigEndian.AppendUint16(to, 19) // columns
	to = append16(to, part)
	for l := usage.Minutes; l <= usage.Months; l++ {
		to = append64(to, microseconds(l.Begin(r.Minute)))
	}
	for _, id := range [...]uint64{r.Account, r.Key, r.Endpoint, r.Tier} {
		to = append64(to, int64(id))
	}
	to = append16(append16(to, int16(r.Status)), int16(r.Decision))
	for _, sum := range [...]int64{r.Requests, r.Shadowed, r.Late, r.Cost, r.BytesIn, r.BytesOut, r.DurationUS} {
		to = append64(to, sum)
	}
	length := len(to)
	to = usage.AppendLatency(append(to, 0, 0, 0, 0), r.Latency)
	binary.BigEndian.PutUint32(to[length:], uint32(len(to)-length-4))
	return to
}

func append16(to []byte, n int16) []byte {
	return binary.BigEndian.AppendUint16(append(to, 0, 0, 0, 2), uint16(n))
}

func append64(to []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(to, 0, 0, 0, 8), uint64(n))
}

// microseconds is a time in minutes since the Unix epoch as Postgres has it: in
// microseconds since the beginning of the year 2000.
func microseconds(minute int64) int64 {
	const epoch = 946_684_800
	return (minute*60 - epoch) * 1_000_000
}
