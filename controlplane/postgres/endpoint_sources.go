package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
)

const sourceColumns = `id, name, title, version, openapi, base_path, digest, imported_at`

// EndpointSources returns what endpoints were imported from, by name.
func (db *DB) EndpointSources(ctx context.Context) ([]controlplane.EndpointSource, error) {
	sources, err := list[controlplane.EndpointSource](ctx, db.pool, `select `+sourceColumns+` from endpoint_sources order by name`)
	if err != nil {
		return nil, fmt.Errorf("list the sources of endpoints: %w", err)
	}
	return sources, nil
}

// EndpointSourcesByID returns the sources among ids that exist, in any order.
func (db *DB) EndpointSourcesByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.EndpointSource, error) {
	sources, err := list[controlplane.EndpointSource](ctx, db.pool, `select `+sourceColumns+` from endpoint_sources where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read the sources of endpoints: %w", err)
	}
	return sources, nil
}

// EndpointCounts returns how many endpoints came from each of the sources.
func (db *DB) EndpointCounts(ctx context.Context, sources []controlplane.ID) (map[controlplane.ID]int, error) {
	rows, err := db.pool.Query(ctx, `select source_id, count(*) from endpoints where source_id = any($1) group by 1`, toInt64s(sources))
	if err != nil {
		return nil, fmt.Errorf("count endpoints: %w", err)
	}
	counts := map[controlplane.ID]int{}
	var id controlplane.ID
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error { counts[id] = n; return nil })
	if err != nil {
		return nil, fmt.Errorf("count endpoints: %w", err)
	}
	return counts, nil
}

// sourceByName returns the source of that name; nil for none.
func sourceByName(ctx context.Context, q querier, name string) (*controlplane.EndpointSource, error) {
	sources, err := list[controlplane.EndpointSource](ctx, q, `select `+sourceColumns+` from endpoint_sources where name = $1`, name)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	return &sources[0], nil
}

// setSource remembers what was imported.
func setSource(ctx context.Context, tx pgx.Tx, p *ImportedEndpoints, d *openapi.Document) (controlplane.EndpointSource, error) {
	return one[controlplane.EndpointSource](ctx, tx, `
		insert into endpoint_sources (name, title, version, openapi, base_path, digest) values ($1, $2, $3, $4, $5, $6)
		on conflict on constraint endpoint_sources_name_key do update set title = excluded.title, version = excluded.version,
			openapi = excluded.openapi, base_path = excluded.base_path, digest = excluded.digest, imported_at = now()
		returning `+sourceColumns, p.Source, d.Title, d.Version, d.OpenAPI, p.BasePath, d.Digest[:])
}
