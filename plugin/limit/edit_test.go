package limit

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

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
		a := newAccount(&testing.T{}, 0, rule)
		now, got := int64(0), uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "rounds") {
			for {
				d := a.ask(now, 1)
				if !d.Allowed {
					now += d.RetryAfterNS
					break
				}
				got++
			}
			bound := new(big.Rat).Mul(nsBetween(0, now), ratePerNS(rule))
			bound.Add(bound, ratInt(rule.Burst))
			// The token that has just come is not taken yet.
			if want := uint64(floorRat(bound)) - 1; got != want {
				t.Fatalf("after %d ns: admitted %d, want %d", now, got, want)
			}
		}
	})
}

// TestSaturatingClientOfAWindow gets its amount in each 33/32 of a period, which
// is the most that a window loses.
func TestSaturatingClientOfAWindow(t *testing.T) {
	a := newAccount(t, 0, Rule{ID: 1, Kind: Window, Amount: 100, PeriodSeconds: 32})
	got := 0
	for now := int64(0); now < 330*second; now += second / 10 {
		got += a.take(now)
	}
	if got != 1000 {
		t.Errorf("admitted %d in 330 s, want 100 in each 33 s", got)
	}
}

// TestEditMintsNothing says what remains right after an edit.
func TestEditMintsNothing(t *testing.T) {
	rate := func(amount, burst uint64, period uint32) Rule {
		return Rule{ID: 1, Amount: amount, Burst: burst, PeriodSeconds: period}
	}
	window := func(amount uint64, period uint32) Rule {
		return Rule{ID: 1, Kind: Window, Amount: amount, PeriodSeconds: period}
	}
	soft, softWindow := rate(60, 10, 60), window(10, 60)
	soft.Mode, soft.GracePercent, softWindow.Mode, softWindow.GracePercent = Soft, 100, Soft, 100
	tests := map[string]struct {
		before, after Rule
		taken         int
		idleNS        int64
		want          int64
	}{
		"raised burst":                {rate(60, 10, 60), rate(60, 100, 60), 4, 0, 6},
		"raised burst, idle since":    {rate(60, 10, 60), rate(60, 100, 60), 4, 3600 * second, 10},
		"lowered burst":               {rate(60, 10, 60), rate(60, 3, 60), 4, 0, 3},
		"lowered burst, more taken":   {rate(60, 10, 60), rate(60, 3, 60), 9, 0, 1},
		"faster, idle since":          {rate(60, 10, 60), rate(600, 10, 60), 10, 2 * second, 2},
		"slower, idle since":          {rate(60, 10, 60), rate(6, 10, 60), 10, 20 * second, 2},
		"same rate in other words":    {rate(60, 10, 60), rate(1, 10, 1), 10, 3 * second, 3},
		"a day's rate for a second's": {rate(1, 10, 1), rate(86400, 10, 86400), 10, 3 * second, 3},
		"soft becomes enforce":        {soft, rate(60, 10, 60), 15, 0, 0},
		"enforce becomes soft":        {rate(60, 10, 60), soft, 4, 0, 6},
		"window with less":            {window(10, 60), window(3, 60), 4, 0, -1},
		"window with more":            {window(10, 60), window(12, 60), 4, 0, 8},
		"longer window":               {window(10, 1), window(10, 60), 4, 20 * second, 6},
		"longer window, past it":      {window(10, 1), window(10, 60), 4, 64 * second, 10},
		"shorter window":              {window(10, 60), window(10, 1), 4, second / 2, 6},
		"shorter window, past it":     {window(10, 60), window(10, 1), 4, 4 * second, 10},
		"soft window becomes enforce": {softWindow, window(10, 60), 15, 0, -5},
		"another kind begins anew":    {window(10, 60), rate(60, 10, 60), 10, 0, 10},
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
	a := newAccount(t, 0, Rule{ID: 1, Amount: 1, Burst: 1, PeriodSeconds: 3600})
	a.ask(0, 1)
	a.ask(1800*second, 0)
	a.edit(Rule{ID: 1, Amount: 24, Burst: 1, PeriodSeconds: 86400}) // the same rate
	if d := a.ask(1800*second, 1); d.RetryAfterNS != 1800*second {
		t.Fatalf("retry after %d ns, want half an hour", d.RetryAfterNS)
	}
}

func TestLimitsComeAndGo(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 10), perMinute(2, 20))
	a.ask(0, 4)
	a.edit(perMinute(3, 30), perMinute(2, 20))
	d := a.ask(0, 1)
	if d.Levels[0].Remaining != 29 || d.Levels[1].Remaining != 15 {
		t.Fatalf("got %+v, want the new limit full and the kept one as it was, less 1", d.Levels)
	}
	if want := StateBytes(a.rules); len(a.state) != want {
		t.Fatalf("the state has %d bytes, want %d: the limit that is gone keeps no slot", len(a.state), want)
	}
}

func TestOlderWriter(t *testing.T) {
	old := []Rule{perMinute(1, 10), perMinute(2, 10)}
	state := mustSeed(t, 7, 0, perMinute(2, 5), perMinute(3, 5))
	next, d, err := Decide(nil, state, Request{Version: 6, Applies: 3, Take: [Measures]uint64{4}}, old, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Allowed || !d.Behind || !d.Changed || len(d.Levels) != 1 {
		t.Fatalf("got %+v, want it allowed by the one limit that both know", d)
	}
	if d.Levels[0] != (Level{Rule: 1, Limit: 5, Remaining: 1, NextNS: 12 * second}) {
		t.Errorf("got %+v, want it charged under the newer parameters", d.Levels[0])
	}
	if v, err := Version(next); v != 7 || err != nil {
		t.Errorf("got version %d, %v, want the newer one", v, err)
	}
	const third = headerBytes + plainRateBytes
	if len(next) != len(state) || string(next[third:]) != string(state[third:]) {
		t.Error("the slot of a limit that the older writer doesn't know was touched")
	}
}

func TestHigherEpochBeginsAnew(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 10), Rule{ID: 2, Kind: Window, Amount: 10, PeriodSeconds: 60})
	a.ask(0, 7)
	a.epoch = 1
	if d := a.ask(0, 1); d.Levels[0].Remaining != 9 || d.Levels[1].Remaining != 9 || d.Behind {
		t.Errorf("got %+v, want all of it anew", d)
	}
	a.epoch = 0
	if d := a.ask(0, 1); d.Levels[0].Remaining != 8 || !d.Behind {
		t.Errorf("got %+v, want it behind and charged to what there is", d)
	}
}

func TestSameVersionOtherRules(t *testing.T) {
	state := mustSeed(t, 7, 0, perMinute(1, 10))
	next, d, err := Decide(nil, state, Request{Version: 7, Applies: 1, Take: [Measures]uint64{1}}, []Rule{perMinute(1, 5)}, nil)
	if err != nil || !d.Allowed || d.Levels[0].Remaining != 4 {
		t.Fatalf("got %+v, %v, want the edit settled", d, err)
	}
	if r := perMinute(1, 5); !slotFollows(next[headerBytes:], &r) {
		t.Error("the slot doesn't follow the rule")
	}
}

func TestDenialChargesNone(t *testing.T) {
	rules := append(every()[:18:18], perMinute(99, 1))
	a := newAccount(t, 0, rules...)
	a.ask(0, 1)
	before := string(a.state)
	for i := range int64(5) {
		if d := a.ask(i*second, 1); d.Allowed || d.Changed || string(a.state) != before {
			t.Fatalf("got %+v, want a denial that leaves everything as it was", d)
		}
	}
}
