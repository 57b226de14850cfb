package adapt

import (
	"encoding/binary"
	"math/bits"
)

// Whole is the factor of a limit that isn't tightened.
const Whole = 1000

// StateBytes is the length of a state.
const StateBytes = 40

const (
	evaluateNS   = 1_000_000_000
	minRequests  = 20
	keepSeconds  = 10
	downTenths   = 7
	upThousands  = 50
	magic        = 0x01_50_44_41 // "ADP", format 1
	maxPerSample = 1 << 32
)

// Rule says when a limit is tightened. With ErrorPercent and SlowPercent both 0
// it never is.
type Rule struct {
	// ErrorPercent is the share of failed requests from which it is tightened, 1
	// to 100; 0 doesn't look at them.
	ErrorPercent uint32
	// SlowMS is from how many milliseconds on a request counts as slow, for who
	// counts them.
	SlowMS uint32
	// SlowPercent is the share of slow requests from which it is tightened, 1 to
	// 100; 0 doesn't look at them.
	SlowPercent uint32
	// FloorPercent is what at least stays of the limit, 1 to 100.
	FloorPercent uint32
}

// Sample is what ended since the sample before.
type Sample struct {
	Requests uint64
	Errors   uint64 // of them, those that the upstream failed
	Slow     uint64 // of them, those that took Rule.SlowMS or longer
}

// record is a state, read.
type record struct {
	factor  uint64
	seconds uint64 // for how long the sample has been kept already
	start   int64  // monotonic clock when the current second began
	sample  Sample
}

// Observe appends to dst[:0] the state after sample, at now, the monotonic clock
// in nanoseconds. An empty or malformed state is that of a limit that is whole.
// A clock that goes backward is one that stands still. dst must not overlap state.
func Observe(dst, state []byte, r Rule, now int64, sample Sample) []byte {
	c, ok := read(state)
	if !ok {
		c = record{factor: Whole, start: now}
	}
	c.evaluate(&r, now)
	c.sample.add(sample)
	return c.append(dst[:0])
}

// Factor returns, in thousandths, what a limit under r is multiplied by at now:
// at least the floor and at most [Whole], which it is for an empty or malformed
// state.
func Factor(state []byte, r Rule, now int64) uint64 {
	c, ok := read(state)
	if !ok {
		return Whole
	}
	c.evaluate(&r, now)
	return c.factor
}

// Apply returns n times a factor, at least 1.
func Apply(n, factor uint64) uint64 {
	hi, lo := bits.Mul64(n, min(factor, Whole))
	scaled, _ := bits.Div64(hi, lo, Whole) // hi is below Whole
	return max(1, scaled)
}

// evaluate closes the second that began at start, if it is over by now, and the
// ones after it, which brought nothing.
func (c *record) evaluate(r *Rule, now int64) {
	c.factor = max(c.factor, r.floor())
	if now <= c.start {
		return
	}
	elapsed := uint64(now) - uint64(c.start)
	seconds := elapsed / evaluateNS
	if seconds == 0 {
		return
	}
	c.start = now - int64(elapsed%evaluateNS)
	c.close(r)
	quiet := seconds - 1
	// What is kept can hold the factor for some of the quiet seconds.
	for ; quiet > 0 && c.sample.Requests > 0; quiet-- {
		c.close(r)
	}
	c.factor = min(Whole, c.factor+min(quiet, Whole)*upThousands)
}

// close judges one second.
func (c *record) close(r *Rule) {
	c.seconds++
	bad := r.exceededBy(c.sample)
	switch {
	case !bad:
		c.factor = min(Whole, c.factor+upThousands)
	case c.sample.Requests >= minRequests:
		c.factor = max(r.floor(), c.factor*downTenths/10)
	}
	if c.sample.Requests >= minRequests || c.sample.Requests == 0 || c.seconds >= keepSeconds {
		c.sample, c.seconds = Sample{}, 0
	}
}

func (r *Rule) floor() uint64 { return max(1, min(uint64(r.FloorPercent), 100)) * 10 }

func (r *Rule) exceededBy(s Sample) bool {
	over := func(n uint64, percent uint32) bool {
		return percent > 0 && n > 0 && n*100 >= s.Requests*uint64(percent)
	}
	return over(s.Errors, r.ErrorPercent) || over(s.Slow, r.SlowPercent)
}

// add counts o, of which no more can have failed or been slow than there were.
func (s *Sample) add(o Sample) {
	n := min(o.Requests, maxPerSample)
	s.Requests = min(s.Requests+n, maxPerSample)
	s.Errors = min(s.Errors+min(o.Errors, n), s.Requests)
	s.Slow = min(s.Slow+min(o.Slow, n), s.Requests)
}

func read(state []byte) (c record, ok bool) {
	if len(state) != StateBytes || binary.LittleEndian.Uint32(state) != magic {
		return c, false
	}
	c.factor = uint64(binary.LittleEndian.Uint16(state[4:]))
	c.seconds = uint64(binary.LittleEndian.Uint16(state[6:]))
	c.start = int64(binary.LittleEndian.Uint64(state[8:]))
	c.sample = Sample{
		Requests: binary.LittleEndian.Uint64(state[16:]),
		Errors:   binary.LittleEndian.Uint64(state[24:]),
		Slow:     binary.LittleEndian.Uint64(state[32:]),
	}
	ok = c.factor-1 < Whole && c.seconds < keepSeconds && c.sample.Requests <= maxPerSample &&
		max(c.sample.Errors, c.sample.Slow) <= c.sample.Requests
	return c, ok
}

func (c *record) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(c.factor))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(c.seconds))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.start))
	dst = binary.LittleEndian.AppendUint64(dst, c.sample.Requests)
	dst = binary.LittleEndian.AppendUint64(dst, c.sample.Errors)
	return binary.LittleEndian.AppendUint64(dst, c.sample.Slow)
}
