package graph

import (
	"context"
	"errors"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/suggest"
	"github.com/weirhq/weir/graph/model"
)

// maxCreated is how many endpoints createEndpoints takes at once.
const maxCreated = 100

// endpointOf reads an endpoint to create.
func endpointOf(input *model.CreateEndpointInput) (controlplane.Endpoint, error) {
	group, err := optional(controlplane.KindGroup, "groupId", input.GroupID)
	e := controlplane.Endpoint{Method: input.Method, Template: input.Template, Cost: input.Cost, GroupID: group}
	return e, errors.Join(controlplane.ValidateEndpoint(e), err)
}

// endpointsOf reads several, and returns every mistake in them.
func endpointsOf(inputs []*model.CreateEndpointInput) ([]controlplane.Endpoint, error) {
	if n := len(inputs); n < 1 || n > maxCreated {
		return nil, controlplane.Invalid("endpoints", "give 1 to %d", maxCreated)
	}
	var endpoints []controlplane.Endpoint
	var faults []error
	for i, input := range inputs {
		e, err := endpointOf(input)
		endpoints, faults = append(endpoints, e), append(faults, controlplane.Below(fieldOf("endpoints", i), err))
	}
	return endpoints, errors.Join(faults...)
}

// suggestions works out what unmatched paths suggest.
func (r *Resolver) suggestions(ctx context.Context) ([]suggest.Suggestion, error) {
	paths, err := r.DB.UnmatchedPaths(ctx)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	// Read after the paths: what was made of them meanwhile isn't suggested again.
	endpoints, err := r.DB.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	return suggest.Templates(paths, endpoints)
}
