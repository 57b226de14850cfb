package simulation

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed only, and print its trace")
	seeds   = flag.Uint64("seeds", usualSeeds, "how many seeds to play")
	from    = flag.Uint64("from", 1, "the first of them")
)

const maxFailures = 10 // are told in full; one would do

func TestMain(m *testing.M) {
	flag.Parse()
	// A run leaves much garbage and keeps nothing.
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}

// TestUsageIsCountedOnceUnderAnyFault plays many seeds of the real path.
func TestUsageIsCountedOnceUnderAnyFault(t *testing.T) {
	if *oneSeed != 0 {
		p := &pool{}
		defer p.close()
		if r := run(*oneSeed, realParts(), p, os.Stdout); r.violation != nil {
			t.Error(told(*oneSeed, r))
		}
		return
	}
	var next, failures, requests, events atomic.Uint64
	var longest atomic.Int64
	next.Store(*from)
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			p := &pool{}
			defer p.close()
			for failures.Load() < maxFailures {
				s := next.Add(1) - 1
				if s >= *from+*seeds {
					return
				}
				r := run(s, realParts(), p, nil)
				requests.Add(r.requests)
				events.Add(r.events)
				if r.violation != nil {
					failures.Add(1)
					t.Error(told(s, r))
				}
				for seen := longest.Load(); r.drainNS > seen && !longest.CompareAndSwap(seen, r.drainNS); seen = longest.Load() {
				}
			}
		})
	}
	players.Wait()
	t.Logf("%d seeds: %d requests, %d events; at most %v from the last fault until all was committed",
		*seeds, requests.Load(), events.Load(), time.Duration(longest.Load()).Round(time.Second))
}

// told is a failed seed in one line, with how to see it again.
func told(seed uint64, r result) string {
	return fmt.Sprintf("seed %d: %v; replay it with: go test ./tests/simulation -run TestUsageIsCountedOnceUnderAnyFault -v -seed %d", seed, r.violation, seed)
}

// TestSeedsReplayIdentically plays seeds twice, the second time with a trace and
// with tasks that were used before.
func TestSeedsReplayIdentically(t *testing.T) {
	p := &pool{}
	defer p.close()
	different := map[uint64]bool{}
	for s := uint64(1); s <= 200; s++ {
		var trace strings.Builder
		a, b := run(s, realParts(), p, nil), run(s, realParts(), p, &trace)
		if a.hash != b.hash || a.events != b.events || a.requests != b.requests {
			t.Errorf("seed %d gave %x after %d events, and then %x after %d", s, a.hash, a.events, b.hash, b.events)
		}
		if trace.Len() == 0 {
			t.Errorf("seed %d has no trace", s)
		}
		different[a.hash] = true
	}
	if len(different) != 200 {
		t.Errorf("200 seeds gave %d different runs", len(different))
	}
}

// TestRunsMeetEveryFault looks into traces for whatever can go wrong, so that no
// fault is there by name only.
func TestRunsMeetEveryFault(t *testing.T) {
	p := &pool{}
	defer p.close()
	want := []string{
		"worker 1  crashes", "edge 1    crashes", "log       crashes", "store     crashes", "filter a  crashes", "edge 2    pauses",
		"log       is a copy for", "log       comes again", "log       is dropped", "log       is done", "log       loses an acknowledgement",
		"log       forgets what it had not synced", "log       brings back what was done",
		"store     rolls back", "store     commits unheard", "store     fails over", "store     refuses a batch",
		"store     takes back a batch that its filter has forgotten", "store     gets a batch again", "store     gets a batch out of order",
		"store     corrects", "store     knows a correction", "store     finds usage missing", "store     finds usage that was missing",
		"filter a  sends what it has folded", "filter a  gets a receipt for all", "filter a  is full", "filter a  is answered 0 400", "filter a  is answered 1 0", "filter a  is answered 1 503",
	}
	for _, s := range strokes {
		want = append(want, "fault     "+s.name)
	}
	var trace strings.Builder
	for s := uint64(1); s <= 300; s++ {
		run(s, realParts(), p, &trace)
	}
	for _, w := range want {
		if !strings.Contains(trace.String(), "  "+w) {
			t.Errorf("in 300 seeds never: %s", w)
		}
	}
}

// TestPlantedBugsAreFound tests the simulation itself: each mistake has to be
// found within so many seeds.
func TestPlantedBugsAreFound(t *testing.T) {
	p := &pool{}
	defer p.close()
	for _, b := range bugs() {
		t.Run(b.name, func(t *testing.T) {
			for s := uint64(1); s <= b.within; s++ {
				with := realParts()
				b.plant(&with)
				if r := run(s, with, p, nil); r.violation != nil {
					t.Logf("seed %d: %v", s, r.violation)
					return
				}
			}
			t.Errorf("not found within %d seeds", b.within)
		})
	}
}
