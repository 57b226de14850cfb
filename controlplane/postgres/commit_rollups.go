package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// longLatency is how long, in bytes, a row's latency may grow before its bins are
// added up. What is added up of a busy row has some 300 bytes: with little more
// than that here it would be written twice in each commit. With far more, Postgres
// would store it apart from its row.
const longLatency = 1200

// addRollups adds rows to the rollups. It fails with missingPartitionsError, before
// it has taken a lock of them, when it knows of no partition for some.
func (db *DB) addRollups(ctx context.Context, tx pgx.Tx, r usage.Rollups) error {
	if missing := db.partitions.missing(r); len(missing) > 0 {
		return missing
	}
	if err := staleCubes(ctx, tx, r); err != nil {
		return err
	}
	parts := partsOf(r.Usage)
	if len(parts) > 0 {
		if err := stage(ctx, tx, parts); err != nil {
			return fmt.Errorf("stage usage: %w", err)
		}
	}
	for i, p := range parts {
		for _, l := range p.levels {
			if err := addUsage(ctx, tx, l, i); err != nil {
				return fmt.Errorf("add usage by the %s: %w", l, err)
			}
		}
	}
	batch := &pgx.Batch{}
	for l, rows := range r.Verdicts {
		queueVerdicts(batch, usage.Level(l), rows)
	}
	for l, rows := range r.Meters {
		queueMeters(batch, usage.Level(l), rows)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("add verdicts and meters: %w", err)
	}
	return nil
}

// addUsage adds a staged part to a level. A row's latency is only appended to; the
// few rows that have got long by that come back and are written anew.
func addUsage(ctx context.Context, tx pgx.Tx, l usage.Level, part int) error {
	returned, err := tx.Query(ctx, addUsageSQL[l], part, longLatency)
	if err != nil {
		return err
	}
	long, err := longOf(returned)
	if err != nil || len(long) == 0 {
		return err
	}
	return setLatencies(ctx, tx, l, long)
}

// longOf reads rows with their latencies added up.
func longOf(returned pgx.Rows) ([]usage.Row, error) {
	return pgx.CollectRows(returned, func(row pgx.CollectableRow) (r usage.Row, err error) {
		var bucket time.Time
		var stored []byte
		var status, decision int16
		err = row.Scan(&bucket, &r.Account, &r.Key, &r.Endpoint, &r.Tier, &status, &decision, &stored)
		if err != nil {
			return r, err
		}
		r.Minute, r.Status, r.Decision = bucket.Unix()/60, uint16(status), wire.Decision(decision)
		r.Latency, err = usage.ReadLatency(stored)
		return r, err
	})
}

// setLatencies replaces the latencies of rows that are there.
func setLatencies(ctx context.Context, tx pgx.Tx, l usage.Level, rows []usage.Row) error {
	var buckets []time.Time
	var accounts, keys, endpoints, tiers []int64
	var statuses, decisions []int16
	var latencies [][]byte
	for i := range rows {
		r := &rows[i]
		buckets, accounts, keys = append(buckets, time.Unix(r.Minute*60, 0)), append(accounts, int64(r.Account)), append(keys, int64(r.Key))
		endpoints, tiers = append(endpoints, int64(r.Endpoint)), append(tiers, int64(r.Tier))
		statuses, decisions = append(statuses, int16(r.Status)), append(decisions, int16(r.Decision))
		latencies = append(latencies, usage.AppendLatency([]byte{}, r.Latency))
	}
	_, err := tx.Exec(ctx, setLatencySQL[l], buckets, accounts, keys, endpoints, tiers, statuses, decisions, latencies)
	return err
}

const usageKey = `bucket, account_id, key_id, endpoint_id, tier_id, status, decision`

// addUsageSQL adds staged rows to a level and returns the keys and latencies of
// those that have got long. A temporary table is read as it was written, so the
// rows are locked in the order in which they were staged, which is that of keys.
var addUsageSQL = func() (sql [usage.Levels]string) {
	for l := range sql {
		sql[l] = `
			with added as (
				insert into usage_` + usage.Level(l).String() + ` as u (` + usageKey + `,
					requests, shadowed, late, cost, bytes_in, bytes_out, duration_us, latency)
				select ` + stagedBuckets[l] + `, account_id, key_id, endpoint_id, tier_id, status, decision,
					requests, shadowed, late, cost, bytes_in, bytes_out, duration_us, latency
				from staged_usage where part = $1
				on conflict (` + usageKey + `) do update set
					requests = u.requests + excluded.requests, shadowed = u.shadowed + excluded.shadowed, late = u.late + excluded.late,
					cost = u.cost + excluded.cost, bytes_in = u.bytes_in + excluded.bytes_in, bytes_out = u.bytes_out + excluded.bytes_out,
					duration_us = u.duration_us + excluded.duration_us, latency = u.latency || excluded.latency
				returning ` + usageKey + `, case when octet_length(latency) > $2 then latency end as latency)
			select * from added where latency is not null`
	}
	return sql
}()

// setLatencySQL replaces the latency of rows that are there. An update that joins
// them would leave it to the planner whether it reads the whole table.
var setLatencySQL = func() (sql [usage.Levels]string) {
	for l := range sql {
		sql[l] = `
			insert into usage_` + usage.Level(l).String() + ` as u (` + usageKey + `,
				requests, shadowed, late, cost, bytes_in, bytes_out, duration_us, latency)
			select ` + usageKey + `, 0, 0, 0, 0, 0, 0, 0, latency
			from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::smallint[], $8::bytea[]) as c (` + usageKey + `, latency)
			on conflict (` + usageKey + `) do update set latency = excluded.latency`
	}
	return sql
}()
