package graph

import (
	"context"
	"errors"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// ownedKey is a key and whose it is.
type ownedKey struct{ key, account controlplane.ID }

// lastUsedOf says when keys were last used; nil for never.
func lastUsedOf(db *postgres.DB) func(context.Context, []ownedKey) (map[ownedKey]*time.Time, error) {
	return func(ctx context.Context, wanted []ownedKey) (map[ownedKey]*time.Time, error) {
		keys := make([]controlplane.Key, len(wanted))
		for i, w := range wanted {
			keys[i] = controlplane.Key{ID: w.key, AccountID: w.account}
		}
		used, err := db.KeysLastUsed(ctx, keys)
		out := make(map[ownedKey]*time.Time, len(wanted))
		for _, w := range wanted {
			out[w] = nil
			if at, ok := used[w.key]; ok {
				out[w] = &at
			}
		}
		return out, err
	}
}

// loadThere loads what there still is of ids.
func loadThere[T any](ctx context.Context, loader *dataloadgen.Loader[controlplane.ID, *T], ids []controlplane.ID) ([]*T, error) {
	thunks := make([]func() (*T, error), len(ids))
	for i, id := range ids {
		thunks[i] = loader.LoadThunk(ctx, id)
	}
	there := []*T{}
	for _, thunk := range thunks {
		v, err := thunk()
		switch {
		case err == nil:
			there = append(there, v)
		case !errors.Is(err, dataloadgen.ErrNotFound):
			return nil, err
		}
	}
	return there, nil
}

// keyThere returns a key by its id, nil for none.
func keyThere(ctx context.Context, id controlplane.ID) (*controlplane.Key, error) {
	if id == 0 {
		return nil, nil
	}
	c, err := loadersOf(ctx).callers.Load(ctx, id)
	return c.key, err
}

func newKeyOf(in model.CreateKeyInput) (k controlplane.NewKey, err error) {
	k = controlplane.NewKey{Name: in.Name, ExpiresAt: toTheMillisecond(in.ExpiresAt), Environment: in.Environment}
	var scopeErr error
	k.AccountID, err = controlplane.KindAccount.Parse("accountId", in.AccountID)
	k.Scope, scopeErr = keyScopeOf(in.Scope)
	return k, errors.Join(err, scopeErr)
}

// keyScopeOf reads a scope; nil is everything.
func keyScopeOf(in *model.KeyScopeInput) (s controlplane.KeyScope, err error) {
	if in == nil {
		return s, nil
	}
	var err1, err2 error
	s.ReadsOnly = in.ReadsOnly
	s.EndpointIDs, err1 = idsOf(controlplane.KindEndpoint, "scope.endpointIds", in.EndpointIds)
	s.GroupIDs, err2 = idsOf(controlplane.KindGroup, "scope.groupIds", in.GroupIds)
	return s, errors.Join(err1, err2)
}

func idsOf(kind controlplane.Kind, field string, texts []string) ([]controlplane.ID, error) {
	ids := make([]controlplane.ID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = kind.Parse(fieldOf(field, i), text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func keyEditOf(in model.UpdateKeyInput) (e controlplane.KeyEdit, err error) {
	if e.ID, err = controlplane.KindKey.Parse("id", in.ID); err != nil {
		return e, err
	}
	e.Revision, e.Name, e.Suspended, e.ExpiresAt = in.Revision, in.Name, in.Suspended, toTheMillisecond(in.ExpiresAt)
	e.NeverExpires = in.NeverExpires != nil && *in.NeverExpires
	if in.Scope != nil {
		scope, err := keyScopeOf(in.Scope)
		if err != nil {
			return e, err
		}
		e.Scope = &scope
	}
	return e, e.Validate()
}

func rotationOf(in model.RotateKeyInput) (r controlplane.KeyRotation, err error) {
	r.ID, err = controlplane.KindKey.Parse("id", in.ID)
	r.Overlap, r.ExpiresAt = time.Duration(in.OverlapSeconds)*time.Second, toTheMillisecond(in.ExpiresAt)
	return r, err
}
