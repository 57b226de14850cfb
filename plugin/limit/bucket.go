package limit

import (
	"math"
	"math/bits"
)

const nanosPerSecond = 1_000_000_000

// maxDebt bounds how far below zero a stored bucket may be, so that a burst
// less a debt fits into 63 bits.
const maxDebt = 1 << 62

// bucket is one limit's slot. Its level is exactly tokens + fraction/period
// tokens, with the period in nanoseconds, as of last.
type bucket struct {
	id            uint64
	tokens        int64  // whole tokens; negative while in debt
	fraction      uint64 // 0 to period-1, in tokens over the period's nanoseconds
	last          int64  // monotonic clock, nanoseconds
	amount        uint64 // the parameters it was last settled under
	burst         uint64
	periodSeconds uint32
}

// fullBucket is where a limit begins.
func fullBucket(r *Rule, now int64) bucket {
	return bucket{
		id: r.ID, tokens: int64(r.Burst), last: now,
		amount: r.Amount, burst: r.Burst, periodSeconds: r.PeriodSeconds,
	}
}

func (b *bucket) periodNS() uint64 { return uint64(b.periodSeconds) * nanosPerSecond }

func (b *bucket) full() bool { return b.tokens == int64(b.burst) }

func (b *bucket) valid() bool {
	return b.id != 0 &&
		b.amount-1 < MaxAmount && b.burst-1 < MaxAmount && b.periodSeconds-1 < MaxPeriodSeconds &&
		b.fraction < b.periodNS() &&
		b.tokens >= -maxDebt && b.tokens <= int64(b.burst) &&
		(b.fraction == 0 || !b.full())
}

func (b *bucket) follows(r *Rule) bool {
	return b.amount == r.Amount && b.burst == r.Burst && b.periodSeconds == r.PeriodSeconds
}

// settle adds what has been gained up to now. A bucket that was full on the way
// holds its burst and no fraction, so idling earns nothing beyond it. When now
// is before last nothing changes: the time up to last is paid for already.
func (b *bucket) settle(now int64) {
	if now <= b.last {
		return
	}
	elapsed := uint64(now) - uint64(b.last) // right for any two clocks
	b.last = now
	hi, lo := bits.Mul64(elapsed, b.amount)
	lo, carry := bits.Add64(lo, b.fraction, 0)
	hi += carry
	period := b.periodNS()
	if hi >= period { // a gain of 2^64 tokens or more
		b.fill()
		return
	}
	var gained, fraction uint64
	if hi == 0 {
		gained, fraction = lo/period, lo%period
	} else {
		gained, fraction = bits.Div64(hi, lo, period)
	}
	if gained >= uint64(int64(b.burst)-b.tokens) {
		b.fill()
		return
	}
	b.tokens += int64(gained)
	b.fraction = fraction
}

func (b *bucket) fill() {
	b.tokens, b.fraction = int64(b.burst), 0
}

// adopt settles b and puts it under the parameters of r. When in the time since
// last the parameters changed isn't known, so that time counts at the slower of
// both rates and under the smaller of both bursts: whichever was in force, no
// more is gained than it allowed, and a raised burst is not handed out.
func (b *bucket) adopt(r *Rule, now int64) {
	newBurst := r.Burst
	b.clamp(min(b.burst, newBurst))
	// amount/period of both, compared without dividing; at most 10^12 · 86400.
	if r.Amount*uint64(b.periodSeconds) < b.amount*uint64(r.PeriodSeconds) {
		b.setRate(r)
		b.settle(now)
	} else {
		b.settle(now)
		b.setRate(r)
	}
	b.burst = newBurst
}

func (b *bucket) clamp(burst uint64) {
	b.burst = burst
	if b.tokens >= int64(burst) {
		b.fill()
	}
}

// setRate changes amount and period. The fraction keeps its value in tokens,
// rounded down to the new denominator.
func (b *bucket) setRate(r *Rule) {
	// Below 86400·10^9 · 86400, so it can't overflow; the nanoseconds cancel out.
	b.fraction = b.fraction * uint64(r.PeriodSeconds) / uint64(b.periodSeconds)
	b.amount, b.periodSeconds = r.Amount, r.PeriodSeconds
}

// wait returns after how many nanoseconds, counted from now, b has deficit
// tokens more, at least 1: exactly, or math.MaxInt64 when it is that or longer.
// b has been settled at now.
func (b *bucket) wait(deficit uint64, now int64) int64 {
	hi, lo := bits.Mul64(deficit, b.periodNS())
	lo, borrow := bits.Sub64(lo, b.fraction, 0)
	hi -= borrow
	if hi >= b.amount {
		return math.MaxInt64
	}
	var wait, rest uint64
	if hi == 0 {
		wait, rest = lo/b.amount, lo%b.amount
	} else {
		wait, rest = bits.Div64(hi, lo, b.amount)
	}
	up := uint64(0)
	if rest != 0 {
		up = 1
	}
	total, overflow := bits.Add64(wait, up, 0)
	if now < b.last {
		// The clock went backward: nothing is gained until it is at last again.
		var carry uint64
		total, carry = bits.Add64(total, uint64(b.last)-uint64(now), 0)
		overflow |= carry
	}
	if overflow != 0 || total > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(total)
}
