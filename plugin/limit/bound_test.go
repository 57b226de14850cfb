package limit

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// admission is one admitted request. Its time is the bucket's clock: the latest
// time of all requests that changed it, so a step backward takes no time.
type admission struct {
	at     int64
	cost   uint64
	policy int // index of the rule in force
}

// inForce is a rule and when it came into force.
type inForce struct {
	rule Rule
	from int64
}

// gainBetween is the integral of the rate in force, in tokens.
func gainBetween(policies []inForce, from, to int64) *big.Rat {
	sum := new(big.Rat)
	for i, p := range policies {
		start, end := max(from, p.from), to
		if i == 0 {
			start = from
		}
		if i+1 < len(policies) {
			end = min(end, policies[i+1].from)
		}
		if start < end {
			sum.Add(sum, new(big.Rat).Mul(nsBetween(start, end), ratePerNS(p.rule)))
		}
	}
	return sum
}

// checkEveryWindow fails if in any window more was admitted than the burst in
// force when it began plus the integral of the rate in force.
func checkEveryWindow(t *rapid.T, policies []inForce, admitted []admission) {
	for i, first := range admitted {
		sum := new(big.Rat)
		for _, a := range admitted[i:] {
			sum.Add(sum, ratInt(a.cost))
			bound := gainBetween(policies, first.at, a.at)
			bound.Add(bound, ratInt(policies[first.policy].rule.Burst))
			if sum.Cmp(bound) > 0 {
				t.Fatalf("between %d and %d: admitted %s, bound %s",
					first.at, a.at, sum.FloatString(3), bound.FloatString(3))
			}
		}
	}
}

func smallRule(t *rapid.T) Rule {
	return Rule{
		ID:            1,
		Amount:        rapid.Uint64Range(1, 50).Draw(t, "amount"),
		Burst:         rapid.Uint64Range(1, 20).Draw(t, "burst"),
		PeriodSeconds: rapid.SampledFrom([]uint32{1, 3, 60}).Draw(t, "period"),
	}
}

// TestNoWindowAdmitsMore covers bursts, idle gaps, clock steps backward, edits,
// and workers that still decide under an older snapshot after the edit is known.
func TestNoWindowAdmitsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies := []inForce{{rule: smallRule(t)}}
		state := must(Seed(nil, 1, 0, []Rule{policies[0].rule}))
		now, clock := int64(0), int64(0)
		var admitted []admission
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now += rapid.OneOf(
				rapid.Just[int64](0),
				rapid.Int64Range(1, second),
				rapid.Int64Range(-second, 0),
				rapid.Int64Range(1, 100*second),
			).Draw(t, "step")
			use := len(policies) - 1
			switch rapid.IntRange(0, 9).Draw(t, "version") {
			case 0: // the first request since an edit at any time before
				from := rapid.Int64Range(clock, max(clock, now)).Draw(t, "in force from")
				policies = append(policies, inForce{smallRule(t), from})
				use++
			case 1, 2:
				use = rapid.IntRange(0, use).Draw(t, "stale version")
			}
			newest := len(policies) - 1
			req := Request{uint64(use) + 1, now, 1, rapid.Uint64Range(1, 3).Draw(t, "cost")}
			next, d, err := Decide(nil, state, req, []Rule{policies[use].rule}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d.Behind != (use < newest) {
				t.Fatalf("behind %v at version %d of %d", d.Behind, use, newest)
			}
			state = next
			if d.Changed {
				clock = max(clock, now)
			}
			if d.Allowed {
				admitted = append(admitted, admission{clock, req.Cost, newest})
			}
		}
		checkEveryWindow(t, policies, admitted)
	})
}

// TestSaturatingClientGetsItAll has a client that always has a request ready: up
// to every instant it gets all whole tokens of burst + rate·t. Nothing drifts.
// (With a burst of 1 the bucket is full when the token comes, and what is left
// of that nanosecond is lost, as it is in any bucket that is read by a clock.)
func TestSaturatingClientGetsItAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{ID: 1, Burst: rapid.Uint64Range(2, 1000).Draw(t, "burst"),
			PeriodSeconds: rapid.SampledFrom([]uint32{1, 60, 3600, 86400}).Draw(t, "period")}
		// At most one token a nanosecond, so that they can be told apart.
		most := min(MaxAmount, uint64(rule.PeriodSeconds)*second)
		rule.Amount = rapid.Uint64Range(1, most).Draw(t, "amount")
		state := must(Seed(nil, 1, 0, []Rule{rule}))
		now, got := int64(0), uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "rounds") {
			for {
				req := Request{1, now, 1, 1}
				next, d, err := Decide(nil, state, req, []Rule{rule}, nil)
				if err != nil {
					t.Fatal(err)
				}
				state = next
				if !d.Allowed {
					now += d.RetryAfterNS
					break
				}
				got++
			}
			bound := gainBetween([]inForce{{rule: rule}}, 0, now)
			bound.Add(bound, ratInt(rule.Burst))
			// The token that has just come is not taken yet.
			if want := uint64(floorRat(bound)) - 1; got != want {
				t.Fatalf("after %d ns: admitted %d, want %d", now, got, want)
			}
		}
	})
}

// TestEditMintsNothing says what remains right after an edit.
func TestEditMintsNothing(t *testing.T) {
	tests := map[string]struct {
		before, after Rule
		taken         int
		idleNS        int64
		want          int64
	}{
		"raised burst":                {Rule{1, 60, 10, 60}, Rule{1, 60, 100, 60}, 4, 0, 6},
		"raised burst, idle since":    {Rule{1, 60, 10, 60}, Rule{1, 60, 100, 60}, 4, 3600 * second, 10},
		"lowered burst":               {Rule{1, 60, 10, 60}, Rule{1, 60, 3, 60}, 4, 0, 3},
		"lowered burst, more taken":   {Rule{1, 60, 10, 60}, Rule{1, 60, 3, 60}, 9, 0, 1},
		"faster, idle since":          {Rule{1, 60, 10, 60}, Rule{1, 600, 10, 60}, 10, 2 * second, 2},
		"slower, idle since":          {Rule{1, 60, 10, 60}, Rule{1, 6, 10, 60}, 10, 20 * second, 2},
		"same rate in other words":    {Rule{1, 60, 10, 60}, Rule{1, 1, 10, 1}, 10, 3 * second, 3},
		"a day's rate for a second's": {Rule{1, 1, 10, 1}, Rule{1, 86400, 10, 86400}, 10, 3 * second, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, tt.before)
			for range tt.taken {
				a.ask(0, 1)
			}
			a.edit(tt.after)
			if d := a.ask(tt.idleNS, 0); d.Levels[0].Remaining != tt.want || !d.Changed {
				t.Errorf("got %+v, want %d remaining", d, tt.want)
			}
		})
	}
}

func TestEditKeepsTheFraction(t *testing.T) {
	a := newAccount(t, 0, Rule{1, 1, 1, 3600})
	a.ask(0, 1)
	a.ask(1800*second, 0)
	a.edit(Rule{1, 24, 1, 86400}) // the same rate
	if d := a.ask(1800*second, 1); d.RetryAfterNS != 1800*second {
		t.Fatalf("retry after %d ns, want half an hour", d.RetryAfterNS)
	}
}

func TestRepeatedEditsMintNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAccount(&testing.T{}, 0, smallRule(t))
		a.take(0)
		for range rapid.IntRange(1, 50).Draw(t, "edits") {
			a.edit(smallRule(t))
			if d := a.ask(0, 0); d.Levels[0].Remaining != 0 {
				t.Fatalf("%d remain after an edit, nothing did before", d.Levels[0].Remaining)
			}
		}
	})
}

func TestLimitsComeAndGo(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 10), perMinute(2, 20))
	a.ask(0, 4)
	a.edit(perMinute(3, 30), perMinute(2, 20))
	d := a.ask(0, 1)
	if d.Levels[0].Remaining != 29 || d.Levels[1].Remaining != 15 {
		t.Fatalf("got %+v, want the new limit full and the kept one as it was, less 1", d.Levels)
	}
	if want := StateBytes(2); len(a.state) != want {
		t.Fatalf("the state has %d bytes, want %d: the limit that is gone keeps no slot", len(a.state), want)
	}
}

func TestOlderWriter(t *testing.T) {
	old := []Rule{perMinute(1, 10), perMinute(2, 10)}
	state := mustSeed(t, 7, 0, perMinute(2, 5), perMinute(3, 5))
	next, d, err := Decide(nil, state, Request{Version: 6, Applies: 3, Cost: 4}, old, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Allowed || !d.Behind || !d.Changed || len(d.Levels) != 1 {
		t.Fatalf("got %+v, want it allowed by the one limit that both know", d)
	}
	if d.Levels[0] != (Level{Rule: 1, Remaining: 1, NextNS: 12 * second}) {
		t.Errorf("got %+v, want it charged under the newer parameters", d.Levels[0])
	}
	if v, err := Version(next); v != 7 || err != nil {
		t.Errorf("got version %d, %v, want the newer one", v, err)
	}
	if len(next) != len(state) || string(slotAt(next, 1)) != string(slotAt(state, 1)) {
		t.Error("the slot of a limit that the older writer doesn't know was touched")
	}
}

func TestSameVersionOtherRules(t *testing.T) {
	state := mustSeed(t, 7, 0, perMinute(1, 10))
	next, d, err := Decide(nil, state, Request{Version: 7, Applies: 1, Cost: 1}, []Rule{perMinute(1, 5)}, nil)
	if err != nil || !d.Allowed || d.Levels[0].Remaining != 4 {
		t.Fatalf("got %+v, %v, want the edit settled", d, err)
	}
	if !slotFollows(next, 0, &Rule{1, 5, 5, 60}) {
		t.Error("the slot doesn't follow the rule")
	}
}
