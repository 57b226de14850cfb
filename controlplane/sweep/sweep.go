// Package sweep closes and forgets what has had its time: leases of processes
// that fell silent, quota periods that ended long ago, old denials.
//
// Nothing comes in and nothing goes out; it works on the database alone. Any
// number may run at once, and none for a while does no harm but that what is
// silent still counts as outstanding.
package sweep

import (
	"context"
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
	closeEvery  = 5 * time.Second
	forgetEvery = time.Minute
	within      = time.Minute

	// Denials are a sample, and kept for a while only.
	denialsKeptFor = 24 * time.Hour
	denialsKept    = 1_000_000
	denialsAtOnce  = 100_000
)

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	closing, forgetting := time.NewTicker(closeEvery), time.NewTicker(forgetEvery)
	defer closing.Stop()
	defer forgetting.Stop()
	for {
		var err error
		select {
		case <-closing.C:
			err = w.closeLeases(ctx)
		case <-forgetting.C:
			err = w.forgetDenials(ctx)
		case <-ctx.Done():
			return
		}
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("did not sweep; will try again", "err", err)
		}
	}
}

func (w *Worker) closeLeases(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	closed, err := w.DB.CloseSilentLeases(ctx, time.Now())
	if closed > 0 {
		w.Log.Info("wrote off the leases of processes that fell silent", "leases", closed)
	}
	return err
}

func (w *Worker) forgetDenials(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		n, err := w.DB.ForgetDenials(ctx, time.Now().Add(-denialsKeptFor), denialsKept, denialsAtOnce)
		if err != nil || n < denialsAtOnce {
			return err
		}
	}
}
