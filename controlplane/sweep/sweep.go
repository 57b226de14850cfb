// Package sweep closes and forgets what has had its time: leases of processes
// that fell silent, quota periods that ended long ago, old denials, usage that is
// older than its retention. It also makes the partitions of the time to come.
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
	w.keepPartitions(ctx)
	for {
		select {
		case <-closing.C:
			w.attempt(ctx, "close silent leases", w.closeLeases)
		case <-forgetting.C:
			w.attempt(ctx, "forget denials", w.forgetDenials)
			w.keepPartitions(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// attempt does something within bounded time. What did not work is done next time.
func (w *Worker) attempt(ctx context.Context, what string, do func(context.Context) error) {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := do(bounded); err != nil && ctx.Err() == nil {
		w.Log.Warn("did not "+what+"; will try again", "err", err)
	}
}

func (w *Worker) closeLeases(ctx context.Context) error {
	closed, err := w.DB.CloseSilentLeases(ctx, time.Now())
	if closed > 0 {
		w.Log.Info("wrote off the leases of processes that fell silent", "leases", closed)
	}
	return err
}

func (w *Worker) forgetDenials(ctx context.Context) error {
	for {
		n, err := w.DB.ForgetDenials(ctx, time.Now().Add(-denialsKeptFor), denialsKept, denialsAtOnce)
		if err != nil || n < denialsAtOnce {
			return err
		}
	}
}

func (w *Worker) keepPartitions(ctx context.Context) {
	w.attempt(ctx, "make partitions ahead", func(ctx context.Context) error {
		return w.DB.MakePartitionsAhead(ctx, time.Now())
	})
	w.attempt(ctx, "drop expired usage", func(ctx context.Context) error {
		dropped, err := w.DB.DropExpired(ctx, time.Now())
		if dropped > 0 {
			w.Log.Info("dropped usage that is older than its retention", "partitions", dropped)
		}
		return err
	})
}
