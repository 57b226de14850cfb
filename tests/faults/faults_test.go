package faults

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// TestUsageIsExactUnderRealFaults plays schedules in worlds side by side.
func TestUsageIsExactUnderRealFaults(t *testing.T) {
	t.Parallel()
	first, count, side := *from, *seeds, *abreast
	if *oneSeed != 0 {
		first, count, side = *oneSeed, 1, 1
	}
	var next, played, requests, lost atomic.Int64
	next.Store(int64(first))
	began := time.Now()
	t.Cleanup(func() {
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
		})
	}
}
