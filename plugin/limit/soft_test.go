package limit

import (
	"testing"
)

func TestSoftNeverEnforcesWithoutGrace(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":   {ID: 1, Mode: Soft, Amount: 60, Burst: 5, PeriodSeconds: 60},
		"window": {ID: 1, Mode: Soft, Kind: Window, Amount: 5, PeriodSeconds: 60},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			for i := range 50 {
				d := a.ask(0, 1)
				if !d.Allowed || (d.Over == 1) != (i >= 5) {
					t.Fatalf("request %d: got %+v, want it let through, marked from the sixth on", i, d)
				}
			}
			if d := a.ask(1000*second, 1); d.Over != 0 {
				t.Errorf("got %+v, want it unmarked after it recovered", d)
			}
		})
	}
}

// TestOverMarksWhatEnforceDenies runs the same requests through a soft limit and
// an enforcing one.
func TestOverMarksWhatEnforceDenies(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":   {ID: 1, Amount: 60, Burst: 5, PeriodSeconds: 60},
		"window": {ID: 1, Kind: Window, Amount: 5, PeriodSeconds: 10},
	} {
		t.Run(name, func(t *testing.T) {
			soft := rule
			soft.Mode = Soft
			a, b := newAccount(t, 0, soft), newAccount(t, 0, rule)
			now := int64(0)
			for i := range int64(300) {
				now += i * 37 % 11 * second / 5
				over, denied := a.ask(now, 1).Over == 1, !b.ask(now, 1).Allowed
				if over != denied {
					t.Fatalf("at %d: over %v, denied %v", now, over, denied)
				}
			}
		})
	}
}

func TestSoftEnforcesBeyondTheGracePercent(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":   {ID: 1, Mode: Soft, Amount: 60, Burst: 10, PeriodSeconds: 60, GracePercent: 25},
		"window": {ID: 1, Mode: Soft, Kind: Window, Amount: 10, PeriodSeconds: 60, GracePercent: 25},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			if n := a.take(0); n != 12 {
				t.Fatalf("admitted %d, want 10 and a quarter more, rounded down", n)
			}
			d := a.ask(0, 1)
			if d.Denied != 1 || d.Over != 0 || d.Levels[0].Limit != 10 || d.Levels[0].Remaining != 0 {
				t.Fatalf("got %+v, want a denial that says where the limit itself stands", d)
			}
			if d2 := a.ask(d.RetryAfterNS-1, 1); d2.Allowed {
				t.Error("admitted 1 ns early")
			}
			if d2 := a.ask(d.RetryAfterNS, 1); !d2.Allowed {
				t.Error("denied at the time given")
			}
		})
	}
}

func TestSoftEnforcesAfterTheGraceSeconds(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":   {ID: 1, Mode: Soft, Amount: 60, Burst: 10, PeriodSeconds: 60, GraceSeconds: 5},
		"window": {ID: 1, Mode: Soft, Kind: Window, Amount: 10, PeriodSeconds: 10, GraceSeconds: 5},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			for range 40 { // the episode begins with the eleventh
				a.ask(0, 1)
			}
			if d := a.ask(5*second-1, 7); !d.Allowed || d.Over != 1 {
				t.Fatalf("within the grace: got %+v", d)
			}
			d := a.ask(5*second, 7)
			if d.Allowed {
				t.Fatalf("after the grace: got %+v", d)
			}
			if d2 := a.ask(5*second+d.RetryAfterNS-1, 7); d2.Allowed {
				t.Error("admitted 1 ns early")
			}
			if d2 := a.ask(5*second+d.RetryAfterNS, 7); !d2.Allowed {
				t.Errorf("denied at the time given: %+v", d2)
			}
			now := int64(100 * second) // it has recovered, so there is a new grace
			for range 40 {
				if d := a.ask(now, 1); !d.Allowed {
					t.Fatalf("after it recovered: got %+v", d)
				}
			}
		})
	}
}

// TestDenialWaitsForTheGraceToo has a retry that another limit puts after the end
// of the grace, when the soft limit denies as well.
func TestDenialWaitsForTheGraceToo(t *testing.T) {
	soft := Rule{ID: 1, Mode: Soft, Amount: 1, Burst: 1, PeriodSeconds: 3600, GraceSeconds: 30}
	a := newAccount(t, 0, soft, Rule{ID: 2, Amount: 1, Burst: 2, PeriodSeconds: 60})
	a.ask(0, 1)
	if d := a.ask(0, 1); d.Over != 1 {
		t.Fatalf("got %+v", d)
	}
	if d := a.ask(0, 1); d.Denied != 2 || d.RetryAfterNS != 3600*second {
		t.Fatalf("got %+v, want an hour", d)
	}
}

func TestShadowDecidesNothing(t *testing.T) {
	for name, shadow := range map[string]Rule{
		"rate":   {ID: 2, Mode: Shadow, Amount: 60, Burst: 3, PeriodSeconds: 60},
		"window": {ID: 2, Mode: Shadow, Kind: Window, Amount: 3, PeriodSeconds: 60},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newAccount(t, 0, perMinute(1, 10), shadow), newAccount(t, 0, perMinute(1, 10))
			for i := range 20 {
				d, want := a.ask(0, 1), b.ask(0, 1)
				if d.Allowed != want.Allowed || d.RetryAfterNS != want.RetryAfterNS || d.Denied != want.Denied {
					t.Fatalf("request %d: got %+v, want %+v", i, d, want)
				}
				if (d.Shadowed == 2) != (i >= 3 && i < 10) {
					t.Fatalf("request %d: got %+v, want it marked where it alone would have denied", i, d)
				}
			}
			if got := a.ask(0, 1).Levels[1].Remaining; got != 0 {
				t.Errorf("%d remain, want 0: it charges only what it had room for", got)
			}
		})
	}
}

func TestRefundGivesBack(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":      {ID: 1, Refund: true, Amount: 60, Burst: 10, PeriodSeconds: 60},
		"soft rate": {ID: 1, Refund: true, Mode: Soft, GracePercent: 50, Amount: 60, Burst: 10, PeriodSeconds: 60},
		"window":    {ID: 1, Refund: true, Kind: Window, Amount: 10, PeriodSeconds: 60},
		"cost":      {ID: 1, Measure: Cost, Amount: 60, Burst: 10, PeriodSeconds: 60},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			d := a.ask(0, 4)
			if !a.settle(0, second/2, d, -3, 0, -3) {
				t.Fatal("nothing was given back")
			}
			if got := a.ask(second/2, 0).Levels[0].Remaining; got != 9 {
				t.Errorf("%d remain, want 9", got)
			}
			if a.settle(second, second/2, d, 0, -3, 0) {
				t.Error("a measure that isn't this limit's changed it")
			}
		})
	}
}

func TestRefundNeverMints(t *testing.T) {
	rate := Rule{ID: 1, Refund: true, Amount: 60, Burst: 10, PeriodSeconds: 60}
	window := Rule{ID: 1, Refund: true, Kind: Window, Amount: 10, PeriodSeconds: 60}
	plain := perMinute(1, 10)
	tests := map[string]struct {
		rule, edited Rule
		refundAt     int64
		epoch        uint32
	}{
		"a rate that was full since":           {rate, rate, 100 * second, 0},
		"a window whose part is out":           {window, window, 100 * second, 0},
		"a limit that doesn't give back":       {plain, plain, 0, 0},
		"an account that was reset":            {rate, rate, 0, 1},
		"a window that was reset":              {window, window, 0, 1},
		"a limit that became another kind":     {rate, window, 0, 0},
		"a limit that became another kind too": {window, rate, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, tt.rule)
			d := a.ask(0, 10)
			version, epoch := a.ver, a.epoch
			a.edit(tt.edited)
			a.epoch = tt.epoch
			for a.ask(tt.refundAt, 1).Allowed {
			}
			s := Settlement{Version: version, Epoch: epoch, Now: tt.refundAt, Applies: 1, Delta: [Measures]int64{-10}}
			if _, changed, err := Settle(nil, a.state, s, []Rule{tt.rule}); changed || err != nil {
				t.Errorf("it gave back: %v, %v", d, err)
			}
		})
	}
}

// TestRefundsOfABurst says what comes back when everything that was taken at once
// from a full bucket fails: most of it, never more.
func TestRefundsOfABurst(t *testing.T) {
	a := newAccount(t, 0, Rule{ID: 1, Refund: true, Amount: 1, Burst: 20, PeriodSeconds: 86400})
	for i := range int64(20) {
		a.ask(i, 1)
	}
	for i := range int64(20) {
		a.settle(i, 20+i, Decision{}, -1)
	}
	if got := a.ask(40, 0); got.Levels[0].Remaining < 12 || got.Levels[0].Remaining > 20 {
		t.Errorf("%d came back of 20", got.Levels[0].Remaining)
	}
}
