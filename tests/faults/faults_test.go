package faults

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// enoughForAll is a number of schedules in which every fault hits something.
const enoughForAll = 100

// smokeSeeds are too few to wait in the end for what the stream gives out again,
// half a minute later.
const smokeSeeds = 3

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
	first, count := *from, *seeds
	if *oneSeed != 0 {
		first, count = *oneSeed, 1
	}
	r := &run{began: time.Now(), smoke: *oneSeed == 0 && count <= smokeSeeds}
	for seed := first; seed < first+count; seed++ {
		s := newSchedule(seed)
		r.todo[index(s.embedded)] = append(r.todo[index(s.embedded)], s)
	}
	t.Cleanup(func() { r.report(t, count) })
	for n := range *abreast {
		embedded := n%4 == 3
		t.Run(fmt.Sprint("world ", n+1), func(t *testing.T) {
			t.Parallel()
			r.play(t, embedded)
			if n == 0 {
				r.play(t, !embedded) // what nobody else took
			}
		})
	}
}

// run is what has to be played, and what came of it.
type run struct {
	mu       sync.Mutex
	began    time.Time
	smoke    bool
	todo     [2][]schedule // for worlds with a NATS of their own, and without
	played   int
	requests int
	lost     int64
	bites    bites
}

func index(embedded bool) int {
	if embedded {
		return 1
	}
	return 0
}

// next takes the next schedule for a world.
func (r *run) next(embedded bool) (s schedule, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	todo := &r.todo[index(embedded)]
	if len(*todo) == 0 {
		return s, false
	}
	s, *todo = (*todo)[0], (*todo)[1:]
	return s, true
}

// play plays schedules in one world until there are none any more.
func (r *run) play(t *testing.T, embedded bool) {
	s, ok := r.next(embedded)
	if !ok {
		return
	}
	w := startWorld(t, embedded, bug{})
	for ; ok; s, ok = r.next(embedded) {
		began := time.Now()
		came, err := w.play(t.Context(), s)
		if err != nil {
			t.Fatalf("seed %d: %v\n%v\nreplay it with: go test ./tests/faults -run TestUsageIsExactUnderRealFaults -v -seed %[1]d", s.seed, err, s)
		}
		r.add(came)
		t.Logf("seed %d: %d requests in %v, drained in %v, %d lost; %v", s.seed, came.requests, time.Since(began).Round(time.Millisecond), came.drained.Round(time.Millisecond), came.lost, s)
	}
	r.bites.add(w)
	if r.smoke {
		return
	}
	if err := w.finish(t.Context()); err != nil {
		t.Fatalf("at the end of all schedules: %v", err)
	}
}

func (r *run) add(came result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.played++
	r.requests += came.requests
	r.lost += came.lost
}

func (r *run) report(t *testing.T, count uint64) {
	t.Logf("%d schedules in %v: %d requests, of which %d went with a killed Envoy", r.played, time.Since(r.began).Round(time.Second), r.requests, r.lost)
	t.Logf("faults that hit something: %+v", r.bites.n)
	if t.Failed() {
		return
	}
	if r.played < int(count) {
		t.Errorf("%d schedules were to be played", count)
	}
	if count >= enoughForAll {
		r.bites.check(t)
	}
}
