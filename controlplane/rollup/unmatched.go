package rollup

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// UnmatchedStore keeps the sample of unmatched paths.
type UnmatchedStore interface {
	// KeepUnmatched adds requests to those of the sample, each path given once.
	KeepUnmatched(ctx context.Context, paths []controlplane.UnmatchedPath) error
}

// Unmatched gathers the unmatched paths of the batches that were committed, and writes
// them down now and then. It is a sample beside the counts, and no part of the
// guarantee: it delays no commit, and what a crash or a failing database takes of it is
// gone.
type Unmatched struct {
	DB  UnmatchedStore
	Log *slog.Logger

	mu       sync.Mutex
	requests map[requestLine]int64
}

type requestLine struct{ method, path string }

const (
	keepEvery   = 5 * time.Second
	keepWithin  = 10 * time.Second
	maxGathered = 2_000 // paths at a time; the rest of the time's are left out
)

// add notes the unmatched paths of batches.
func (u *Unmatched) add(batches []*wire.Batch) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, b := range batches {
		for _, n := range b.Unmatched {
			path, ok := controlplane.PlainUnmatched(n.Method, n.Path)
			if !ok {
				continue
			}
			line := requestLine{n.Method, path}
			if _, known := u.requests[line]; !known && len(u.requests) >= maxGathered {
				continue
			}
			if u.requests == nil {
				u.requests = map[requestLine]int64{}
			}
			u.requests[line]++
		}
	}
}

// Run writes down what was gathered until ctx ends, and once more then.
func (u *Unmatched) Run(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.Keep(ctx)
		case <-ctx.Done():
			u.Keep(context.WithoutCancel(ctx))
			return
		}
	}
}

// Keep writes down what was gathered since the last time.
func (u *Unmatched) Keep(ctx context.Context) {
	u.mu.Lock()
	gathered := u.requests
	u.requests = nil
	u.mu.Unlock()
	if len(gathered) == 0 {
		return
	}
	paths := make([]controlplane.UnmatchedPath, 0, len(gathered))
	for line, n := range gathered {
		paths = append(paths, controlplane.UnmatchedPath{Method: line.method, Path: line.path, Requests: n})
	}
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	if err := u.DB.KeepUnmatched(ctx, paths); err != nil {
		u.Log.Warn("some of the sample of unmatched paths is lost; nothing that is counted is", "err", err)
	}
}
