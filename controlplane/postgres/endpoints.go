package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

const endpointColumns = `id, method, template, cost, coalesce(group_id, 0), coalesce(source_id, 0), revision`

// Endpoints returns all endpoints, by template and method.
func (db *DB) Endpoints(ctx context.Context) ([]controlplane.Endpoint, error) {
	endpoints, err := list[controlplane.Endpoint](ctx, db.pool, `select `+endpointColumns+` from endpoints order by template, method`)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return endpoints, nil
}

// EndpointsByID returns the endpoints among ids that exist, in any order.
func (db *DB) EndpointsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Endpoint, error) {
	endpoints, err := list[controlplane.Endpoint](ctx, db.pool, `select `+endpointColumns+` from endpoints where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	return endpoints, nil
}

// CreateEndpoint creates an endpoint; its ID is ignored.
func (db *DB) CreateEndpoint(ctx context.Context, e controlplane.Endpoint) (controlplane.Endpoint, uint64, error) {
	var created controlplane.Endpoint
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		var err error
		if created, err = insertEndpoint(ctx, tx, note, e); err != nil {
			return err
		}
		if err := db.room.checkEndpoints(ctx, tx); err != nil {
			return err
		}
		return checkRoutes(ctx, tx)
	})
	return created, version, endpointFault("create endpoint", err)
}

// CreateEndpoints creates endpoints, all of them or none; their IDs are ignored. A
// mistake in one of them is in a field such as endpoints.2.template.
func (db *DB) CreateEndpoints(ctx context.Context, endpoints []controlplane.Endpoint) ([]controlplane.Endpoint, uint64, error) {
	var created []controlplane.Endpoint
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		created = nil
		for i, e := range endpoints {
			made, err := insertEndpoint(ctx, tx, note, e)
			if err != nil {
				return controlplane.Below("endpoints."+strconv.Itoa(i), endpointFault("create endpoints", err))
			}
			created = append(created, made)
		}
		if err := db.room.checkEndpoints(ctx, tx); err != nil {
			return err
		}
		return checkRoutes(ctx, tx)
	})
	return created, version, endpointFault("create endpoints", err)
}

// insertEndpoint makes an endpoint, and notes it. One that comes back does so with its
// meters.
func insertEndpoint(ctx context.Context, tx pgx.Tx, note *notes, e controlplane.Endpoint) (controlplane.Endpoint, error) {
	back, err := restoredOf(ctx, audit.Endpoint)
	if err != nil {
		return e, err
	}
	if e.GroupID, err = back.group(ctx, tx, e.GroupID); err != nil {
		return e, err
	}
	made, err := one[controlplane.Endpoint](ctx, tx, `
		insert into endpoints (id, method, template, route, cost, group_id, source_id, revision) overriding system value
		values (coalesce($1, nextval('endpoints_id_seq')), $2, $3, $4, $5, $6, (select id from endpoint_sources where 'src_' || id = $7), $8)
		returning `+endpointColumns,
		orNull(back.id), e.Method, e.Template, controlplane.RouteOf(e.Template), e.Cost, orNull(e.GroupID), back.was.SourceID, back.revision())
	if err != nil {
		return e, err
	}
	image := audit.OfEndpoint(made)
	if err := back.manage(ctx, tx, image, controlplane.KindEndpoint, made.ID); err != nil {
		return e, err
	}
	if err := back.meters(ctx, tx, note); err != nil {
		return e, err
	}
	note.add(audit.Created(audit.CreateEndpoint, image))
	return made, nil
}

// UpdateEndpoint changes an endpoint's cost or group.
func (db *DB) UpdateEndpoint(ctx context.Context, e controlplane.EndpointEdit) (controlplane.Endpoint, uint64, error) {
	var endpoint controlplane.Endpoint
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := endpointToEdit(ctx, tx, e.ID, e.Revision)
		if err != nil {
			return err
		}
		endpoint, err = one[controlplane.Endpoint](ctx, tx, `
			update endpoints set cost = coalesce($2, cost), group_id = nullif(coalesce($3, group_id), 0)
			where id = $1 returning `+endpointColumns, e.ID, e.Cost, e.GroupID)
		note.add(audit.Changed(audit.UpdateEndpoint, audit.OfEndpoint(before), audit.OfEndpoint(endpoint)))
		return err
	})
	return endpoint, version, endpointFault("update endpoint", err)
}

// checkRoutes refuses endpoints that no snapshot could carry: ones that overlap so
// much that matching a path could take too long.
func checkRoutes(ctx context.Context, tx pgx.Tx) error {
	endpoints, err := list[book.Endpoint](ctx, tx, `select id, method, template, cost, 0::bigint from endpoints`)
	if err != nil {
		return err
	}
	if _, err := book.Compile(book.Policy{Version: 1, Endpoints: endpoints}, nil); err != nil {
		return controlplane.Invalid("template", "the filter can't match paths with this endpoint added: %v", err)
	}
	return nil
}

// DeleteEndpoint deletes an endpoint that no limit names, if it is at a revision; nil is
// any.
func (db *DB) DeleteEndpoint(ctx context.Context, id controlplane.ID, revision *int) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := endpointToEdit(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		if err := noteDeletedEndpoint(ctx, tx, note, before); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from endpoints where id = $1`, id)
		return err
	})
	return version, endpointFault("delete endpoint", err)
}

// noteDeletedEndpoint notes that an endpoint goes, with its meters.
func noteDeletedEndpoint(ctx context.Context, tx pgx.Tx, note *notes, e controlplane.Endpoint) error {
	meters, err := list[controlplane.Meter](ctx, tx, `select `+meterColumns+` from meters where endpoint_id = $1 order by id`, e.ID)
	if err != nil {
		return err
	}
	ids := make([]controlplane.ID, len(meters))
	for i, m := range meters {
		ids[i] = m.ID
		if err := noteDeletedMeter(ctx, tx, note, m); err != nil {
			return err
		}
	}
	image := audit.DeletedEndpoint(e, ids)
	note.add(audit.Deleted(audit.DeleteEndpoint, image))
	return noteManager(ctx, tx, image, controlplane.KindEndpoint, e.ID)
}

// endpointToEdit returns an endpoint as it is, if it is at the revision that an edit is
// based on; nil is any.
func endpointToEdit(ctx context.Context, tx pgx.Tx, id controlplane.ID, revision *int) (controlplane.Endpoint, error) {
	e, err := one[controlplane.Endpoint](ctx, tx, `select `+endpointColumns+` from endpoints where id = $1`, id)
	if err != nil {
		return e, orMissing(err, controlplane.NotFound("id", "endpoint"))
	}
	if revision != nil && *revision != e.Revision {
		return e, stale(ctx, tx, audit.OfEndpoint(e), *revision, e.Revision, controlplane.KindSource.Format(e.SourceID))
	}
	return e, nil
}

func endpointFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "endpoints_route_key"):
		return controlplane.Invalid("template", "another endpoint with this method matches the same paths; change that one, or delete it first")
	case isViolation(err, "endpoints_group_fkey"):
		return controlplane.NotFound("groupId", "endpoint group")
	case isViolation(err, "limits_endpoint_fkey"):
		return controlplane.Conflict("id", "a limit names this endpoint; delete that limit first")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
