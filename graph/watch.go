package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// watched runs a subscription for as long as what its caller showed is good.
func (r *Resolver) watched(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if !r.still(ctx) {
		return graphql.OneShot(graphql.ErrorResponse(ctx, "sign in again: the session has ended, or the API token was replaced"))
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		again := time.NewTicker(r.RecheckEvery)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				if !r.still(ctx) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	answer := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		response := answer(ctx)
		if response == nil {
			cancel()
		}
		return response
	}
}

// still reports whether the caller's credentials are good. While nobody can tell
// they are taken to be.
func (r *Resolver) still(ctx context.Context) bool {
	ok, err := r.Auth.Still(ctx)
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("could not check the credentials of a subscription", "err", err)
	}
	return ok || err != nil
}
