package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// managedTables are where the kinds are, and what of them is in managed.
var managedTables = map[controlplane.Kind]struct{ column, table, name, what string }{
	controlplane.KindGroup:    {"group_id", "endpoint_groups", "name", "endpoint group"},
	controlplane.KindEndpoint: {"endpoint_id", "endpoints", "method || ' ' || template", "endpoint"},
	controlplane.KindMeter:    {"meter_id", "meters", "name", "meter"},
	controlplane.KindTier:     {"tier_id", "tiers", "name", "tier"},
}

// ManagedObjects returns what is kept in files, by kind and id.
func (db *DB) ManagedObjects(ctx context.Context) ([]controlplane.ManagedObject, error) {
	objects, err := list[controlplane.ManagedObject](ctx, db.pool, `
		select case when group_id is not null then 'grp' when endpoint_id is not null then 'end' when meter_id is not null then 'mtr' else 'tier' end as kind,
			coalesce(group_id, endpoint_id, meter_id, tier_id) as id, manager
		from managed order by 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("list what is kept in files: %w", err)
	}
	return objects, nil
}

type managedByKey struct{}

// ManagedBy returns a context in which a group, an endpoint, a meter or a tier that is
// created is kept in a manager's files from the start; an empty manager is nobody.
func ManagedBy(ctx context.Context, manager string) context.Context {
	return context.WithValue(ctx, managedByKey{}, manager)
}

// SetManager notes who keeps an object in files; an empty manager is nobody. It leaves
// no record in the audit log where nothing changes.
func (db *DB) SetManager(ctx context.Context, o controlplane.ManagedObject) error {
	at, ok := managedTables[o.Kind]
	if !ok {
		return controlplane.Invalid("id", "give the id of a group, an endpoint, a meter or a tier")
	}
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var name, before string
		err := tx.QueryRow(ctx, `select `+at.name+` from `+at.table+` where id = $1 for share`, o.ID).Scan(&name)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", at.what))
		}
		err = tx.QueryRow(ctx, `delete from managed where `+at.column+` = $1 returning manager`, o.ID).Scan(&before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if o.Manager != "" {
			_, err = tx.Exec(ctx, `insert into managed (manager, `+at.column+`) values ($2, $1) on conflict (`+at.column+`) do update set manager = excluded.manager`, o.ID, o.Manager)
			if err != nil {
				return err
			}
		}
		if before == o.Manager {
			return nil
		}
		was := o
		was.Manager = before
		return appendAudit(ctx, tx, audit.Changed(audit.SetManager, audit.OfManaged(was, name), audit.OfManaged(o, name)))
	})
	if err != nil && controlplane.Faults(err) == nil {
		return fmt.Errorf("set the manager of %s: %w", o.Kind.Format(o.ID), err)
	}
	return err
}
