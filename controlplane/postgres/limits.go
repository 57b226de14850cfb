package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

const limitColumns = `id, tier_id, name, subject, selector, coalesce(endpoint_id, 0), coalesce(group_id, 0), measure, kind,
	amount, period, coalesce(burst, 0), mode, coalesce(grace_percent, 0), coalesce(grace_seconds, 0), fail_open, refund_errors,
	coalesce(error_percent, 0), coalesce(slow_ms, 0), coalesce(slow_percent, 0), coalesce(floor_percent, 0)`

// LimitsByID returns the limits among ids that exist, in any order.
func (db *DB) LimitsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Limit, error) {
	limits, err := listLimits(ctx, db.pool, `select `+limitColumns+` from limits where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	return limits, nil
}

func listLimits(ctx context.Context, q querier, sql string, args ...any) ([]controlplane.Limit, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (controlplane.Limit, error) {
		var l controlplane.Limit
		a := &l.Adaptive
		err := r.Scan(&l.ID, &l.TierID, &l.Name, &l.Subject, &l.Selector, &l.Endpoint, &l.Group, &l.Measure, &l.Kind,
			&l.Amount, &l.Period, &l.Burst, &l.Mode, &l.GracePercent, &l.GraceSeconds, &l.FailOpen, &l.RefundErrors,
			&a.ErrorPercent, &a.SlowMS, &a.SlowPercent, &a.FloorPercent)
		return l, err
	})
}

// orNull writes a zero as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// setLimits makes limits the whole list of the tier's limits.
func setLimits(ctx context.Context, tx pgx.Tx, tier controlplane.ID, limits []controlplane.Limit) error {
	kept := []int64{}
	for _, l := range limits {
		if l.ID != 0 {
			kept = append(kept, int64(l.ID))
		}
	}
	if _, err := tx.Exec(ctx, `delete from limits where tier_id = $1 and id <> all($2)`, tier, kept); err != nil {
		return err
	}
	for i, l := range limits {
		if err := setLimit(ctx, tx, tier, i, l); err != nil {
			return err
		}
	}
	return nil
}

// setLimit writes one limit, and gives the new ones their ids.
func setLimit(ctx context.Context, tx pgx.Tx, tier controlplane.ID, position int, l controlplane.Limit) error {
	values := []any{
		tier, position, l.Name, l.Subject, l.Selector, orNull(l.Endpoint), orNull(l.Group), l.Measure, l.Kind,
		l.Amount, l.Period, orNull(l.Burst), l.Mode, orNull(l.GracePercent), orNull(l.GraceSeconds), l.FailOpen, l.RefundErrors,
		orNull(l.Adaptive.ErrorPercent), orNull(l.Adaptive.SlowMS), orNull(l.Adaptive.SlowPercent), orNull(l.Adaptive.FloorPercent),
	}
	const columns = `(tier_id, position, name, subject, selector, endpoint_id, group_id, measure, kind,
		amount, period, burst, mode, grace_percent, grace_seconds, fail_open, refund_errors,
		error_percent, slow_ms, slow_percent, floor_percent)`
	const places = `($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`
	if l.ID == 0 {
		_, err := tx.Exec(ctx, `insert into limits `+columns+` values `+places, values...)
		return limitFault(position, err)
	}
	tag, err := tx.Exec(ctx, `update limits set `+columns+` = `+places+` where tier_id = $1 and id = $22`, append(values, l.ID)...)
	if err == nil && tag.RowsAffected() == 0 {
		return controlplane.NotFound(fmt.Sprintf("limits.%d.id", position), "limit in this tier")
	}
	return limitFault(position, err)
}

func limitFault(position int, err error) error {
	switch {
	case isViolation(err, "limits_endpoint_fkey"):
		return controlplane.NotFound(fmt.Sprintf("limits.%d.endpointId", position), "endpoint")
	case isViolation(err, "limits_group_fkey"):
		return controlplane.NotFound(fmt.Sprintf("limits.%d.groupId", position), "endpoint group")
	}
	return err
}
