package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
)

// capped is a sum of amounts as a bigint. A sum beyond its bounds, which only a sum
// of amounts can get to, is at the bound.
func capped(sum string) string {
	return `greatest(-9223372036854775807, least(9223372036854775807, ` + sum + `))::bigint`
}

// queueMeters adds rows, in their order, to a rollup of custom meters.
func queueMeters(batch *pgx.Batch, l usage.Level, rows []usage.MeterRow) {
	if len(rows) == 0 {
		return
	}
	var buckets []time.Time
	var accounts, keys, endpoints, tiers, meters, requests, amounts, corrected []int64
	for i := range rows {
		r := &rows[i]
		buckets, accounts, keys = append(buckets, time.Unix(r.Minute*60, 0)), append(accounts, int64(r.Account)), append(keys, int64(r.Key))
		endpoints, tiers, meters = append(endpoints, int64(r.Endpoint)), append(tiers, int64(r.Tier)), append(meters, int64(r.Meter))
		requests, amounts, corrected = append(requests, r.Requests), append(amounts, r.Amount), append(corrected, r.Corrected)
	}
	batch.Queue(`
		insert into meter_`+l.String()+` as m (bucket, account_id, key_id, endpoint_id, tier_id, meter_id, requests, amount, corrected)
		select * from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
		on conflict (bucket, account_id, key_id, endpoint_id, tier_id, meter_id) do update
		set requests = m.requests + excluded.requests, amount = m.amount + excluded.amount, corrected = m.corrected + excluded.corrected`,
		buckets, accounts, keys, endpoints, tiers, meters, requests, amounts, corrected)
}
