package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

const meterColumns = `id, name, unit, header, coalesce(endpoint_id, 0), hidden, revision`

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
		created, err = insertMeter(ctx, tx, note, m)
		return err
	})
	return created, version, meterFault("create meter", err)
}

// insertMeter makes a meter, and notes it.
func insertMeter(ctx context.Context, tx pgx.Tx, note *notes, m controlplane.Meter) (controlplane.Meter, error) {
	back, err := restoredOf(ctx, audit.Meter)
	if err != nil {
		return m, err
	}
	made, err := one[controlplane.Meter](ctx, tx, `
		insert into meters (id, name, unit, header, endpoint_id, hidden, revision) overriding system value
		values (coalesce($1, nextval('meters_id_seq')), $2, $3, $4, $5, $6, $7) returning `+meterColumns,
		orNull(back.id), m.Name, m.Unit, m.Header, orNull(m.EndpointID), m.Hidden, back.revision())
	if err != nil {
		return m, err
	}
	image := audit.OfMeter(made)
	if err := back.manage(ctx, tx, image, controlplane.KindMeter, made.ID); err != nil {
		return m, err
	}
	note.add(audit.Created(audit.CreateMeter, image))
	return made, checkCount(ctx, tx, `select count(*) from meters`, book.MaxMeters,
		controlplane.Conflict("name", "there are %d meters, and the filter takes no more; delete one first", book.MaxMeters))
}

// UpdateMeter changes a meter. What was counted before stays.
func (db *DB) UpdateMeter(ctx context.Context, e controlplane.MeterEdit) (controlplane.Meter, uint64, error) {
	var meter controlplane.Meter
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := meterToEdit(ctx, tx, e.ID, e.Revision)
		if err != nil {
			return err
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

// DeleteMeter deletes a meter, if it is at a revision; nil is any. What it counted stays.
func (db *DB) DeleteMeter(ctx context.Context, id controlplane.ID, revision *int) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := meterToEdit(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		if err := noteDeletedMeter(ctx, tx, note, before); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from meters where id = $1`, id)
		return err
	})
	return version, meterFault("delete meter", err)
}

func noteDeletedMeter(ctx context.Context, tx pgx.Tx, note *notes, m controlplane.Meter) error {
	image := audit.OfMeter(m)
	note.add(audit.Deleted(audit.DeleteMeter, image))
	return noteManager(ctx, tx, image, controlplane.KindMeter, m.ID)
}

// meterToEdit returns a meter as it is, if it is at the revision that an edit is based
// on; nil is any.
func meterToEdit(ctx context.Context, tx pgx.Tx, id controlplane.ID, revision *int) (controlplane.Meter, error) {
	m, err := one[controlplane.Meter](ctx, tx, `select `+meterColumns+` from meters where id = $1`, id)
	if err != nil {
		return m, orMissing(err, controlplane.NotFound("id", "meter"))
	}
	if revision != nil && *revision != m.Revision {
		return m, stale(ctx, tx, audit.OfMeter(m), *revision, m.Revision)
	}
	return m, nil
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
