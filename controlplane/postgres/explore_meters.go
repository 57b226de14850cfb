package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
)

// meterScan returns the scan of the rows of some meters.
func (r *reader) meterScan(p explore.Plan, meters ...controlplane.ID) *scan {
	s := newScan(p, r.q.Filter, r.q.GroupBy)
	s.table, s.meters = "meter_", meters
	return s
}

// rankByMeter is find by the amounts of a meter. Groups that have nothing of it count
// too.
func (r *reader) rankByMeter(ctx context.Context, most int) error {
	whole := r.whole(r.plan)
	all := newScan(r.in(whole, explore.NeedOf(r.q.GroupBy, r.q.Filter, false).OnlyTables()), r.q.Filter, r.q.GroupBy)
	dimensions := all.dimensions()
	usage := all.usage(dimensions + `, 0::bigint as m`)
	metered := r.meterScan(whole, r.q.OrderByMeter)
	metered.args = all.args
	return r.findAmong(ctx, fmt.Sprintf(`select %s, `+capped(`sum(m)`)+` from (%s union all %s) u group by %s`,
		all.keyColumns(), usage, metered.usage(dimensions+`, amount + corrected as m`), dimensions), metered, most)
}

// readMeters adds up the meters of a question by the group's rank and the point.
func (r *reader) readMeters(ctx context.Context, p explore.Plan, sums *explore.Sums) error {
	s := r.meterScan(p, r.q.Meters...)
	rows, err := r.tx.Query(ctx, `
		select rank, point, meter_id, sum(requests)::bigint, `+capped(`sum(amount + corrected)`)+`
		from (`+s.ranked(r.keys, `meter_id, requests, amount, corrected`)+`) u group by rank, point, meter_id`, s.args...)
	if err != nil {
		return err
	}
	var rank, point int
	var m explore.MeterAmount
	_, err = pgx.ForEachRow(rows, []any{&rank, &point, &m.MeterID, &m.Requests, &m.Amount}, func() error {
		sums.AddMeter(rank, point, m)
		return nil
	})
	return err
}
