package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

// EndpointGroups returns all endpoint groups, by name.
func (db *DB) EndpointGroups(ctx context.Context) ([]controlplane.EndpointGroup, error) {
	groups, err := list[controlplane.EndpointGroup](ctx, db.pool, `select id, name from endpoint_groups order by name`)
	if err != nil {
		return nil, fmt.Errorf("list endpoint groups: %w", err)
	}
	return groups, nil
}

// EndpointGroupsByID returns the groups among ids that exist, in any order.
func (db *DB) EndpointGroupsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.EndpointGroup, error) {
	groups, err := list[controlplane.EndpointGroup](ctx, db.pool, `select id, name from endpoint_groups where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read endpoint groups: %w", err)
	}
	return groups, nil
}

// EndpointsByGroup returns the endpoints of the groups, by template and method.
func (db *DB) EndpointsByGroup(ctx context.Context, groups []controlplane.ID) ([]controlplane.Endpoint, error) {
	endpoints, err := list[controlplane.Endpoint](ctx, db.pool, `
		select `+endpointColumns+` from endpoints where group_id = any($1) order by template, method`, toInt64s(groups))
	if err != nil {
		return nil, fmt.Errorf("list the endpoints of groups: %w", err)
	}
	return endpoints, nil
}

// CreateEndpointGroup creates a group without endpoints; one that comes back has those
// that were in it.
func (db *DB) CreateEndpointGroup(ctx context.Context, name string) (controlplane.EndpointGroup, uint64, error) {
	var group controlplane.EndpointGroup
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		back, err := restoredOf(ctx, audit.EndpointGroup)
		if err != nil {
			return err
		}
		group, err = one[controlplane.EndpointGroup](ctx, tx, `
			insert into endpoint_groups (id, name) overriding system value values (coalesce($1, nextval('endpoint_groups_id_seq')), $2) returning id, name`, orNull(back.id), name)
		if err != nil {
			return err
		}
		endpoints, err := back.endpoints(ctx, tx)
		if err != nil {
			return err
		}
		image := audit.OfEndpointGroup(group, endpoints)
		if err := back.manage(ctx, tx, image, controlplane.KindGroup, group.ID); err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateEndpointGroup, image))
		return checkCount(ctx, tx, `select count(*) from endpoint_groups`, book.MaxGroups,
			controlplane.Conflict("name", "there are %d endpoint groups, and the filter takes no more; delete one first", book.MaxGroups))
	})
	return group, version, groupFault("create endpoint group", err)
}

// DeleteEndpointGroup deletes a group that no limit names. Its endpoints stay,
// without a group.
func (db *DB) DeleteEndpointGroup(ctx context.Context, id controlplane.ID) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := groupImage(ctx, tx, id)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", "endpoint group"))
		}
		if err := noteManager(ctx, tx, before, controlplane.KindGroup, id); err != nil {
			return err
		}
		note.add(audit.Deleted(audit.DeleteEndpointGroup, before))
		_, err = tx.Exec(ctx, `delete from endpoint_groups where id = $1`, id)
		return err
	})
	return version, groupFault("delete endpoint group", err)
}

// groupImage is a group as the log has it. The error is pgx.ErrNoRows when there is none.
func groupImage(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
	group, err := one[controlplane.EndpointGroup](ctx, tx, `select id, name from endpoint_groups where id = $1`, id)
	if err != nil {
		return audit.Image{}, err
	}
	endpoints, err := listIDs(ctx, tx, `select id from endpoints where group_id = $1 order by id`, id)
	return audit.OfEndpointGroup(group, endpoints), err
}

func listIDs(ctx context.Context, q querier, sql string, args ...any) ([]controlplane.ID, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[controlplane.ID])
}

func groupFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "endpoint_groups_name_key"):
		return controlplane.Invalid("name", "another endpoint group has this name; choose a different one")
	case isViolation(err, "limits_group_fkey"):
		return controlplane.Conflict("id", "a limit names this group; delete that limit first")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
