package limit

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/wire"
)

const second = nanosPerSecond

func mustSeed(t testing.TB, version uint64, now int64, rules ...Rule) []byte {
	t.Helper()
	state, err := Seed(nil, version, now, rules)
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
}

func newAccount(t testing.TB, now int64, rules ...Rule) *account {
	t.Helper()
	return &account{t: t, state: mustSeed(t, 1, now, rules...), rules: rules, ver: 1}
}

func (a *account) edit(rules ...Rule) {
	a.ver++
	a.rules = rules
}

func (a *account) ask(now int64, cost uint64) Decision {
	a.t.Helper()
	return a.askFor(now, cost, 1<<len(a.rules)-1)
}

func (a *account) askFor(now int64, cost, applies uint64) Decision {
	a.t.Helper()
	next, d, err := Decide(nil, a.state, Request{Version: a.ver, Now: now, Applies: applies, Cost: cost}, a.rules, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if d.Changed {
		a.state = next
	}
	return d
}

// take asks with cost 1 until it is denied and returns how often it was allowed.
func (a *account) take(now int64) (n int) {
	a.t.Helper()
	for a.ask(now, 1).Allowed {
		n++
	}
	return n
}

func perMinute(id, amount uint64) Rule {
	return Rule{ID: id, Amount: amount, Burst: amount, PeriodSeconds: 60}
}

func TestHundredAMinute(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 100))
	if n := a.take(0); n != 100 {
		t.Fatalf("admitted %d at once, want 100", n)
	}
	d := a.ask(0, 1)
	if d.By != 0 || d.Never || d.RetryAfterNS != 600_000_000 {
		t.Fatalf("got %+v, want a denial by rule 0 for 0.6 s", d)
	}
	if d := a.ask(600_000_000-1, 1); d.Allowed {
		t.Fatal("admitted 1 ns before the next token")
	}
	if d := a.ask(600_000_000, 1); !d.Allowed || d.Levels[0].Remaining != 0 {
		t.Fatalf("got %+v, want the one new token", d)
	}
}

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

func TestCostAboveBurstIsNeverAdmitted(t *testing.T) {
	a := newAccount(t, 0, perMinute(1, 10), perMinute(2, 5))
	for _, cost := range []uint64{6, math.MaxInt64, math.MaxUint64} {
		d := a.ask(0, cost)
		if d.Allowed || !d.Never || d.RetryAfterNS != math.MaxInt64 || d.Changed {
			t.Errorf("cost %d: got %+v", cost, d)
		}
	}
	if d := a.ask(0, 6); d.By != 1 {
		t.Errorf("decided by %d, want the rule whose burst is too small", d.By)
	}
	if d := a.ask(0, 5); !d.Allowed {
		t.Errorf("a cost of exactly the burst was denied: %+v", d)
	}
}

func TestLongestWaitDecides(t *testing.T) {
	slow := Rule{ID: 2, Amount: 1, Burst: 1, PeriodSeconds: 3600}
	a := newAccount(t, 0, perMinute(1, 1), slow, perMinute(3, 1))
	a.ask(0, 1)
	if d := a.ask(0, 1); d.By != 1 || d.RetryAfterNS != 3600*second {
		t.Fatalf("got %+v, want rule 1 for an hour", d)
	}
}

func TestDenialChargesNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 6)
		state := must(Seed(nil, 1, 0, rules))
		now := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			now = advance(now, drawStep(t))
			req := Request{1, now, rapid.Uint64Range(0, 1<<len(rules)-1).Draw(t, "applies"),
				rapid.Uint64Range(1, 30).Draw(t, "cost")}
			probe := req
			probe.Cost = 0
			_, before, _ := Decide(nil, state, probe, rules, nil)
			next, d, err := Decide(nil, state, req, rules, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range d.Levels {
				want := before.Levels[i].Remaining
				if d.Allowed {
					want -= int64(req.Cost)
				}
				if l.Remaining != want {
					t.Fatalf("rule %d: %d remain, want %d (allowed: %v)", l.Rule, l.Remaining, want, d.Allowed)
				}
			}
			if !d.Allowed && !bytes.Equal(next, state) {
				t.Fatal("a denial changed the state")
			}
			state = next
		}
	})
}

func must(state []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return state
}

func TestOtherSlotsStayByteIdentical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 6)
		state := must(Seed(nil, 1, 0, rules))
		now, version := int64(0), uint64(1)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			now = advance(now, drawStep(t))
			edited := -1
			if rapid.Bool().Draw(t, "edit") {
				version++
				edited = rapid.IntRange(0, len(rules)-1).Draw(t, "edited")
				rules[edited] = drawRule(t, rules[edited].ID)
			}
			req := Request{version, now, rapid.Uint64Range(0, 1<<len(rules)-1).Draw(t, "applies"),
				rapid.Uint64Range(0, 3).Draw(t, "cost")}
			next, _, err := Decide(nil, state, req, rules, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rules {
				if i != edited && req.Applies&(1<<i) == 0 && !bytes.Equal(slotAt(next, i), slotAt(state, i)) {
					t.Fatalf("slot %d changed; neither was its rule edited nor did it apply", i)
				}
			}
			state = next
		}
	})
}

func TestRetryAfterIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 4)
		state := must(Seed(nil, 1, 0, rules))
		now, version := int64(0), uint64(1)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			now = advance(now, drawStep(t))
			if rapid.IntRange(0, 5).Draw(t, "edit") == 0 {
				version++
				rules[0] = drawRule(t, rules[0].ID)
			}
			req := Request{version, now, 1<<len(rules) - 1, rapid.Uint64Range(1, 20).Draw(t, "cost")}
			next, d, err := Decide(nil, state, req, rules, nil)
			if err != nil {
				t.Fatal(err)
			}
			state = next
			if d.Allowed || d.RetryAfterNS == math.MaxInt64 || now > math.MaxInt64-d.RetryAfterNS {
				continue
			}
			for _, retry := range []struct {
				after int64
				want  bool
			}{{d.RetryAfterNS - 1, false}, {d.RetryAfterNS, true}} {
				later := req
				later.Now += retry.after
				if _, d, _ := Decide(nil, state, later, rules, nil); d.Allowed != retry.want {
					t.Fatalf("a retry after %d ns of %d: allowed %v", retry.after, d.RetryAfterNS, d.Allowed)
				}
			}
		}
	})
}

func TestDecideRefusesRules(t *testing.T) {
	good := perMinute(1, 10)
	tests := map[string]struct {
		rules   []Rule
		applies uint64
	}{
		"no id":             {[]Rule{{0, 1, 1, 1}}, 1},
		"no amount":         {[]Rule{{1, 0, 1, 1}}, 1},
		"amount too large":  {[]Rule{{1, MaxAmount + 1, 1, 1}}, 1},
		"no burst":          {[]Rule{{1, 1, 0, 1}}, 1},
		"burst too large":   {[]Rule{{1, 1, MaxAmount + 1, 1}}, 1},
		"no period":         {[]Rule{{1, 1, 1, 0}}, 1},
		"period too long":   {[]Rule{{1, 1, 1, MaxPeriodSeconds + 1}}, 1},
		"same id twice":     {[]Rule{good, good}, 1},
		"too many":          {make([]Rule, MaxRules+1), 1},
		"applies past last": {[]Rule{good}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, version := range []uint64{4, 5, 6} {
				state := mustSeed(t, 5, 0, good)
				next, d, err := Decide(nil, state, Request{version, 0, tt.applies, 1}, tt.rules, nil)
				if !errors.Is(err, ErrRule) || next != nil || d.Allowed {
					t.Errorf("version %d: got %v, %v", version, d, err)
				}
			}
			if tt.applies == 1 {
				if _, err := Seed(nil, 1, 0, tt.rules); !errors.Is(err, ErrRule) {
					t.Errorf("Seed: got %v", err)
				}
			}
		})
	}
}

func TestBoundsHoldEveryPolicy(t *testing.T) {
	if MaxAmount < wire.MaxAmount || MaxRules < wire.MaxTierLimits {
		t.Error("a policy may hold what no rule can")
	}
}

func TestNoRulesAdmitEverything(t *testing.T) {
	a := newAccount(t, 0)
	if d := a.ask(0, 1); !d.Allowed || d.Changed || len(d.Levels) != 0 {
		t.Fatalf("got %+v", d)
	}
}
