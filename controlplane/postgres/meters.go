package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

const meterColumns = `id, name, unit, header, coalesce(endpoint_id, 0), hidden`

// Meters returns all custom meters, by name.
func (db *DB) Meters(ctx context.Context) ([]controlplane.Meter, error) {
	meters, err := list[controlplane.Meter](ctx, db.pool, `select `+meterColumns+` from meters order by name`)
	if err != nil {
		return nil, fmt.Errorf("list meters: %w", err)
	}
	return meters, nil
}

// MetersByID returns the meters among ids that exist, in any order.
func (db *DB) MetersByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Meter, error) {
	meters, err := list[controlplane.Meter](ctx, db.pool, `select `+meterColumns+` from meters where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read meters: %w", err)
	}
	return meters, nil
}

// CreateMeter creates a meter; its ID is ignored.
func (db *DB) CreateMeter(ctx context.Context, m controlplane.Meter) (controlplane.Meter, uint64, error) {
	var created controlplane.Meter
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		var err error
		created, err = one[controlplane.Meter](ctx, tx, `
			insert into meters (name, unit, header, endpoint_id, hidden) values ($1, $2, $3, $4, $5) returning `+meterColumns,
			m.Name, m.Unit, m.Header, orNull(m.EndpointID), m.Hidden)
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateMeter, audit.OfMeter(created)))
		return checkCount(ctx, tx, `select count(*) from meters`, book.MaxMeters,
			controlplane.Conflict("name", "there are %d meters, and the filter takes no more; delete one first", book.MaxMeters))
	})
	return created, version, meterFault("create meter", err)
}

// UpdateMeter changes a meter. What was counted before stays.
func (db *DB) UpdateMeter(ctx context.Context, e controlplane.MeterEdit) (controlplane.Meter, uint64, error) {
	var meter controlplane.Meter
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := one[controlplane.Meter](ctx, tx, `select `+meterColumns+` from meters where id = $1`, e.ID)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", "meter"))
		}
		meter, err = one[controlplane.Meter](ctx, tx, `
			update meters set name = coalesce($2, name), unit = coalesce($3, unit), header = coalesce($4, header),
				endpoint_id = nullif(coalesce($5, endpoint_id), 0), hidden = coalesce($6, hidden)
			where id = $1 returning `+meterColumns, e.ID, e.Name, e.Unit, e.Header, e.EndpointID, e.Hidden)
		note.add(audit.Changed(audit.UpdateMeter, audit.OfMeter(before), audit.OfMeter(meter)))
		return err
	})
	return meter, version, meterFault("update meter", err)
}

// DeleteMeter deletes a meter. What it counted stays.
func (db *DB) DeleteMeter(ctx context.Context, id controlplane.ID) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := one[controlplane.Meter](ctx, tx, `delete from meters where id = $1 returning `+meterColumns, id)
		note.add(audit.Deleted(audit.DeleteMeter, audit.OfMeter(before)))
		return orMissing(err, controlplane.NotFound("id", "meter"))
	})
	return version, meterFault("delete meter", err)
}

func meterFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "meters_name_key"):
		return controlplane.Invalid("name", "another meter has this name; choose a different one")
	case isViolation(err, "meters_endpoint_fkey"):
		return controlplane.NotFound("endpointId", "endpoint")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
