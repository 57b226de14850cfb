package limit

import (
	"strconv"
	"testing"
)

// every has a rule of each kind, mode and measure that gives back where it can.
func every() []Rule {
	var rules []Rule
	for kind := Rate; kind <= Quota; kind++ {
		for mode := Enforce; mode <= Shadow; mode++ {
			for measure := Requests; measure <= Cost; measure++ {
				rules = append(rules, Rule{
					ID: uint64(len(rules) + 1), Kind: kind, Mode: mode, Measure: measure, Refund: true, FailOpen: true,
					Amount: 1_000_000, Burst: 1_000_000, PeriodSeconds: 60, GracePercent: 20, GraceSeconds: 600,
				})
			}
		}
	}
	return rules
}

func TestNothingIsAllocated(t *testing.T) {
	rules := every()
	state, spare := mustSeed(t, 1, 0, rules...), make([]byte, 0, MaxStateBytes)
	levels, held := make([]Level, 0, MaxRules), make([]Holding, 0, MaxRules)
	all := uint64(1)<<len(rules) - 1
	now := int64(0)
	leases := []Lease{{Limit: rules[18].ID, Start: 0, End: 100, Granted: 1000}}
	other := append([]Rule(nil), rules...)
	for i := range other {
		other[i].Amount, other[i].PeriodSeconds = 2_000_000, 30
	}
	set, place := make([]byte, 0, MaxSetBytes(len(state))), Place{}
	cases := map[string]func() error{
		"allowed": func() error {
			_, _, err := Decide(spare, state, Request{Version: 1, Now: now, Applies: all, Take: [Measures]uint64{1, 1, 1}}, rules, levels)
			return err
		},
		"denied": func() error {
			_, _, err := Decide(spare, state, Request{Version: 1, Now: now, Applies: all, Take: [Measures]uint64{2_000_000, 1, 1}}, rules, levels)
			return err
		},
		"behind": func() error {
			_, _, err := Decide(spare, state, Request{Version: 0, Now: now, Applies: all, Take: [Measures]uint64{1, 1, 1}}, rules, levels)
			return err
		},
		"adopted": func() error {
			_, _, err := Decide(spare, state, Request{Version: 2, Now: now, Applies: all, Take: [Measures]uint64{1, 1, 1}}, other, levels)
			return err
		},
		"reset": func() error {
			_, _, err := Decide(spare, state, Request{Version: 1, Epoch: 1, Now: now, Applies: all, Take: [Measures]uint64{1, 1, 1}}, rules, levels)
			return err
		},
		"new": func() error {
			_, _, err := Decide(spare, nil, Request{Version: 1, Now: now, Applies: all, Take: [Measures]uint64{1, 1, 1}}, rules, levels)
			return err
		},
		"settled": func() error {
			_, _, err := Settle(spare, state, Settlement{Version: 1, Now: now, Applies: all, Delta: [Measures]int64{-1, 5, -1}}, rules)
			return err
		},
		"granted": func() error {
			_, _, err := Grant(spare, state, Request{Version: 1, Now: now}, leases, rules)
			return err
		},
		"held": func() error {
			_, err := Holdings(held, state, Request{Version: 1, Now: now})
			return err
		},
		"idle": func() error { Idle(state, Request{Version: 1, Now: now}, rules); return nil },
		"placed": func() error {
			var err error
			if _, place, err = Locate(spare, set, 7, Request{Version: 1, Now: now}, rules); err == nil {
				set, err = Store(set[:0], nil, place, state)
			}
			return err
		},
	}
	for name, do := range cases {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, func() {
				now += 1000
				if err := do(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestThreePlainRatesAreSmall(t *testing.T) {
	if n := StateBytes(manyRules(3)); n > 260 {
		t.Errorf("%d bytes, want 260 at most", n)
	}
	for _, r := range every() {
		if n := r.slotBytes(); n > MaxSlotBytes {
			t.Errorf("%+v: a slot of %d bytes, the most is %d", r, n, MaxSlotBytes)
		}
	}
}

func manyRules(n int) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{ID: uint64(i + 1), Amount: 1_000_000, Burst: 1_000_000, PeriodSeconds: 60}
	}
	return rules
}

func BenchmarkDecide(b *testing.B) {
	run := func(name string, rules []Rule, applies uint64) {
		b.Run(name, func(b *testing.B) {
			state, spare := mustSeed(b, 1, 0, rules...), make([]byte, 0, MaxStateBytes)
			levels := make([]Level, 0, MaxRules)
			req := Request{Version: 1, Applies: applies, Take: [Measures]uint64{1, 1, 1}}
			b.ReportAllocs()
			for b.Loop() {
				req.Now += 100_000
				next, d, err := Decide(spare, state, req, rules, levels)
				if err != nil || !d.Allowed {
					b.Fatal(err, d)
				}
				state, spare = next, state
			}
		})
	}
	for _, n := range []int{1, 3, 30} {
		run(strconv.Itoa(n)+" rates", manyRules(n), 1<<n-1)
	}
	run("3 of 30 rates", manyRules(30), 1|1<<10|1<<20)
	run("window", []Rule{{ID: 1, Kind: Window, Amount: MaxAmount, PeriodSeconds: 60}}, 1)
	run("quota", []Rule{{ID: 1, Kind: Quota, FailOpen: true, Amount: MaxAmount}}, 1)
	run("soft rate that gives back", []Rule{{ID: 1, Mode: Soft, Refund: true, GracePercent: 20, Amount: MaxAmount, Burst: MaxAmount, PeriodSeconds: 60}}, 1)
	run("no rule", nil, 0)
}
