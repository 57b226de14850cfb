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
// added up. Far more, and Postgres would store it apart from its row.
const longLatency = 600

// addRollups adds rows to the rollups. It fails with errMissingPartitions, before
// it has taken a lock, when it knows of no partition for some.
func (db *DB) addRollups(ctx context.Context, tx pgx.Tx, r usage.Rollups) error {
	if missing := db.partitions.missing(r); len(missing) > 0 {
		return missing
	}
	for l := range r.Usage {
		if err := addUsage(ctx, tx, usage.Level(l), r.Usage[l]); err != nil {
			return fmt.Errorf("add usage by the %s: %w", usage.Level(l), err)
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

// addUsage adds rows to one level. A row's latency is only appended to; the few
// rows that have got long by that come back and are written anew.
func addUsage(ctx context.Context, tx pgx.Tx, l usage.Level, rows []usage.Row) error {
	if len(rows) == 0 {
		return nil
	}
	c := columnsOf(rows)
	returned, err := tx.Query(ctx, addUsageSQL[l], c.buckets, c.accounts, c.keys, c.endpoints, c.tiers, c.statuses, c.decisions,
		c.requests, c.shadowed, c.late, c.cost, c.bytesIn, c.bytesOut, c.durationUS, c.latencies, longLatency)
	if err != nil {
		return err
	}
	long, err := longOf(returned)
	if err != nil || len(long) == 0 {
		return err
	}
	c = columnsOf(long)
	_, err = tx.Exec(ctx, setLatencySQL[l], c.buckets, c.accounts, c.keys, c.endpoints, c.tiers, c.statuses, c.decisions, c.latencies)
	return err
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

// usageColumns are rows as arrays, which is how a statement takes many of them.
type usageColumns struct {
	buckets                                                       []time.Time
	accounts, keys, endpoints, tiers                              []int64
	statuses, decisions                                           []int16
	requests, shadowed, late, cost, bytesIn, bytesOut, durationUS []int64
	latencies                                                     [][]byte
}

func columnsOf(rows []usage.Row) *usageColumns {
	n := len(rows)
	ints := make([]int64, 11*n)
	column := func() []int64 {
		c := ints[:n:n]
		ints = ints[n:]
		return c
	}
	c := &usageColumns{
		buckets: make([]time.Time, n), statuses: make([]int16, n), decisions: make([]int16, n), latencies: make([][]byte, n),
		accounts: column(), keys: column(), endpoints: column(), tiers: column(),
		requests: column(), shadowed: column(), late: column(), cost: column(), bytesIn: column(), bytesOut: column(), durationUS: column(),
	}
	stored := make([]byte, 0, 40*n) // never nil, which would be null
	for i := range rows {
		r := &rows[i]
		c.buckets[i] = time.Unix(r.Minute*60, 0).UTC()
		c.accounts[i], c.keys[i], c.endpoints[i], c.tiers[i] = int64(r.Account), int64(r.Key), int64(r.Endpoint), int64(r.Tier)
		c.statuses[i], c.decisions[i] = int16(r.Status), int16(r.Decision)
		c.requests[i], c.shadowed[i], c.late[i], c.cost[i] = r.Requests, r.Shadowed, r.Late, r.Cost
		c.bytesIn[i], c.bytesOut[i], c.durationUS[i] = r.BytesIn, r.BytesOut, r.DurationUS
		begin := len(stored)
		stored = usage.AppendLatency(stored, r.Latency)
		c.latencies[i] = stored[begin:len(stored):len(stored)]
	}
	return c
}

const usageKey = `bucket, account_id, key_id, endpoint_id, tier_id, status, decision`

// usageKeys are the arrays of keys.
const usageKeys = `$1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[], $7::smallint[]`

// addUsageSQL adds rows to a level, in the order in which they are given, which
// is the lock order, and returns the keys of those that have got long.
var addUsageSQL = func() (sql [usage.Levels]string) {
	for l := range sql {
		sql[l] = `
			with added as (
				insert into usage_` + usage.Level(l).String() + ` as u (` + usageKey + `,
					requests, shadowed, late, cost, bytes_in, bytes_out, duration_us, latency)
				select * from unnest(` + usageKeys + `,
					$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bytea[])
				on conflict (` + usageKey + `) do update set
					requests = u.requests + excluded.requests, shadowed = u.shadowed + excluded.shadowed, late = u.late + excluded.late,
					cost = u.cost + excluded.cost, bytes_in = u.bytes_in + excluded.bytes_in, bytes_out = u.bytes_out + excluded.bytes_out,
					duration_us = u.duration_us + excluded.duration_us, latency = u.latency || excluded.latency
				returning ` + usageKey + `, case when octet_length(latency) > $16 then latency end as latency)
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
			from unnest(` + usageKeys + `, $8::bytea[]) as c (` + usageKey + `, latency)
			on conflict (` + usageKey + `) do update set latency = excluded.latency`
	}
	return sql
}()
