// Package sweep closes and forgets what has had its time: leases of processes
// that fell silent, quota periods that ended long ago, old denials and unmatched paths, usage that is
// older than its retention, sources that ended, with an account of what is missing
// of them. It also makes the partitions of the time to come, and tells of accounts
// whose time zone is unknown.
//
// Nothing comes in and nothing goes out; it works on the database alone. Any
// number may run at once, and none for a while does no harm but that what is
// silent still counts as outstanding.
package sweep

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/weirhq/weir/controlplane/postgres"
)

// Worker is the loop.
type Worker struct {
	DB  *postgres.DB
	Log *slog.Logger

	zones   []postgres.UnknownZone // as last logged
	unzoned atomic.Int64
}

// Unzoned returns how many accounts have a time zone that this process does not
// know, and are counted in UTC.
func (w *Worker) Unzoned() int { return int(w.unzoned.Load()) }

const (
	closeEvery  = 5 * time.Second
	forgetEvery = time.Minute
	within      = time.Minute

	// A source that is silent for so long has ended. When nobody could be heard,
	// nobody was silent: all must have worked for as long.
	silentFor = 5 * time.Minute

	// Denials are a sample, and kept for a while only.
	denialsKeptFor = 24 * time.Hour
	denialsKept    = 1_000_000
	denialsAtOnce  = 100_000

	// So long is kept what may have somebody's name in it: see docs/endpoints.md.
	unmatchedKeptFor = 7 * 24 * time.Hour

	keysAtOnce = 1_000

	// What each source sent is told apart for so long after it has ended.
	sentKeptFor = 35 * 24 * time.Hour
)

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	closing, forgetting := time.NewTicker(closeEvery), time.NewTicker(forgetEvery)
	defer closing.Stop()
	defer forgetting.Stop()
	w.keepPartitions(ctx)
	w.attempt(ctx, "look for unknown time zones", w.findUnzoned)
	// Since when this process and the database have worked without a break.
	last := time.Now()
	steady := last
	for {
		select {
		case <-closing.C:
			paused := time.Since(last) > within
			if last = time.Now(); !w.attempt(ctx, "close silent leases", w.closeLeases) || paused {
				steady = last
			}
		case <-forgetting.C:
			w.attempt(ctx, "forget denials", w.forgetDenials)
			w.attempt(ctx, "forget unmatched paths", w.forgetUnmatched)
			w.attempt(ctx, "forget idempotency keys", w.forgetKeys)
			w.keepPartitions(ctx)
			if time.Since(steady) >= silentFor {
				w.attempt(ctx, "account for sources", w.accountSources)
			}
			w.attempt(ctx, "forget what ended sources sent", w.forgetSent)
			w.attempt(ctx, "look for unknown time zones", w.findUnzoned)
		case <-ctx.Done():
			return
		}
	}
}

// attempt does something within bounded time. What did not work is done next time.
func (w *Worker) attempt(ctx context.Context, what string, do func(context.Context) error) (done bool) {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil {
		w.Log.Warn("did not "+what+"; will try again", "err", err)
	}
	return err == nil
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

func (w *Worker) forgetUnmatched(ctx context.Context) error {
	return w.DB.ForgetUnmatched(ctx, time.Now().Add(-unmatchedKeptFor))
}

func (w *Worker) forgetKeys(ctx context.Context) error {
	for {
		n, err := w.DB.ForgetKeys(ctx, keysAtOnce)
		if err != nil || n < keysAtOnce {
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

func (w *Worker) accountSources(ctx context.Context) error {
	a, err := w.DB.AccountSources(ctx, silentFor)
	if a.Found+a.Resolved > 0 {
		w.Log.Warn("usage is unaccounted for, or has come after all", "found", a.Found, "resolved", a.Resolved, "ended", a.Ended)
	}
	return err
}

func (w *Worker) forgetSent(ctx context.Context) error {
	return w.DB.ForgetSent(ctx, time.Now().Add(-sentKeptFor))
}

// findUnzoned logs which time zones are unknown, once until that changes.
func (w *Worker) findUnzoned(ctx context.Context) error {
	zones, err := w.DB.UnknownZones(ctx)
	if err != nil {
		return err
	}
	accounts := 0
	for _, z := range zones {
		accounts += z.Accounts
	}
	w.unzoned.Store(int64(accounts))
	if len(zones) > 0 && !slices.Equal(zones, w.zones) {
		w.Log.Error("accounts have a time zone that is not in the IANA database, and are counted in UTC until they are given another", "accounts", accounts, "zones", zones)
	}
	w.zones = zones
	return nil
}
