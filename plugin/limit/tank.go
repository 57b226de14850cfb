package limit

import (
	"math"
	"math/bits"
)

// maxDebt bounds how far below zero a stored tank may be, so that a burst less a
// debt fits into 63 bits.
const maxDebt = 1 << 61

// flow is how a tank fills: amount tokens each period of so many nanoseconds, up
// to burst.
type flow struct{ amount, burst, period uint64 }

// flow returns how the rate itself fills.
func (r *Rule) flow() flow {
	return flow{r.Amount, r.Burst, uint64(r.PeriodSeconds) * nanosPerSecond}
}

// hardFlow returns how the scaled limit behind a soft rate fills: exactly, so
// that it gains by its percentage even where the amount is 1.
func (r *Rule) hardFlow() flow {
	return flow{r.Amount * (100 + uint64(r.GracePercent)), r.scaled(r.Burst), uint64(r.PeriodSeconds) * nanosPerSecond * 100}
}

// slowerThan compares amount/period of both without dividing.
func (f *flow) slowerThan(g *flow) bool {
	fh, fl := bits.Mul64(f.amount, g.period)
	gh, gl := bits.Mul64(g.amount, f.period)
	return fh < gh || fh == gh && fl < gl
}

// tank is a level of exactly tokens + fraction/period tokens.
type tank struct {
	tokens   int64  // negative while in debt
	fraction uint64 // 0 to period-1
}

func (t *tank) full(f *flow) bool { return t.tokens == int64(f.burst) }

func (t *tank) fill(f *flow) { t.tokens, t.fraction = int64(f.burst), 0 }

func (t *tank) valid(f *flow) bool {
	return t.fraction < f.period && t.tokens >= -maxDebt && t.tokens <= int64(f.burst) &&
		(t.fraction == 0 || !t.full(f))
}

// gain adds what comes in elapsed nanoseconds. A tank that was full on the way
// holds its burst and no fraction, so idling earns nothing beyond it.
func (t *tank) gain(f *flow, elapsed uint64) {
	hi, lo := bits.Mul64(elapsed, f.amount)
	lo, carry := bits.Add64(lo, t.fraction, 0)
	hi += carry
	var gained, fraction uint64
	switch {
	case hi == 0 && lo < f.period:
		fraction = lo
	case hi == 0:
		gained, fraction = lo/f.period, lo%f.period
	case hi >= f.period: // a gain of 2^64 tokens or more
		t.fill(f)
		return
	default:
		gained, fraction = bits.Div64(hi, lo, f.period)
	}
	if gained >= uint64(int64(f.burst)-t.tokens) {
		t.fill(f)
		return
	}
	t.tokens += int64(gained)
	t.fraction = fraction
}

// charge takes n tokens, if need be into debt.
func (t *tank) charge(n uint64) {
	t.tokens = max(t.tokens-int64(min(n, maxDebt)), -maxDebt)
}

// adopt gains for elapsed nanoseconds in which f became g at an unknown time: at
// the slower of both rates and under the smaller of both bursts. Whichever was in
// force, no more is gained than it allowed, and a raised burst is not handed out.
func (t *tank) adopt(f, g *flow, elapsed uint64) {
	least := *f
	least.burst = min(f.burst, g.burst)
	if t.tokens >= int64(least.burst) {
		t.fill(&least)
	}
	if g.slowerThan(f) {
		t.rescale(f, g)
		least.amount, least.period = g.amount, g.period
		t.gain(&least, elapsed)
		return
	}
	t.gain(&least, elapsed)
	t.rescale(f, g)
}

// rescale keeps the fraction's value in tokens, rounded down to g's denominator.
func (t *tank) rescale(f, g *flow) {
	if f.period != g.period {
		hi, lo := bits.Mul64(t.fraction, g.period)
		t.fraction, _ = bits.Div64(hi, lo, f.period) // fraction is below f.period
	}
}

// untilMore returns how many units have to flow in before there is one more to
// take.
func (t *tank) untilMore() uint64 { return uint64(1 - min(t.tokens, 0)) }

// wait returns after how many nanoseconds t has deficit tokens more, at least 1:
// exactly, or math.MaxInt64 when it is that or longer.
func (t *tank) wait(f *flow, deficit uint64) int64 {
	if deficit == 1 { // what every level asks for
		return int64((f.period - t.fraction + f.amount - 1) / f.amount)
	}
	hi, lo := bits.Mul64(deficit, f.period)
	lo, borrow := bits.Sub64(lo, t.fraction, 0)
	hi -= borrow
	if hi >= f.amount {
		return math.MaxInt64
	}
	var wait, rest uint64
	if hi == 0 {
		wait, rest = lo/f.amount, lo%f.amount
	} else {
		wait, rest = bits.Div64(hi, lo, f.amount)
	}
	if wait >= math.MaxInt64 {
		return math.MaxInt64
	}
	if rest != 0 {
		wait++
	}
	return int64(wait)
}

// between returns the nanoseconds from one reading of a clock to a later one.
// It is right for any two.
func between(from, to int64) uint64 { return uint64(to) - uint64(from) }

// addWait adds nanoseconds to a wait, at most to math.MaxInt64.
func addWait(wait int64, ns uint64) int64 {
	if ns > uint64(math.MaxInt64-wait) {
		return math.MaxInt64
	}
	return wait + int64(ns)
}
