// Package cube keeps the sums of the rollups over some of their dimensions, which
// make questions about all accounts fast.
//
// Nothing comes in and nothing goes out; it works on the database alone. Any
// number may run at once. Answers don't depend on it: what is not summed up is
// read from the rollups.
package cube

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/weirhq/weir/controlplane/postgres"
)

// Worker is the loop.
type Worker struct {
	DB  *postgres.DB
	Log *slog.Logger
}

const (
	buildEvery  = 15 * time.Second
	forgetEvery = time.Hour
	within      = 10 * time.Minute
	atOnce      = 100 // buckets
	renewAfter  = 24 * time.Hour
	renewAtOnce = 2 // days
)

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	building, forgetting := time.NewTicker(buildEvery), time.NewTicker(forgetEvery)
	defer building.Stop()
	defer forgetting.Stop()
	w.attempt(ctx, "sum up usage", w.build)
	for {
		select {
		case <-building.C:
			w.attempt(ctx, "sum up usage", w.build)
		case <-forgetting.C:
			w.attempt(ctx, "forget old sums", func(ctx context.Context) error { return w.DB.ForgetCubes(ctx, time.Now()) })
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) attempt(ctx context.Context, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := do(ctx); err != nil && ctx.Err() == nil {
		w.Log.Warn("could not "+what, "err", err)
	}
}

// build sums up what it can, some buckets at a time.
func (w *Worker) build(ctx context.Context) error {
	for {
		built, err := w.DB.BuildCubes(ctx, time.Now(), atOnce)
		if err == nil && built == atOnce {
			continue
		}
		now := time.Now()
		return errors.Join(err, w.DB.RenewCubes(ctx, now, now.Add(-renewAfter), renewAtOnce))
	}
}
