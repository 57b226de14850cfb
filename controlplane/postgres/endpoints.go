package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/plugin/book"
)

const endpointColumns = `id, method, template, cost, coalesce(group_id, 0), coalesce(source_id, 0)`

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
		created, err = one[controlplane.Endpoint](ctx, tx, `
			insert into endpoints (method, template, route, cost, group_id) values ($1, $2, $3, $4, $5) returning `+endpointColumns,
			e.Method, e.Template, controlplane.RouteOf(e.Template), e.Cost, orNull(e.GroupID))
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateEndpoint, audit.OfEndpoint(created)))
		if err := db.room.checkEndpoints(ctx, tx); err != nil {
			return err
		}
		return checkRoutes(ctx, tx)
	})
	return created, version, endpointFault("create endpoint", err)
}

// UpdateEndpoint changes an endpoint's cost or group.
func (db *DB) UpdateEndpoint(ctx context.Context, e controlplane.EndpointEdit) (controlplane.Endpoint, uint64, error) {
	var endpoint controlplane.Endpoint
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readEndpoint(ctx, tx, e.ID)
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

// DeleteEndpoint deletes an endpoint that no limit names.
func (db *DB) DeleteEndpoint(ctx context.Context, id controlplane.ID) (uint64, error) {
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readEndpoint(ctx, tx, id)
		if err != nil {
			return err
		}
		note.add(audit.Deleted(audit.DeleteEndpoint, audit.OfEndpoint(before)))
		_, err = tx.Exec(ctx, `delete from endpoints where id = $1`, id)
		return err
	})
	return version, endpointFault("delete endpoint", err)
}

func readEndpoint(ctx context.Context, tx pgx.Tx, id controlplane.ID) (controlplane.Endpoint, error) {
	e, err := one[controlplane.Endpoint](ctx, tx, `select `+endpointColumns+` from endpoints where id = $1`, id)
	return e, orMissing(err, controlplane.NotFound("id", "endpoint"))
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
