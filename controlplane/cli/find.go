package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/client"
)

// pageSize is how much is asked for at once.
const pageSize = 200

// pages calls next for page after page, until there are no more.
func pages(next func(after *string) (more bool, end *string, err error)) error {
	var after *string
	for {
		more, end, err := next(after)
		if err != nil || !more {
			return err
		}
		after = end
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

func findTier(ctx context.Context, remote *client.Client, nameOrID string) (*client.CountedTier, error) {
	got, err := client.ListTiers(ctx, remote)
	if err != nil {
		return nil, err
	}
	for i := range got.Tiers {
		if t := &got.Tiers[i]; t.Name == nameOrID || t.Id == nameOrID {
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
	got, err := client.ListEndpoints(ctx, remote)
	if err != nil {
		return "", err
	}
	words := strings.Join(strings.Fields(nameOrID), " ")
	for _, e := range got.Endpoints {
		if e.Method+" "+e.Template == words {
			return e.Id, nil
		}
	}
	return "", fmt.Errorf("there is no endpoint %q; give an id, or method and template such as \"GET /v1/users/{id}\"", nameOrID)
}
