package graph

import (
	"context"
	"errors"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

const (
	maxAffected     = 20  // accounts of a limit's effect
	maxActiveLimits = 200 // of an answer about all limits
)

// denialFilterOf reads what narrows a list of denials.
func denialFilterOf(requestID, accountID *string) (f controlplane.DenialFilter, err error) {
	if requestID != nil {
		f.RequestID = *requestID
		if f.RequestID == "" {
			return f, controlplane.Invalid("requestId", "give a request id, or leave it out")
		}
	}
	if f.AccountID, err = optional(controlplane.KindAccount, "accountId", accountID); err != nil {
		return f, err
	}
	return f, f.Validate()
}

func effectOf(limit *controlplane.Limit, buckets []time.Time, series map[time.Time]controlplane.VerdictTotals, accounts []controlplane.AccountEffect) *model.LimitEffect {
	effect := &model.LimitEffect{Limit: limit, Totals: &controlplane.VerdictTotals{}, Accounts: pointers(accounts)}
	for _, at := range buckets {
		t := series[at]
		effect.Totals.Add(t)
		effect.Points = append(effect.Points, &model.LimitEffectPoint{At: at, Totals: &t})
	}
	return effect
}

// ifThere loads what an id names; nothing for 0, and for what was deleted.
func ifThere[T any](ctx context.Context, loader *dataloadgen.Loader[controlplane.ID, *T], id controlplane.ID) (*T, error) {
	if id == 0 {
		return nil, nil
	}
	found, err := loader.Load(ctx, id)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil
	}
	return found, err
}

// callerOf loads a key or an identity; neither for 0.
func callerOf(ctx context.Context, id controlplane.ID) (caller, error) {
	if id == 0 {
		return caller{}, nil
	}
	return loadersOf(ctx).callers.Load(ctx, id)
}
