package limit

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// modelBucket is a token bucket in rational numbers.
type modelBucket struct {
	rule  Rule
	level *big.Rat
	last  int64
}

func newModelBucket(r Rule, now int64) *modelBucket {
	return &modelBucket{rule: r, level: ratInt(r.Burst), last: now}
}

func ratInt(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }

// ratePerNS is in tokens.
func ratePerNS(r Rule) *big.Rat {
	period := new(big.Int).SetUint64(uint64(r.PeriodSeconds) * nanosPerSecond)
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(r.Amount), period)
}

func nsBetween(from, to int64) *big.Rat {
	d := new(big.Int).Sub(big.NewInt(to), big.NewInt(from))
	return new(big.Rat).SetInt(d)
}

func (m *modelBucket) levelAt(now int64) *big.Rat {
	level := new(big.Rat).Set(m.level)
	if now > m.last {
		gain := new(big.Rat).Mul(nsBetween(m.last, now), ratePerNS(m.rule))
		level.Add(level, gain)
	}
	if burst := ratInt(m.rule.Burst); level.Cmp(burst) > 0 {
		level = burst
	}
	return level
}

func (m *modelBucket) charge(now int64, cost uint64) {
	m.level = m.levelAt(now)
	m.level.Sub(m.level, ratInt(cost))
	m.last = max(m.last, now)
}

func floorRat(r *big.Rat) int64 {
	// Euclidean division by a positive denominator rounds down.
	return new(big.Int).Div(r.Num(), r.Denom()).Int64()
}

// waitFor is the smallest whole number of nanoseconds after now at which level
// is reached, and whether it fits.
func (m *modelBucket) waitFor(level *big.Rat, now int64) (int64, bool) {
	missing := new(big.Rat).Sub(level, m.levelAt(now))
	if missing.Sign() <= 0 {
		return 0, true
	}
	ns := missing.Quo(missing, ratePerNS(m.rule))
	if now < m.last {
		ns.Add(ns, nsBetween(now, m.last))
	}
	up := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(ns.Num()), ns.Denom()))
	return up.Int64(), up.IsInt64()
}

func drawRule(t *rapid.T, id uint64) Rule {
	return Rule{
		ID:            id,
		Amount:        rapid.OneOf(rapid.Uint64Range(1, 20), rapid.Uint64Range(1, MaxAmount), rapid.Just[uint64](MaxAmount)).Draw(t, "amount"),
		Burst:         rapid.OneOf(rapid.Uint64Range(1, 20), rapid.Uint64Range(1, MaxAmount), rapid.Just[uint64](MaxAmount)).Draw(t, "burst"),
		PeriodSeconds: rapid.SampledFrom([]uint32{1, 7, 60, 3600, 86400}).Draw(t, "period"),
	}
}

func drawRules(t *rapid.T, most int) []Rule {
	rules := make([]Rule, rapid.IntRange(1, most).Draw(t, "rules"))
	for i := range rules {
		rules[i] = drawRule(t, uint64(i+1))
	}
	return rules
}

// drawStep is how far the clock moves: often little, at times for centuries or
// backward.
func drawStep(t *rapid.T) int64 {
	return rapid.OneOf(
		rapid.Just[int64](0),
		rapid.Int64Range(1, 1000),
		rapid.Int64Range(1, 10*nanosPerSecond),
		rapid.Int64Range(-2*nanosPerSecond, 0),
		rapid.Int64Range(1, 400*86400*nanosPerSecond),
		rapid.Int64Range(1, 1<<58),
	).Draw(t, "step")
}

func advance(now, step int64) int64 {
	if step > 0 && now > (1<<63-1)-step {
		return 1<<63 - 1
	}
	return now + step
}

func must(state []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return state
}

// modelWindow keeps every admission with the part of the period it fell into.
type modelWindow struct {
	rule  Rule
	clock int64
	taken map[int64]uint64
}

func (m *modelWindow) width() int64 { return int64(m.rule.PeriodSeconds) * nanosPerSecond / 32 }

// sumAt is what counts at a time: the part it falls into and the 32 before.
func (m *modelWindow) sumAt(now int64) (sum uint64) {
	part, _ := partAt(max(now, m.clock), m.width())
	for p, n := range m.taken {
		if p >= part-32 {
			sum += n
		}
	}
	return sum
}

// waitFor looks at every time at which a part leaves.
func (m *modelWindow) waitFor(n uint64, now int64) int64 {
	if m.sumAt(now)+n <= m.rule.Amount {
		return 0
	}
	best := int64(1<<63 - 1)
	for p := range m.taken {
		if at := (p + 33) * m.width(); at > now && m.sumAt(at)+n <= m.rule.Amount {
			best = min(best, at-now)
		}
	}
	return best
}

func (m *modelWindow) charge(now int64, n uint64) {
	m.clock = max(m.clock, now)
	part, _ := partAt(m.clock, m.width())
	m.taken[part] += n
}

func TestWindowEqualsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{ID: 1, Kind: Window, Refund: true, Amount: rapid.Uint64Range(1, 20).Draw(t, "amount"),
			PeriodSeconds: rapid.SampledFrom([]uint32{1, 7, 60, 86400}).Draw(t, "period")}
		now := rapid.Int64Range(-1<<50, 1<<50).Draw(t, "start")
		state := must(Seed(nil, 1, 0, now, []Rule{rule}, 0))
		m := &modelWindow{rule, now, map[int64]uint64{}}
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += int64(rapid.Float64Range(-0.2, 1).Draw(t, "periods") * float64(rule.PeriodSeconds) * second / 4)
			n := rapid.Uint64Range(0, 6).Draw(t, "take")
			next, d, err := Decide(nil, state, Request{Version: 1, Now: now, Applies: 1, Take: [Measures]uint64{n}}, []Rule{rule}, nil)
			if err != nil {
				t.Fatal(err)
			}
			need := max(1, n)
			if d.Never != (need > rule.Amount) || !d.Never && d.RetryAfterNS != m.waitFor(need, now) {
				t.Fatalf("got %+v, the model waits %d", d, m.waitFor(need, now))
			}
			if d.Allowed && n > 0 {
				m.charge(now, n)
			}
			left := int64(rule.Amount) - int64(m.sumAt(now))
			want := Level{Limit: rule.Amount, Remaining: left}
			if left < int64(rule.Amount) {
				want.NextNS = m.waitFor(uint64(left)+1, now)
			}
			if d.Levels[0] != want {
				t.Fatalf("level %+v, the model says %+v", d.Levels[0], want)
			}
			if d.Changed {
				state = next
			}
		}
	})
}

func TestDecideEqualsTheRationalModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 5)
		now := rapid.Int64Range(-1<<61, 1<<61).Draw(t, "start")
		state, err := Seed(nil, 1, 0, now, rules, 0)
		if err != nil {
			t.Fatal(err)
		}
		model := make([]*modelBucket, len(rules))
		for i, r := range rules {
			model[i] = newModelBucket(r, now)
		}
		for range rapid.IntRange(1, 40).Draw(t, "requests") {
			now = advance(now, drawStep(t))
			req := Request{
				Version: 1, Now: now,
				Applies: rapid.Uint64Range(0, 1<<len(rules)-1).Draw(t, "applies"),
				Take:    [Measures]uint64{rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 2*MaxAmount)).Draw(t, "take")},
			}
			next, d, err := Decide(nil, state, req, rules, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkAgainstModel(t, model, rules, req, d)
			if string(next) != string(state) && !d.Changed {
				t.Fatal("the state changed and Changed is false")
			}
			if d.Changed {
				state = next
			}
		}
	})
}

// checkAgainstModel decides req on the model, compares and charges the model.
func checkAgainstModel(t *rapid.T, model []*modelBucket, rules []Rule, req Request, d Decision) {
	allowed, never, longest := true, false, int64(0)
	need := req.need(Requests)
	cost := ratInt(need)
	for i, m := range model {
		if req.Applies&(1<<i) == 0 {
			continue
		}
		if need > rules[i].Burst {
			allowed, never = false, true
			continue
		}
		wait, fits := m.waitFor(cost, req.Now)
		if !fits {
			wait = 1<<63 - 1
		}
		if wait > 0 {
			allowed = false
			longest = max(longest, wait)
		}
	}
	if never {
		longest = 1<<63 - 1
	}
	if d.Allowed != allowed || d.Never != never || d.RetryAfterNS != longest {
		t.Fatalf("got allowed %v, never %v, retry after %d; the model says %v, %v, %d",
			d.Allowed, d.Never, d.RetryAfterNS, allowed, never, longest)
	}
	if (d.By < 0) != allowed {
		t.Fatalf("allowed %v, decided by %d", allowed, d.By)
	}
	levels := d.Levels
	for i, m := range model {
		if req.Applies&(1<<i) == 0 {
			continue
		}
		if allowed && req.Take[Requests] > 0 {
			m.charge(req.Now, req.Take[Requests])
		}
		checkLevel(t, m, levels[0], i, req.Now)
		levels = levels[1:]
	}
	if len(levels) != 0 {
		t.Fatalf("%d levels too many", len(levels))
	}
}

func checkLevel(t *rapid.T, m *modelBucket, got Level, rule int, now int64) {
	remaining := floorRat(m.levelAt(now))
	wait := int64(0)
	if remaining < int64(m.rule.Burst) {
		var fits bool
		if wait, fits = m.waitFor(new(big.Rat).SetInt64(remaining+1), now); !fits {
			wait = 1<<63 - 1
		}
	}
	if want := (Level{Rule: rule, Limit: m.rule.Burst, Remaining: remaining, NextNS: wait}); got != want {
		t.Fatalf("level %+v, the model says %+v", got, want)
	}
}
