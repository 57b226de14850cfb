package faults

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// enoughForAll is a number of schedules in which every fault hits something.
const enoughForAll = 100

// bites counts faults that hit something, which is a matter of the moment.
type bites struct {
	mu sync.Mutex
	n  struct{ spoiled, loseAnswer, loseCommit, killAfter int64 }
}

func (b *bites) add(w *world) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n.spoiled += w.spoiled.Load()
	for _, tap := range w.taps {
		b.n.loseAnswer += tap.reached[loseAnswer].Load()
		b.n.loseCommit += tap.reached[loseCommit].Load()
		b.n.killAfter += tap.reached[killAfter].Load()
	}
}

func (b *bites) check(t *testing.T) {
	for what, n := range map[string]int64{
		"a store with usage in it was spoiled": b.n.spoiled,
		"the answer to a commit was lost":      b.n.loseAnswer,
		"a commit was lost":                    b.n.loseCommit,
		"Postgres was killed after a commit":   b.n.killAfter,
	} {
		if n == 0 {
			t.Errorf("never: %s", what)
		}
	}
}

// TestUsageIsExactUnderRealFaults plays schedules in worlds side by side.
func TestUsageIsExactUnderRealFaults(t *testing.T) {
	t.Parallel()
	first, count, side := *from, *seeds, *abreast
	if *oneSeed != 0 {
		first, count, side = *oneSeed, 1, 1
	}
	var next, played, requests, lost atomic.Int64
	next.Store(int64(first))
	var bites bites
	began := time.Now()
	t.Cleanup(func() {
		t.Logf("faults that hit something: %+v", bites.n)
		if count >= enoughForAll && !t.Failed() {
			bites.check(t)
		}
		t.Logf("%d schedules in %v: %d requests, of which %d went with a killed Envoy", played.Load(), time.Since(began).Round(time.Second), requests.Load(), lost.Load())
		if played.Load() < int64(count) && !t.Failed() {
			t.Errorf("%d schedules were to be played", count)
		}
	})
	for n := range side {
		t.Run(fmt.Sprint("world ", n+1), func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, bug{})
			for {
				seed := uint64(next.Add(1) - 1)
				if seed >= first+count {
					break
				}
				s := newSchedule(seed)
				began := time.Now()
				r, err := w.play(t.Context(), s)
				if err != nil {
					t.Fatalf("seed %d: %v\n%v\nreplay it with: go test ./tests/faults -run TestUsageIsExactUnderRealFaults -v -seed %[1]d", seed, err, s)
				}
				played.Add(1)
				requests.Add(int64(r.requests))
				lost.Add(r.lost)
				t.Logf("seed %d: %d requests in %v, drained in %v, %d lost; %v", seed, r.requests, time.Since(began).Round(time.Millisecond), r.drained.Round(time.Millisecond), r.lost, s)
			}
			if err := w.finish(t.Context()); err != nil {
				t.Fatalf("at the end of all schedules: %v", err)
			}
			bites.add(w)
		})
	}
}
