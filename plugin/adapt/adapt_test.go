package adapt

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

const second = 1_000_000_000

var rule = Rule{ErrorPercent: 50, SlowMS: 500, SlowPercent: 80, FloorPercent: 10}

// seconds observes the same sample once a second, n times, and returns the state
// and when the last of those seconds is over.
func seconds(state []byte, r Rule, from int64, n int, s Sample) ([]byte, int64) {
	for i := range n {
		state = Observe(nil, state, r, from+int64(i)*second, s)
	}
	return state, from + int64(n)*second
}

func TestTightensWhileErrorsLast(t *testing.T) {
	want := []uint64{700, 490, 343, 240, 168, 117, 100, 100}
	var state []byte
	now := int64(0)
	for i, w := range want {
		state, now = seconds(state, rule, now, 1, Sample{Requests: 20, Errors: 10})
		if got := Factor(state, rule, now); got != w {
			t.Errorf("after %d s: factor %d, want %d", i+1, got, w)
		}
	}
}

func TestRecoversInTwentySeconds(t *testing.T) {
	for name, s := range map[string]Sample{"without traffic": {}, "with good traffic": {Requests: 100, Errors: 49}} {
		t.Run(name, func(t *testing.T) {
			state, now := seconds(nil, rule, 0, 20, Sample{Requests: 100, Errors: 100})
			// The last bad second takes effect as it ends.
			state, now = seconds(state, rule, now, 17, s)
			if got := Factor(state, rule, now); got != 950 {
				t.Errorf("after 17 s: factor %d, want 950", got)
			}
			if got := Factor(state, rule, now+second); got != Whole {
				t.Errorf("after 18 s: factor %d, want it whole", got)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	tests := map[string]struct {
		rule   Rule
		sample Sample
		want   uint64
	}{
		"errors at the bound":          {rule, Sample{100, 50, 0}, 700},
		"errors below the bound":       {rule, Sample{100, 49, 0}, 1000},
		"slow at the bound":            {rule, Sample{100, 0, 80}, 700},
		"slow below the bound":         {rule, Sample{100, 0, 79}, 1000},
		"19 requests don't tell":       {rule, Sample{19, 19, 19}, 1000},
		"errors that aren't looked at": {Rule{SlowPercent: 1, FloorPercent: 10}, Sample{100, 100, 0}, 1000},
		"nothing is looked at":         {Rule{FloorPercent: 10}, Sample{100, 100, 100}, 1000},
		"the floor is the whole":       {Rule{ErrorPercent: 1, FloorPercent: 100}, Sample{100, 100, 0}, 1000},
		"more errors than requests":    {rule, Sample{0, 100, 100}, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			state, now := seconds(nil, tt.rule, 0, 1, tt.sample)
			if got := Factor(state, tt.rule, now); got != tt.want {
				t.Errorf("factor %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFewRequestsAddUp(t *testing.T) {
	state, now := seconds(nil, rule, 0, 4, Sample{Requests: 5, Errors: 5})
	if got := Factor(state, rule, now); got != 700 {
		t.Errorf("factor %d after 20 failed requests in 4 s, want 700", got)
	}
	state, now = seconds(nil, rule, 0, 10, Sample{Requests: 1, Errors: 1})
	if got := Factor(state, rule, now+second); got != Whole {
		t.Errorf("factor %d after 10 failed requests in 10 s, want it whole", got)
	}
}

func TestClockBackwardChangesNothing(t *testing.T) {
	state, now := seconds(nil, rule, 100*second, 3, Sample{Requests: 20, Errors: 20})
	before := Factor(state, rule, now)
	state = Observe(nil, state, rule, now, Sample{})
	state = Observe(nil, state, rule, 0, Sample{})
	if got := Factor(state, rule, math.MinInt64); got != before {
		t.Errorf("factor %d, want %d", got, before)
	}
}

func TestFactorStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{
			ErrorPercent: rapid.Uint32Range(0, 100).Draw(t, "errors"), SlowPercent: rapid.Uint32Range(0, 100).Draw(t, "slow"),
			FloorPercent: rapid.Uint32Range(1, 100).Draw(t, "floor"),
		}
		var state []byte
		now := rapid.Int64().Draw(t, "start")
		for range rapid.IntRange(1, 60).Draw(t, "samples") {
			s := Sample{rapid.Uint64Range(0, 50).Draw(t, "n"), rapid.Uint64Range(0, 50).Draw(t, "failed"), rapid.Uint64Range(0, 50).Draw(t, "late")}
			if step := rapid.Int64Range(-second, 5*second).Draw(t, "step"); step < 0 || now < math.MaxInt64-step {
				now += step
			}
			state = Observe(nil, state, r, now, s)
			if got := Factor(state, r, now); got < uint64(r.FloorPercent)*10 || got > Whole {
				t.Fatalf("factor %d is not in %d to %d", got, r.FloorPercent*10, Whole)
			}
		}
		if now < math.MaxInt64-40*second && Factor(state, r, now+32*second) != Whole {
			t.Fatal("not whole after 32 s without traffic")
		}
		bad := Rule{ErrorPercent: max(1, r.ErrorPercent), FloorPercent: r.FloorPercent}
		if now < math.MaxInt64-40*second && now > math.MinInt64+10*second {
			state, now = seconds(state, bad, now+second, 26, Sample{Requests: 20, Errors: 20})
			if got := Factor(state, bad, now); got != uint64(r.FloorPercent)*10 {
				t.Fatalf("factor %d after 26 s of errors, want the floor %d", got, r.FloorPercent*10)
			}
		}
	})
}

func FuzzObserve(f *testing.F) {
	state, now := seconds(nil, rule, 0, 3, Sample{Requests: 7, Errors: 7, Slow: 1})
	f.Add(state, now, uint64(3), uint64(2), uint64(1))
	f.Add([]byte("x"), int64(math.MinInt64), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(0))
	f.Fuzz(func(t *testing.T, state []byte, now int64, n, failed, late uint64) {
		given := bytes.Clone(state)
		next := Observe(nil, state, rule, now, Sample{n, failed, late})
		if !bytes.Equal(given, state) {
			t.Fatal("Observe wrote to the state it was given")
		}
		for _, s := range [][]byte{state, next} {
			if got := Factor(s, rule, now); got < 100 || got > Whole {
				t.Fatalf("factor %d", got)
			}
		}
		if _, ok := read(next); !ok {
			t.Fatal("the next state is refused")
		}
	})
}

func TestApply(t *testing.T) {
	for _, tt := range []struct{ n, factor, want uint64 }{
		{1000, 700, 700}, {1, 10, 1}, {math.MaxUint64, Whole, math.MaxUint64}, {10, math.MaxUint64, 10}, {3, 500, 1},
	} {
		if got := Apply(tt.n, tt.factor); got != tt.want {
			t.Errorf("Apply(%d, %d) = %d, want %d", tt.n, tt.factor, got, tt.want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	spare := make([]byte, 0, StateBytes)
	state := Observe(nil, nil, rule, 0, Sample{})
	if n := testing.AllocsPerRun(100, func() {
		Observe(spare, state, rule, second, Sample{1, 1, 1})
		Factor(state, rule, second)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
