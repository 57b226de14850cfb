package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/openapi"
	"github.com/weirhq/weir/plugin/book"
)

// EndpointImport is a document to import.
type EndpointImport struct {
	Document *openapi.Document
	openapi.Options
	// DeleteMissing deletes what came from the source, isn't in the document any more
	// and is named by nothing.
	DeleteMissing bool
	// Choice says which of the changes are made.
	Choice openapi.Choice
	// Plan is that of the comparison that somebody has agreed to, of which some may then
	// be chosen; empty: any.
	Plan string
}

// ImportedEndpoints is what an import does or did.
type ImportedEndpoints struct {
	*openapi.Comparison
	Plan string
	// Uses say what names the missing endpoints.
	Uses map[controlplane.ID][]controlplane.EndpointUse
	// Deleted are the missing ones that are deleted.
	Deleted map[controlplane.ID]bool
	// IDs are the endpoints of the changes, in their order; 0: there is none.
	IDs []controlplane.ID
	// Chosen are the changes that are made, in their order.
	Chosen []bool
}

// PlanEndpointImport says what an import would do, and does nothing.
func (db *DB) PlanEndpointImport(ctx context.Context, i EndpointImport) (*ImportedEndpoints, error) {
	var planned *ImportedEndpoints
	err := db.snapshot(ctx, func(tx pgx.Tx) (err error) {
		planned, err = planImport(ctx, tx, i)
		return err
	})
	return planned, endpointFault("plan an import of endpoints", err)
}

// ImportEndpoints does what an import does, all of it or nothing.
func (db *DB) ImportEndpoints(ctx context.Context, i EndpointImport) (*ImportedEndpoints, uint64, error) {
	var done *ImportedEndpoints
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) (err error) {
		if done, err = planImport(ctx, tx, i); err != nil {
			return err
		}
		if i.Plan != "" && i.Plan != done.Plan {
			return controlplane.Conflict("plan", "the endpoints have changed since this import was planned; look at what it does now, and agree to that")
		}
		before, err := sourceByName(ctx, tx, done.Source)
		if err != nil {
			return err
		}
		source, err := setSource(ctx, tx, done, i.Document)
		if err != nil {
			return err
		}
		if err := applyImport(ctx, tx, done, source.ID); err != nil {
			return err
		}
		if err := db.room.checkEndpoints(ctx, tx); err != nil {
			return err
		}
		if err := checkCount(ctx, tx, `select count(*) from endpoint_groups`, book.MaxGroups,
			controlplane.Conflict("groupByTag", "with the document's tags there would be more than %d endpoint groups, and the filter takes no more; import it without groups", book.MaxGroups)); err != nil {
			return err
		}
		note.add(audit.OfEndpointImport(before, source, done.made(), done.Deleted))
		return checkRoutes(ctx, tx)
	})
	return done, version, endpointFault("import endpoints", err)
}

func planImport(ctx context.Context, q querier, i EndpointImport) (*ImportedEndpoints, error) {
	existing, err := list[struct {
		controlplane.Endpoint
		Group, Source string
	}](ctx, q, `
		select e.id, e.method, e.template, e.cost, coalesce(e.group_id, 0), coalesce(e.source_id, 0), e.revision, coalesce(g.name, ''), coalesce(s.name, '')
		from endpoints e left join endpoint_groups g on g.id = e.group_id left join endpoint_sources s on s.id = e.source_id
		order by e.id`)
	if err != nil {
		return nil, err
	}
	there := make([]openapi.Existing, len(existing))
	for n, e := range existing {
		there[n] = openapi.Existing{Endpoint: e.Endpoint, Group: e.Group, Source: e.Source}
	}
	p := &ImportedEndpoints{Deleted: map[controlplane.ID]bool{}}
	if p.Comparison, err = i.Document.Compare(there, i.Options); err != nil {
		return nil, err
	}
	missing := []controlplane.ID{}
	for _, c := range p.Changes {
		var id controlplane.ID
		if c.Before != nil {
			id = c.Before.ID
		}
		p.IDs = append(p.IDs, id)
		if c.Kind == openapi.Missing {
			missing = append(missing, id)
		}
	}
	if p.Uses, err = endpointUses(ctx, q, missing); err != nil {
		return nil, err
	}
	for _, id := range missing {
		if i.DeleteMissing && len(p.Uses[id]) == 0 {
			p.Deleted[id] = true
		}
	}
	if p.Plan, err = p.Comparison.Plan(p.Deleted); err != nil {
		return nil, err
	}
	if p.Chosen, err = p.Choose(i.Choice, p.Deleted); err != nil {
		return nil, err
	}
	for n, c := range p.Changes {
		if c.Kind == openapi.Missing && !p.Chosen[n] {
			delete(p.Deleted, c.Before.ID)
		}
	}
	return p, nil
}

// made are the changes that are chosen.
func (p *ImportedEndpoints) made() []openapi.Change {
	var made []openapi.Change
	for n, c := range p.Changes {
		if p.Chosen[n] {
			made = append(made, c)
		}
	}
	return made
}

// maxUses is how much of what names one endpoint is listed.
const maxUses = 20

// endpointUses returns what names each of the endpoints, up to maxUses.
func endpointUses(ctx context.Context, q querier, endpoints []controlplane.ID) (map[controlplane.ID][]controlplane.EndpointUse, error) {
	uses := map[controlplane.ID][]controlplane.EndpointUse{}
	if len(endpoints) == 0 {
		return uses, nil
	}
	rows, err := list[struct {
		Endpoint controlplane.ID
		controlplane.EndpointUse
	}](ctx, q, `
		select e.id, u.kind, u.id, u.name from unnest($1::bigint[]) as e (id), lateral (
			(select distinct on (l.limit_id) 'lim' as kind, l.limit_id as id, t.name || ': ' || l.name as name
			 from version_limits l join tiers t on t.id = l.tier_id
			 where l.endpoint_id = e.id and limit_target_holds(l.version_id) limit $2)
			union all
			(select 'mtr', m.id, m.name from meters m where m.endpoint_id = e.id limit $2)
			union all
			(select 'key', k.id, k.name from key_scopes s join keys k on k.scope_id = s.id where e.id = any(s.endpoint_ids) and k.revoked_at is null limit $2)
		) u order by e.id, u.kind desc, u.id`, toInt64s(endpoints), maxUses)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if len(uses[r.Endpoint]) < maxUses {
			uses[r.Endpoint] = append(uses[r.Endpoint], r.EndpointUse)
		}
	}
	return uses, nil
}

// applyImport makes the changes, and fills in which endpoints they were made of.
func applyImport(ctx context.Context, tx pgx.Tx, p *ImportedEndpoints, source controlplane.ID) error {
	groups, err := groupsFor(ctx, tx, p.made())
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for n, c := range p.Changes {
		if !p.Chosen[n] {
			continue
		}
		group := orNull(groups[c.Group])
		switch c.Kind {
		case openapi.Added:
			batch.Queue(`insert into endpoints (method, template, route, cost, group_id, source_id) values ($1, $2, $3, $4, $5, $6) returning id`,
				c.Method, c.Template, controlplane.RouteOf(c.Template), c.Cost, group, source).QueryRow(func(row pgx.Row) error { return row.Scan(&p.IDs[n]) })
		case openapi.Changed, openapi.Unchanged:
			if c.Kind == openapi.Changed || c.Before.SourceID != source {
				batch.Queue(`update endpoints set template = $2, cost = $3, group_id = $4, source_id = $5 where id = $1`, c.Before.ID, c.Template, c.Cost, group, source)
			}
		case openapi.Missing:
			if p.Deleted[c.Before.ID] {
				batch.Queue(`delete from endpoints where id = $1`, c.Before.ID)
				p.IDs[n] = 0
			}
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}

// groupsFor returns the groups of the changes by name, and makes those that aren't
// there yet.
func groupsFor(ctx context.Context, tx pgx.Tx, changes []openapi.Change) (map[string]controlplane.ID, error) {
	wanted := []string{}
	for _, c := range changes {
		if c.Group != "" && c.Kind != openapi.Conflict && !slices.Contains(wanted, c.Group) {
			wanted = append(wanted, c.Group)
		}
	}
	groups, err := list[controlplane.EndpointGroup](ctx, tx, `
		with made as (
			insert into endpoint_groups (name) select unnest($1::text[]) on conflict on constraint endpoint_groups_name_key do nothing returning id, name
		)
		select id, name from made union all select id, name from endpoint_groups where name = any($1)`, wanted)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]controlplane.ID, len(groups))
	for _, g := range groups {
		ids[g.Name] = g.ID
	}
	return ids, nil
}
