package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
)

// chosenChange returns which field of Mutation the input of scheduleChange names,
// and its argument as it was sent.
func chosenChange(ctx context.Context) (field string, input json.RawMessage, err error) {
	sent := graphql.GetFieldContext(ctx).Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
	whole, _ := sent["input"].(map[string]any)
	change, _ := whole["change"].(map[string]any)
	for name, value := range change {
		if value != nil && field == "" {
			field = name
			input, err = json.Marshal(value)
		}
	}
	if field == "" || len(change) != 1 {
		return "", nil, controlplane.Invalid("change", "give one change")
	}
	return field, input, err
}

// decoded reads an argument that was stored.
func decoded(input json.RawMessage) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(input))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

// accountOfChange returns whose a change changes something of; 0: no account's, or
// of what is not there.
func (r *Resolver) accountOfChange(ctx context.Context, input json.RawMessage) (controlplane.ID, error) {
	var named struct{ ID, AccountID string }
	if json.Unmarshal(input, &named) != nil {
		named.ID = ""
		if err := json.Unmarshal(input, &named.ID); err != nil {
			return 0, nil // neither an object nor an id
		}
	}
	for _, text := range []string{named.AccountID, named.ID} {
		if id, err := controlplane.KindAccount.Parse("", text); err == nil {
			accounts, err := r.DB.AccountsByID(ctx, []controlplane.ID{id})
			if err != nil || len(accounts) == 0 {
				return 0, errors.Join(err, controlplane.NotFound("change", "account"))
			}
			return id, nil
		}
	}
	if id, err := controlplane.KindKey.Parse("", named.ID); err == nil {
		keys, err := r.DB.KeysByID(ctx, []controlplane.ID{id})
		if err != nil || len(keys) == 0 {
			return 0, err
		}
		return keys[0].AccountID, nil
	}
	if id, err := controlplane.KindOverride.Parse("", named.ID); err == nil {
		overrides, err := r.DB.OverridesByID(ctx, []controlplane.ID{id})
		if err != nil || len(overrides) == 0 {
			return 0, err
		}
		return overrides[0].AccountID, nil
	}
	return 0, nil
}
