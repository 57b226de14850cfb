package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
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

// seesAccounts reports whether the caller may read what changes of accounts say.
func seesAccounts(ctx context.Context) bool { return permit.Held(ctx).Has(permit.AccountsRead) }

// findScheduled finds scheduled changes for those who see all accounts; those of
// accounts, for those who may read accounts.
func findScheduled(ctx context.Context, id, bound controlplane.ID) func() (model.Node, error) {
	wait := loadersOf(ctx).scheduled.LoadThunk(ctx, id)
	return func() (model.Node, error) {
		c, err := wait()
		switch {
		case errors.Is(err, dataloadgen.ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, err
		case bound != 0 || c.AccountID != 0 && !seesAccounts(ctx):
			return nil, nil
		}
		return c, nil
	}
}

// decoded reads an argument that was stored.
func decoded(input json.RawMessage) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(input))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

// rehearse returns what is wrong with the input of a change that is to be scheduled,
// found out by making it without effect. What only the state of things forbids now may
// be allowed by then, and is no fault.
func (r *Resolver) rehearse(ctx context.Context, field string, input json.RawMessage) error {
	value, err := decoded(input)
	if err != nil {
		return err
	}
	var faults []error
	for _, f := range controlplane.Faults(r.carry(postgres.Rehearsal(ctx), field, value)) {
		if f.Code == controlplane.CodeValidation {
			faults = append(faults, f)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return named("change."+field, errors.Join(faults...))
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
	for kind, ownerOf := range map[controlplane.Kind]func(context.Context, controlplane.ID) (controlplane.ID, error){
		controlplane.KindKey:      owner(r.DB.KeysByID, func(k *controlplane.Key) controlplane.ID { return k.AccountID }),
		controlplane.KindIdentity: owner(r.DB.IdentitiesByID, func(i *controlplane.Identity) controlplane.ID { return i.AccountID }),
		controlplane.KindOverride: owner(r.DB.OverridesByID, func(o *controlplane.Override) controlplane.ID { return o.AccountID }),
	} {
		if id, err := kind.Parse("", named.ID); err == nil {
			return ownerOf(ctx, id)
		}
	}
	return 0, nil
}

// owner finds whose something is; 0: it is not there.
func owner[T any](byID func(context.Context, []controlplane.ID) ([]T, error), account func(*T) controlplane.ID) func(context.Context, controlplane.ID) (controlplane.ID, error) {
	return func(ctx context.Context, id controlplane.ID) (controlplane.ID, error) {
		found, err := byID(ctx, []controlplane.ID{id})
		if err != nil || len(found) == 0 {
			return 0, err
		}
		return account(&found[0]), nil
	}
}
