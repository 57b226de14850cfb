package limit

import (
	"testing"

	"pgregory.net/rapid"
)

// flight is a request of some length.
type flight struct {
	at int64
	d  Decision
}

// fly has n requests begin gap apart and end after length, all of which give back
// so many of what they take.
func (a *account) fly(n int, gap, length int64, take uint64, back int64) {
	var open []flight
	land := func(until int64) {
		for len(open) > 0 && open[0].at+length <= until {
			a.settle(open[0].at, open[0].at+length, open[0].d, -back)
			open = open[1:]
		}
	}
	for i := range int64(n) {
		land(i * gap)
		d := a.ask(i*gap, take)
		if !d.Allowed {
			a.t.Fatalf("request %d is denied", i)
		}
		open = append(open, flight{i * gap, d})
	}
	land(1 << 62)
}

func TestRefundsOfManyInFlight(t *testing.T) {
	const ms = second / 1000
	for name, c := range map[string]struct {
		rule       Rule
		n          int
		gap        int64
		take, back uint64
		want       int64
	}{
		"three":             {rateOf(500, 500, 86400), 3, 10 * ms, 1, 1, 499},
		"four":              {rateOf(500, 500, 86400), 4, 10 * ms, 1, 1, 499},
		"twenty":            {rateOf(500, 500, 86400), 20, 10 * ms, 1, 1, 499},
		"sixty":             {rateOf(500, 500, 86400), 60, 10 * ms, 1, 1, 499},
		"sixty at once":     {rateOf(500, 500, 86400), 60, 1, 1, 1, 499},
		"hundreds":          {rateOf(500, 500, 86400), 400, 3 * ms, 1, 1, 499},
		"more than the cap": {rateOf(500, 500, 86400), 5000, 10 * ms, 1, 1, 499},
		"cost":              {rateOf(1000, 1000, 86400), 60, 10 * ms, 10, 9, 939},
	} {
		t.Run(name, func(t *testing.T) {
			c.rule.Refund = true
			a := newAccount(t, 0, c.rule)
			a.fly(c.n, c.gap, 1500*ms, c.take, int64(c.back))
			if got := a.ask(int64(c.n)*c.gap+1500*ms, 0).Levels[0].Remaining; got < c.want {
				t.Errorf("%d are left, want %d", got, c.want)
			}
		})
	}
}

// TestRefundsLoseLittle has up to 64 requests in flight, from a bucket that may
// have been used before and isn't full afterwards. All but what has flowed in
// while any was in flight is given back, once for each request.
func TestRefundsLoseLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const burst = 10_000
		rule := rateOf(rapid.Uint64Range(1, 100_000).Draw(t, "amount"), burst, 86400)
		rule.Refund = true
		a := newAccount(&testing.T{}, 0, rule)
		used := rapid.Uint64Range(0, 500).Draw(t, "used before")
		a.ask(0, used)
		now, open := int64(1), []flight{}
		n := rapid.IntRange(1, 64).Draw(t, "in flight")
		for range n {
			now += rapid.Int64Range(0, second/10).Draw(t, "gap")
			open = append(open, flight{now, a.ask(now, 10)})
		}
		for _, f := range rapid.Permutation(open).Draw(t, "order") {
			now += rapid.Int64Range(0, second/10).Draw(t, "gap")
			a.settle(f.at, now, f.d, -10)
		}
		got := a.ask(now, 0).Levels[0].Remaining
		flowed := int64(float64(now)*float64(rule.Amount)/86400/second) + 1
		if want := burst - int64(used) - flowed*int64(n+1); got < want {
			t.Errorf("%d are left of %d in %d ns, want %d", got, burst-used, now, want)
		}
	})
}
