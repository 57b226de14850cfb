package edge

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

const (
	watchAgainAfter = 250 * time.Millisecond
	// maxRecalled bounds the processes whose next poll is answered at once. One that
	// is left out learns of its recall with its next report.
	maxRecalled = 10_000
)

// errRecalled ends the wait of a poll.
var errRecalled = errors.New("a lease is being recalled")

// Run has the polls of processes that are to give up something of a quota answered
// at once, until ctx ends. Any number of edges may do so: each is told of all.
func (e *Edge) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := e.Leases.WatchRecalls(ctx, e.recalls.add)
		if ctx.Err() != nil {
			return
		}
		e.Log.Warn("the watch of recalls broke off; starting over", "err", err)
		select {
		case <-time.After(watchAgainAfter):
		case <-ctx.Done():
		}
	}
}

// recalls knows which processes are to give something up.
type recalls struct {
	mu       sync.Mutex
	recalled map[wire.ProcessID]bool            // no poll of theirs was there
	polls    map[wire.ProcessID][]chan struct{} // under way
}

func (r *recalls) add(process wire.ProcessID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	polls := r.polls[process]
	if len(polls) == 0 && len(r.recalled) < maxRecalled {
		if r.recalled == nil {
			r.recalled = map[wire.ProcessID]bool{}
		}
		r.recalled[process] = true
	}
	for _, poll := range polls {
		select {
		case poll <- struct{}{}:
		default: // it knows
		}
	}
}

// await returns a context that ends with [errRecalled] when the process is to give
// something up, and what ends the wait.
func (r *recalls) await(ctx context.Context, process wire.ProcessID) (until context.Context, stop func()) {
	until, cancel := context.WithCancelCause(ctx)
	poll := make(chan struct{}, 1)
	go func() {
		select {
		case <-poll:
			cancel(errRecalled)
		case <-until.Done():
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recalled[process] {
		delete(r.recalled, process)
		poll <- struct{}{}
	}
	if r.polls == nil {
		r.polls = map[wire.ProcessID][]chan struct{}{}
	}
	r.polls[process] = append(r.polls[process], poll)
	return until, func() {
		cancel(nil)
		r.forget(process, poll)
	}
}

func (r *recalls) forget(process wire.ProcessID, poll chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []chan struct{}
	for _, p := range r.polls[process] {
		if p != poll {
			rest = append(rest, p)
		}
	}
	if r.polls[process] = rest; len(rest) == 0 {
		delete(r.polls, process)
	}
}

// processOf reads the name of a process in a query, in hexadecimal digits.
func processOf(name string) (process wire.ProcessID, ok bool) {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != len(process) {
		return process, false
	}
	return wire.ProcessID(b), true
}
