// Package schedule carries changes out at their time.
//
// In come the pending changes of the database; each goes to Carry, which makes the
// change as whoever scheduled it. What can't be made is noted with its reason, and
// what failed on our side is tried again, ten times within about a quarter of an
// hour. Any number of workers may run at once, in as many processes, and be killed at
// any time: a change is settled in the transaction that makes it, so it is made once.
// What came due while none ran is carried out, late, by the first that does.
package schedule

import (
	"context"
	"log/slog"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// Worker is the loop.
type Worker struct {
	DB *postgres.DB
	// Carry makes a change. Its error is told as it is when it is a caller's mistake.
	Carry func(context.Context, controlplane.ScheduledChange) error
	Log   *slog.Logger
}

const (
	// How long a change that was just scheduled may go unnoticed, which is for how
	// long one that is due at once is late.
	checkEvery = time.Second
	within     = 30 * time.Second
	atOnce     = 50
)

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	check := time.NewTimer(0)
	defer check.Stop()
	for {
		select {
		case <-check.C:
			next, err := w.RunOnce(ctx)
			if err != nil && ctx.Err() == nil {
				w.Log.Warn("did not carry changes out; will try again", "err", err)
			}
			check.Reset(next)
		case <-ctx.Done():
			return
		}
	}
}

// RunOnce carries out what is due, and returns when to look again.
func (w *Worker) RunOnce(ctx context.Context) (next time.Duration, err error) {
	due, wait, err := w.DB.DueChanges(ctx, atOnce)
	if err != nil {
		return checkEvery, err
	}
	for _, c := range due {
		if err := w.carry(ctx, c); err != nil {
			return checkEvery, err
		}
	}
	switch {
	case len(due) == atOnce:
		return 0, nil
	case wait >= 0:
		return min(wait, checkEvery), nil
	}
	return checkEvery, nil
}

func (w *Worker) carry(ctx context.Context, c controlplane.ScheduledChange) error {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := w.Carry(postgres.CarryingOut(bounded, c.ID), c)
	switch faults := controlplane.Faults(err); {
	case err == nil:
		return w.DB.EndScheduledChange(ctx, c.ID)
	case len(faults) > 0:
		return w.DB.FailScheduledChange(ctx, c.ID, faults[0].Error())
	}
	w.Log.Warn("could not carry a change out", "change", controlplane.KindSchedule.Format(c.ID), "err", err)
	again, retryErr := w.DB.RetryScheduledChange(ctx, c.ID)
	if retryErr != nil || again {
		return retryErr
	}
	return w.DB.FailScheduledChange(ctx, c.ID, "something went wrong on our side, again and again; the control plane's log has it")
}
