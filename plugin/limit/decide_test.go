package limit

import (
	"math"
	"testing"
)

const second = nanosPerSecond

func mustSeed(t testing.TB, version uint64, now int64, rules ...Rule) []byte {
	t.Helper()
	state, err := Seed(nil, version, 0, now, rules, 0)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// account decides request after request on one state, as a worker would.
type account struct {
	t     testing.TB
	state []byte
	rules []Rule
	ver   uint64
	epoch uint32
	wall  int64
}

func newAccount(t testing.TB, now int64, rules ...Rule) *account {
	t.Helper()
	return &account{t: t, state: mustSeed(t, 1, now, rules...), rules: rules, ver: 1}
}

func (a *account) edit(rules ...Rule) {
	a.ver++
	a.rules = rules
}

// ask takes the same of every measure from every rule.
func (a *account) ask(now int64, take uint64) Decision {
	a.t.Helper()
	return a.decide(Request{Version: a.ver, Epoch: a.epoch, Now: now, Wall: a.wall,
		Applies: 1<<len(a.rules) - 1, Take: [Measures]uint64{take, take, take}})
}

func (a *account) decide(req Request) Decision {
	a.t.Helper()
	next, d, err := Decide(nil, a.state, req, a.rules, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if d.Changed {
		a.state = next
	}
	return d
}

// take asks for 1 until it is denied and returns how often it was allowed.
func (a *account) take(now int64) (n int) {
	a.t.Helper()
	for a.ask(now, 1).Allowed {
		if n++; n > 10_000 {
			a.t.Fatal("it never ends")
		}
	}
	return n
}

// settle settles what was admitted at a time.
func (a *account) settle(at, now int64, d Decision, delta ...int64) bool {
	a.t.Helper()
	s := Settlement{Version: a.ver, Epoch: a.epoch, Now: now, Wall: a.wall, At: at, AtWall: a.wall,
		Applies: 1<<len(a.rules) - 1, Over: d.Over, Shadowed: d.Shadowed}
	copy(s.Delta[:], delta)
	next, changed, err := Settle(nil, a.state, s, a.rules)
	if err != nil {
		a.t.Fatal(err)
	}
	if changed {
		a.state = next
	}
	return changed
}

func perMinute(id, amount uint64) Rule {
	return Rule{ID: id, Amount: amount, Burst: amount, PeriodSeconds: 60}
}

// What is told of a rate in debt is when there is something to take again.
func TestARateInDebtTellsWhenItIsPaid(t *testing.T) {
	for name, rule := range map[string]Rule{"plain": {}, "soft": {Mode: Soft}} {
		t.Run(name, func(t *testing.T) {
			rule.ID, rule.Measure, rule.Amount, rule.Burst, rule.PeriodSeconds = 1, Bytes, 2000, 2000, 1
			a := newAccount(t, 0, rule)
			d := a.decide(Request{Version: 1, Applies: 1, Take: [Measures]uint64{}})
			a.settle(0, 0, d, 0, 30_000)
			d = a.decide(Request{Version: 1, Applies: 1, Take: [Measures]uint64{}})
			if want := int64(14*second + second/2000); d.Levels[0].Remaining != -28_000 || d.Levels[0].NextNS != want {
				t.Errorf("level %+v, want a byte after %d ns", d.Levels[0], want)
			}
		})
	}
}

func TestHundredAMinute(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 100))
	if n := a.take(0); n != 100 {
		t.Fatalf("admitted %d at once, want 100", n)
	}
	d := a.ask(0, 1)
	if d.By != 0 || d.Never || d.Denied != 1 || d.RetryAfterNS != 600_000_000 {
		t.Fatalf("got %+v, want a denial by rule 0 for 0.6 s", d)
	}
	if d := a.ask(600_000_000-1, 1); d.Allowed {
		t.Fatal("admitted 1 ns before the next token")
	}
	if d := a.ask(600_000_000, 1); !d.Allowed || d.Levels[0].Remaining != 0 {
		t.Fatalf("got %+v, want the one new token", d)
	}
}

// TestClock has the bugs of other buckets: a clock that goes backward minted, an
// idle full bucket whose clock stood still gave a bonus.
func TestClock(t *testing.T) {
	tests := map[string]struct {
		now  []int64
		want []int
	}{
		"backward mints nothing":                 {[]int64{10 * second, 0, -5 * second}, []int{60, 0, 0}},
		"backward and back again mints nothing":  {[]int64{10 * second, 0, 10 * second}, []int{60, 0, 0}},
		"only time after the latest counts":      {[]int64{10 * second, 0, 12 * second}, []int{60, 0, 2}},
		"idle and full earns no bonus":           {[]int64{3600 * second, 3600 * second, 3601 * second}, []int{60, 0, 1}},
		"idle below full fills to the burst":     {[]int64{0, 3600 * second, 3600 * second}, []int{60, 60, 0}},
		"from the first to the last instant":     {[]int64{math.MinInt64, math.MaxInt64, math.MaxInt64}, []int{60, 60, 0}},
		"fractions add up over many short steps": {[]int64{0, second / 3, 2 * second / 3, second}, []int{60, 0, 0, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, min(0, tt.now[0]), perMinute(1, 60))
			for i, now := range tt.now {
				if n := a.take(now); n != tt.want[i] {
					t.Errorf("step %d, at %d: admitted %d, want %d", i, now, n, tt.want[i])
				}
			}
		})
	}
}

func TestMoreThanTheLimitHoldsIsNeverAdmitted(t *testing.T) {
	window := Rule{ID: 3, Kind: Window, Amount: 5, PeriodSeconds: 60}
	for name, other := range map[string]Rule{"rate": perMinute(2, 5), "window": window} {
		a := newAccount(t, 0, perMinute(1, 10), other)
		for _, take := range []uint64{6, math.MaxInt64, math.MaxUint64} {
			d := a.ask(0, take)
			if d.Allowed || !d.Never || d.RetryAfterNS != math.MaxInt64 || d.Changed {
				t.Errorf("%s, %d: got %+v", name, take, d)
			}
		}
		if d := a.ask(0, 6); d.By != 1 || d.Denied != 2 {
			t.Errorf("%s: got %+v, want it denied by the rule that is too small", name, d)
		}
		if d := a.ask(0, 5); !d.Allowed {
			t.Errorf("%s: exactly what it holds was denied: %+v", name, d)
		}
	}
}

func TestLongestWaitDecides(t *testing.T) {
	slow := Rule{ID: 2, Amount: 1, Burst: 1, PeriodSeconds: 3600}
	a := newAccount(t, 0, perMinute(1, 1), slow, perMinute(3, 1))
	a.ask(0, 1)
	if d := a.ask(0, 1); d.By != 1 || d.RetryAfterNS != 3600*second || d.Denied != 7 {
		t.Fatalf("got %+v, want rule 1 for an hour", d)
	}
}

func TestNoRulesAdmitEverything(t *testing.T) {
	a := newAccount(t, 0)
	if d := a.ask(0, 1); !d.Allowed || d.Changed || len(d.Levels) != 0 {
		t.Fatalf("got %+v", d)
	}
}

func TestNewSubjectBeginsFull(t *testing.T) {
	a := &account{t: t, rules: []Rule{perMinute(1, 3)}, ver: 1}
	if n := a.take(0); n != 3 {
		t.Errorf("admitted %d, want 3", n)
	}
}

func TestEmptySeedHasNothingLeft(t *testing.T) {
	rules := []Rule{perMinute(1, 3), {ID: 2, Kind: Window, Amount: 3, PeriodSeconds: 60}}
	for i := range rules {
		state, err := Seed(nil, 1, 0, 0, rules, 1<<i)
		if err != nil {
			t.Fatal(err)
		}
		a := &account{t: t, rules: rules, ver: 1, state: state}
		if d := a.ask(0, 1); d.Denied != 1<<i {
			t.Errorf("rule %d begins empty: got %+v", i, d)
		}
	}
}

func TestBytesGoIntoDebt(t *testing.T) {
	for name, rule := range map[string]Rule{
		"rate":   {ID: 1, Measure: Bytes, Amount: 100, Burst: 100, PeriodSeconds: 1},
		"window": {ID: 1, Kind: Window, Measure: Bytes, Amount: 100, PeriodSeconds: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			d := a.ask(0, 0)
			if !d.Allowed {
				t.Fatalf("got %+v", d)
			}
			a.settle(0, 0, d, 0, 300, 0)
			if d = a.ask(0, 0); d.Allowed || d.Levels[0].Remaining != -200 {
				t.Fatalf("got %+v, want it to wait for a debt of 200", d)
			}
			if d := a.ask(d.RetryAfterNS-1, 0); d.Allowed {
				t.Error("admitted before the debt is paid")
			}
			if d := a.ask(d.RetryAfterNS, 0); !d.Allowed {
				t.Error("denied although the debt is paid")
			}
		})
	}
}
