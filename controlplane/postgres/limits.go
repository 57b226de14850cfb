package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

const limitColumns = `limit_id, tier_id, name, subject, selector, coalesce(endpoint_id, 0), coalesce(group_id, 0), measure, kind,
	amount, period, coalesce(burst, 0), mode, coalesce(grace_percent, 0), coalesce(grace_seconds, 0), fail_open, refund_errors,
	coalesce(error_percent, 0), coalesce(slow_ms, 0), coalesce(slow_percent, 0), coalesce(floor_percent, 0)`

// LimitsByID returns the limits among ids that exist, in any order: each as the
// current version of its tier has it, or else the last one that had it, or else the
// last draft or pilot.
func (db *DB) LimitsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Limit, error) {
	limits, err := listLimits(ctx, db.pool, `
		select distinct on (limit_id) `+limitColumns+` from version_limits l
		where limit_id = any($1)
		order by limit_id, exists (select from cohorts c where c.version_id = l.version_id and c.head) desc,
			exists (select from tier_versions v where v.id = l.version_id and v.number is not null) desc, version_id desc`, toInt64s(ids))
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
	return pgx.CollectRows(rows, scanLimit)
}

func scanLimit(r pgx.CollectableRow) (l controlplane.Limit, err error) {
	a := &l.Adaptive
	err = r.Scan(&l.ID, &l.TierID, &l.Name, &l.Subject, &l.Selector, &l.Endpoint, &l.Group, &l.Measure, &l.Kind,
		&l.Amount, &l.Period, &l.Burst, &l.Mode, &l.GracePercent, &l.GraceSeconds, &l.FailOpen, &l.RefundErrors,
		&a.ErrorPercent, &a.SlowMS, &a.SlowPercent, &a.FloorPercent)
	return l, err
}

// orNull writes a zero as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// setLimits gives a version that isn't sealed its limits, in their order, in the place
// of what it had. A limit without an id is a new one of the tier.
func setLimits(ctx context.Context, tx pgx.Tx, tier, version controlplane.ID, limits []controlplane.Limit) error {
	if _, err := tx.Exec(ctx, `delete from version_limits where version_id = $1`, version); err != nil {
		return err
	}
	for i, l := range limits {
		if err := setLimit(ctx, tx, tier, version, i, l); err != nil {
			return err
		}
	}
	return dropUnused(ctx, tx, tier) // what the draft had, and no other version has
}

// setLimit writes one limit, and gives the new ones their ids.
func setLimit(ctx context.Context, tx pgx.Tx, tier, version controlplane.ID, position int, l controlplane.Limit) error {
	if l.ID == 0 {
		if err := tx.QueryRow(ctx, `insert into limits (tier_id) values ($1) returning id`, tier).Scan(&l.ID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		insert into version_limits (version_id, limit_id, tier_id, position, name, subject, selector, endpoint_id, group_id, measure, kind,
			amount, period, burst, mode, grace_percent, grace_seconds, fail_open, refund_errors,
			error_percent, slow_ms, slow_percent, floor_percent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		version, l.ID, tier, position, l.Name, l.Subject, l.Selector, orNull(l.Endpoint), orNull(l.Group), l.Measure, l.Kind,
		l.Amount, l.Period, orNull(l.Burst), l.Mode, orNull(l.GracePercent), orNull(l.GraceSeconds), l.FailOpen, l.RefundErrors,
		orNull(l.Adaptive.ErrorPercent), orNull(l.Adaptive.SlowMS), orNull(l.Adaptive.SlowPercent), orNull(l.Adaptive.FloorPercent))
	return limitFault(position, err)
}

func limitFault(position int, err error) error {
	switch {
	case isViolation(err, "version_limits_limit_fkey"), isViolation(err, "version_limits_pkey"):
		return controlplane.NotFound(fmt.Sprintf("limits.%d.id", position), "limit in this tier")
	case isViolation(err, "limits_endpoint_fkey"):
		return controlplane.NotFound(fmt.Sprintf("limits.%d.endpointId", position), "endpoint")
	case isViolation(err, "limits_group_fkey"):
		return controlplane.NotFound(fmt.Sprintf("limits.%d.groupId", position), "endpoint group")
	}
	return err
}
