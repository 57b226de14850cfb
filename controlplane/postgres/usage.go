package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// totalsColumns sums rollup rows into controlplane.Totals; decision 1 is allowed,
// 2 throttled, 3 to 5 refused, 6 corrected, 7 imported.
const totalsColumns = `
	sum(requests)::bigint,
	coalesce(sum(requests) filter (where decision = 1), 0)::bigint,
	coalesce(sum(requests) filter (where decision = 2), 0)::bigint,
	coalesce(sum(requests) filter (where decision between 3 and 5), 0)::bigint,
	coalesce(sum(requests) filter (where decision = 6), 0)::bigint,
	coalesce(sum(requests) filter (where decision = 7), 0)::bigint,
	coalesce(sum(requests) filter (where decision = 1 and status >= 500), 0)::bigint,
	sum(shadowed)::bigint, sum(late)::bigint, sum(cost)::bigint, sum(bytes_in)::bigint, sum(bytes_out)::bigint,
	coalesce(sum(duration_us) filter (where decision = 1), 0)::bigint,
	string_agg(latency, '') filter (where decision = 1)`

// Series returns the totals of each bucket of the range that has usage.
func (db *DB) Series(ctx context.Context, g controlplane.Granularity, r controlplane.Range, f controlplane.UsageFilter) (map[time.Time]controlplane.Totals, error) {
	where, args := usageWhere(r, f)
	rows, err := db.pool.Query(ctx, `select bucket, `+totalsColumns+` from usage_`+g.String()+where+` group by bucket`, args...)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	series := map[time.Time]controlplane.Totals{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var bucket time.Time
		var t controlplane.Totals
		err := scanTotals(row, &t, &bucket)
		series[bucket.UTC()] = t
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return series, nil
}

func scanTotals(row pgx.CollectableRow, t *controlplane.Totals, before any) error {
	var latency []byte
	err := row.Scan(before, &t.Requests, &t.Allowed, &t.Throttled, &t.Refused, &t.Corrected, &t.Imported, &t.Errors,
		&t.Shadowed, &t.Late, &t.Cost, &t.BytesIn, &t.BytesOut, &t.AllowedDurationUS, &latency)
	if err != nil {
		return err
	}
	t.Latency, err = usage.ReadLatency(latency)
	return err
}

func usageWhere(r controlplane.Range, f controlplane.UsageFilter) (string, []any) {
	return usageWhereFrom(0, r, f)
}

// usageWhereFrom writes the conditions with placeholders after the first n.
func usageWhereFrom(n int, r controlplane.Range, f controlplane.UsageFilter) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(n+len(args))
	}
	where := ` where bucket >= ` + arg(r.From) + ` and bucket < ` + arg(r.To)
	if len(f.Accounts) > 0 {
		where += ` and account_id = any(` + arg(toInt64s(f.Accounts)) + `)`
	}
	if len(f.Keys) > 0 {
		where += ` and key_id = any(` + arg(toInt64s(f.Keys)) + `)`
	}
	if len(f.Tiers) > 0 {
		where += ` and tier_id = any(` + arg(toInt64s(f.Tiers)) + `)`
	}
	if len(f.Endpoints) > 0 {
		where += ` and endpoint_id = any(` + arg(toInt64s(f.Endpoints)) + `)`
	}
	if len(f.Statuses) > 0 {
		where += ` and status = any(` + arg(f.Statuses) + `::int[])`
	}
	if len(f.Decisions) > 0 {
		where += ` and decision = any(` + arg(decisionNumbers(f.Decisions)) + `)`
	}
	return where, args
}

func decisionNumbers(decisions []wire.Decision) []int16 {
	numbers := make([]int16, len(decisions))
	for i, d := range decisions {
		numbers[i] = int16(d)
	}
	return numbers
}

// Levels returns what was last reported of the accounts' buckets.
func (db *DB) Levels(ctx context.Context, accounts []controlplane.ID) ([]controlplane.Level, error) {
	levels, err := list[controlplane.Level](ctx, db.pool, `
		select account_id, limit_id, key_id, remaining, observed_at from levels where account_id = any($1)`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("read levels: %w", err)
	}
	return levels, nil
}
