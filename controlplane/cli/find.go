package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/client"
)

// pageSize is how much is asked for at once.
const (
	pageSize       = 200
	policyPageSize = 1000 // of what is small
)

// gather reads page after page, until there are no more.
func gather[T any](read func(after *string) ([]T, client.PageInfo, error)) ([]T, error) {
	var all []T
	var after *string
	for {
		nodes, info, err := read(after)
		if err != nil {
			return nil, err
		}
		all = append(all, nodes...)
		if !info.HasNextPage {
			return all, nil
		}
		after = info.EndCursor
	}
}

// some is nil for an empty text.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// optional finds what may be left out.
func optional(ctx context.Context, remote *client.Client, nameOrID string, find func(context.Context, *client.Client, string) (string, error)) (*string, error) {
	if nameOrID == "" {
		return nil, nil
	}
	id, err := find(ctx, remote, nameOrID)
	return some(id), err
}

// all finds each of several.
func all(ctx context.Context, remote *client.Client, names []string, find func(context.Context, *client.Client, string) (string, error)) ([]string, error) {
	var ids []string
	for _, name := range names {
		if name == controlplane.NoID {
			ids = append(ids, name)
			continue
		}
		id, err := find(ctx, remote, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func allTiers(ctx context.Context, remote *client.Client) ([]client.CountedTier, error) {
	return gather(func(after *string) ([]client.CountedTier, client.PageInfo, error) {
		page, err := client.ListTiers(ctx, remote, pageSize, after)
		return page.Tiers.Nodes, page.Tiers.PageInfo, err
	})
}

func allEndpoints(ctx context.Context, remote *client.Client) ([]client.Endpoint, error) {
	return gather(func(after *string) ([]client.Endpoint, client.PageInfo, error) {
		page, err := client.ListEndpoints(ctx, remote, policyPageSize, after)
		return page.Endpoints.Nodes, page.Endpoints.PageInfo, err
	})
}

func findTier(ctx context.Context, remote *client.Client, nameOrID string) (*client.CountedTier, error) {
	tiers, err := allTiers(ctx, remote)
	if err != nil {
		return nil, err
	}
	for i := range tiers {
		if t := &tiers[i]; t.Name == nameOrID || t.Id == nameOrID {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no tier %q; weir tiers list shows all", nameOrID)
}

func tierID(ctx context.Context, remote *client.Client, nameOrID string) (string, error) {
	if _, err := controlplane.KindTier.Parse("", nameOrID); err == nil {
		return nameOrID, nil
	}
	tier, err := findTier(ctx, remote, nameOrID)
	if err != nil {
		return "", err
	}
	return tier.Id, nil
}

// endpointID takes an id, or a method and a template such as "GET /v1/users/{id}".
func endpointID(ctx context.Context, remote *client.Client, nameOrID string) (string, error) {
	if _, err := controlplane.KindEndpoint.Parse("", nameOrID); err == nil {
		return nameOrID, nil
	}
	endpoints, err := allEndpoints(ctx, remote)
	if err != nil {
		return "", err
	}
	words := strings.Join(strings.Fields(nameOrID), " ")
	for _, e := range endpoints {
		if e.Method+" "+e.Template == words {
			return e.Id, nil
		}
	}
	return "", fmt.Errorf("there is no endpoint %q; give an id, or method and template such as \"GET /v1/users/{id}\"", nameOrID)
}
