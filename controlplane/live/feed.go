package live

import (
	"context"
	"time"
)

// Feed hands figures to one subscriber: the newest at the time it asks, however
// slow it is. It must be closed.
type Feed[T any] struct {
	*feed
	read func(now time.Time) T // with the hub's lock
}

type feed struct {
	hub    *Hub
	topic  *topic
	every  time.Duration
	signal chan struct{} // has room for one: there is something to read

	// With the hub's lock.
	told uint64 // the version that was signalled
	due  time.Time
}

// Next waits for the next figures, and reports whether there are any: there are
// until ctx ends.
func (f *Feed[T]) Next(ctx context.Context) (next T, ok bool) {
	for {
		select {
		case <-f.signal:
		case <-ctx.Done():
			return next, false
		}
		if next, ok = f.take(); ok {
			return next, true
		}
	}
}

// take reads the figures, unless they have come in doubt since the signal.
func (f *Feed[T]) take() (next T, ok bool) {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	if !f.topic.current {
		f.told, f.due = 0, time.Time{}
		return next, false
	}
	return f.read(time.Now()), true
}

// Close ends the feed.
func (f *feed) Close() { f.hub.unfollow(f) }

// wake signals a version that is new to the subscriber, when it is due.
func (f *feed) wake(version uint64, now time.Time) {
	if version == f.told || now.Before(f.due) {
		return
	}
	// Ticks are not quite even: half a tick early is in time.
	f.told, f.due = version, now.Add(f.every-Tick/2)
	select {
	case f.signal <- struct{}{}:
	default:
	}
}

// Again signals what was read last once more, after a while.
func (f *feed) Again(after time.Duration) {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.told, f.due = 0, time.Now().Add(after)
}
