package graph

import (
	"context"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// importOf reads a document and how to import it.
func (r *Resolver) importOf(in model.ImportOpenAPIInput) (i postgres.EndpointImport, err error) {
	i = postgres.EndpointImport{
		Options:       openapi.Options{BasePath: in.BasePath, GroupByTag: in.GroupByTag},
		DeleteMissing: in.Missing == model.MissingEndpointsDelete,
		Choice:        openapi.Choice{Only: in.Only, Except: in.Except},
	}
	for field, names := range map[string][]string{"only": in.Only, "except": in.Except} {
		if len(names) > openapi.MaxOperations {
			return i, controlplane.Invalid(field, "name at most %d changes", openapi.MaxOperations)
		}
	}
	if in.Source != nil {
		if err := controlplane.ValidateEndpointGroup(in.Source); err != nil {
			return i, controlplane.Invalid("source", "%s", controlplane.Faults(err)[0].Message)
		}
		i.Source = *in.Source
	}
	if in.Plan != nil {
		i.Plan = *in.Plan
	}
	// A document of many values takes some 100 MB while it is read: one at a time.
	r.reading.Lock()
	defer r.reading.Unlock()
	i.Document, err = openapi.Read([]byte(in.Document))
	return i, err
}

// importedFrom is what an import answers. A dry run has no version.
func importedFrom(d *openapi.Document, i *postgres.ImportedEndpoints, version uint64) *model.ImportOpenAPIPayload {
	p := &model.ImportOpenAPIPayload{
		Source: i.Source, Title: d.Title, Version: d.Version, BasePath: i.BasePath, BasePaths: d.BasePaths, Plan: i.Plan,
		Changes: make([]*model.EndpointChange, len(i.Changes)), Snapshot: present(int64(version)),
	}
	for n := range i.Changes {
		c := &i.Changes[n]
		change := &model.EndpointChange{
			Kind: model.EndpointChangeKind(c.Kind), Line: present(c.Line), Method: c.Method, Template: c.Template, Cost: c.Cost,
			Group: present(c.Group), Note: present(c.Note), Chosen: i.Chosen[n], UsedBy: []*controlplane.EndpointUse{},
		}
		if id := i.IDs[n]; id != 0 {
			change.EndpointID = new(controlplane.KindEndpoint.Format(id))
		}
		if b := c.Before; b != nil {
			change.Before = &model.EndpointBefore{Template: b.Template, Cost: b.Cost, Group: present(b.Group)}
			change.Deleted = i.Deleted[b.ID]
		}
		if c.Kind == openapi.Missing {
			change.UsedBy = pointers(i.Uses[c.Before.ID])
			change.MissingID = c.Before.ID
		}
		p.Changes[n] = change
	}
	return p
}

// recent is how far back an endpoint's requests are of interest to who may delete it.
const recent = 30 * 24 * time.Hour

// recentRequestsOf counts the recent requests of endpoints.
func recentRequestsOf(db *postgres.DB, now time.Time) func(context.Context, []controlplane.ID) (map[controlplane.ID]int64, error) {
	return func(ctx context.Context, endpoints []controlplane.ID) (map[controlplane.ID]int64, error) {
		totals, err := db.CountsByEndpoint(ctx, controlplane.Range{From: now.Add(-recent).Truncate(time.Hour), To: now}, endpoints)
		requests := make(map[controlplane.ID]int64, len(endpoints))
		for _, id := range endpoints {
			requests[id] = totals[id].Requests
		}
		return requests, err
	}
}
