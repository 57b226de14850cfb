package limit

import (
	"math/rand/v2"
	"testing"
)

func rateOf(amount, burst uint64, seconds uint32) Rule {
	return Rule{ID: 1, Kind: Rate, Amount: amount, Burst: burst, PeriodSeconds: seconds}
}

func TestARateRefillsByItsRuleSinceThatHolds(t *testing.T) {
	small, large := rateOf(60, 60, 60), rateOf(6000, 6000, 60)
	for name, c := range map[string]struct {
		was, is     Rule
		since, now  int64
		spent, want int
	}{
		"the smaller rate until then, the larger one after": {small, large, 10 * second, 40 * second, 60, 10 + 3000},
		"the larger burst in time":                          {small, large, 10 * second, 400 * second, 60, 6000},
		"not known since when":                              {small, large, 0, 40 * second, 60, 40},
		"since before the last request":                     {small, large, -10 * second, 40 * second, 60, 4000},
		"since just now":                                    {small, large, 40 * second, 40 * second, 60, 40},
		"a smaller one has its burst":                       {large, small, 10 * second, 400 * second, 100, 60},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, c.was)
			for range c.spent {
				a.ask(0, 1)
			}
			c.is.Since = c.since
			a.edit(c.is)
			if n := a.take(c.now); n != c.want {
				t.Errorf("%d admitted, want %d", n, c.want)
			}
		})
	}
}

// TestSinceNeverHandsOutMore compares with a tank that knows both rules' times.
func TestSinceNeverHandsOutMore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rule := func() Rule { return rateOf(1+rng.Uint64N(200), 1+rng.Uint64N(200), 1+rng.Uint32N(100)) }
	for range 5_000 {
		was, is := rule(), rule()
		since, now := 1+rng.Int64N(100*second), 1+rng.Int64N(100*second)
		a := newAccount(t, 0, was)
		a.ask(0, 1+rng.Uint64N(was.Burst))
		var b bucket
		if slot := a.state[headerBytes:]; !b.read(slot[:slotLength(slot, 0)]) {
			t.Fatal("no bucket")
		}
		f, g, truth := b.flow(), (&bucket{Rule: is}).flow(), b.base
		truth.gain(&f, uint64(min(since, now)))
		if truth.tokens >= int64(g.burst) {
			truth.fill(&g)
		} else {
			truth.rescale(&f, &g)
		}
		truth.gain(&g, uint64(max(0, now-since)))
		is.Since = since
		a.edit(is)
		if n := a.take(now); int64(n) > truth.tokens {
			t.Fatalf("%+v and %+v since %d: %d admitted at %d, there were %d", was, is, since, n, now, truth.tokens)
		}
	}
}
