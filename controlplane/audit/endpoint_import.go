package audit

import (
	"encoding/hex"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
)

// OfEndpointImport is the entry of a document's import: what the source was before, nil for
// the first one; what it is; and what that did to endpoints.
func OfEndpointImport(before *controlplane.EndpointSource, after controlplane.EndpointSource, changes []openapi.Change, deleted map[controlplane.ID]bool) Entry {
	e := Entry{Action: ImportEndpoints, Object: Object{EndpointSource, controlplane.KindSource.Format(after.ID), after.Name}, After: ofSource(&after)}
	if before != nil {
		e.Before = ofSource(before)
	}
	done := map[string][]any{"added": {}, "changed": {}, "deleted": {}}
	for i := range changes {
		switch c := &changes[i]; {
		case c.Kind == openapi.Added:
			done["added"] = append(done["added"], ofChange(c.Method, c.Template, c.Cost, c.Group))
		case c.Kind == openapi.Changed:
			b := c.Before
			done["changed"] = append(done["changed"], State{
				"id":     id(controlplane.KindEndpoint, b.ID),
				"before": ofChange(b.Method, b.Template, b.Cost, b.Group),
				"after":  ofChange(c.Method, c.Template, c.Cost, c.Group),
			})
		case c.Before != nil && deleted[c.Before.ID]:
			done["deleted"] = append(done["deleted"], State{"id": id(controlplane.KindEndpoint, c.Before.ID), "method": c.Method, "template": c.Template, "cost": c.Cost, "group": some(c.Group)})
		}
	}
	for what, endpoints := range done {
		e.After[what] = endpoints
	}
	return e
}

func ofChange(method, template string, cost int, group string) State {
	return State{"method": method, "template": template, "cost": cost, "group": some(group)}
}

func ofSource(s *controlplane.EndpointSource) State {
	return State{
		"id": id(controlplane.KindSource, s.ID), "name": s.Name, "title": s.Title, "version": s.Version, "openapi": s.OpenAPI,
		"basePath": s.BasePath, "digest": hex.EncodeToString(s.Digest), "importedAt": at(&s.ImportedAt),
	}
}
