package limit

import (
	"math"
	"math/bits"
)

// A refund is safe when the bucket is left no fuller than if the request had
// never come. Without it the bucket would have stood higher by what the request
// took, but never above its burst: so the refund is worth at most the least room
// that was left below the burst at any time since. The room is counted after
// everything that was given back by now, so each refund lowers it from the
// request's admission on.
//
// rooms remembers that in segments of time, each from one admission to the next,
// with the room just before its first admission and the least room since. Where
// there are more than places, neighbours merge. In a segment of more admissions
// than one the least room is that after the first, which says little of the
// others. But what they took is room, too, until it is given back: all of them
// given back, there is at least the room before the first less what has flowed in
// since. So each of them may get back what it took, less what has flowed in
// beyond that room. That loses nothing in a segment in which less flows in than
// there was room before, and otherwise at most that much for each request.
// Neighbours merge where that makes the smallest difference in age, so that
// segments are the shorter the newer they are.
type rooms []byte

const (
	roomsKept  = 16
	roomBytes  = 24
	roomsBytes = roomsKept * roomBytes
	// roomUnit is how many units of room are a token.
	roomUnit = 1 << 16
	// maxRoom bounds a room in tokens.
	maxRoom = 1 << 46
	// noRoom is the room before a segment that nothing was admitted in.
	noRoom = -maxRoom * roomUnit
	// What is younger or older counts as this old when segments merge.
	youngestNS, oldestNS = nanosPerSecond / 1000, 60 * nanosPerSecond
)

// room returns how many units are left below the burst, rounded down.
func (t *tank) room(f *flow) uint64 {
	whole := uint64(int64(f.burst) - t.tokens)
	if whole > maxRoom {
		return maxRoom * roomUnit
	}
	units := whole * roomUnit
	if t.fraction > 0 {
		units -= min(units, t.fraction/(f.period/roomUnit)+1)
	}
	return units
}

// give adds units of room, rounded down, to a tank that has so much room.
func (t *tank) give(f *flow, units uint64) {
	whole, fraction := units/roomUnit, t.fraction+units%roomUnit*(f.period/roomUnit)
	if fraction >= f.period {
		whole, fraction = whole+1, fraction-f.period
	}
	if whole >= uint64(int64(f.burst)-t.tokens) {
		t.fill(f)
		return
	}
	t.tokens, t.fraction = t.tokens+int64(whole), fraction
}

func (r rooms) start(i int) int64        { return getInt(r, i*roomBytes) }
func (r rooms) least(i int) uint64       { return get(r, i*roomBytes+8) }
func (r rooms) setLeast(i int, v uint64) { put(r, i*roomBytes+8, v) }
func (r rooms) before(i int) int64       { return getInt(r, i*roomBytes+16) }
func (r rooms) set(i int, at int64, least uint64, before int64) {
	putInt(r, i*roomBytes, at)
	put(r, i*roomBytes+8, least)
	putInt(r, i*roomBytes+16, before)
}

// lowerBefore takes units from the room before segment i.
func (r rooms) lowerBefore(i int, units uint64) {
	putInt(r, i*roomBytes+16, max(noRoom, r.before(i)-int64(min(units, maxRoom*roomUnit))))
}

// clear forgets all: nothing that was taken before born is given back.
func (r rooms) clear(born int64) {
	for i := range roomsKept - 1 {
		r.set(i, math.MinInt64, 0, noRoom)
	}
	r.set(roomsKept-1, born, 0, noRoom)
}

// lower notes that no more than room is left now.
func (r rooms) lower(room uint64) {
	for i := range roomsKept {
		if r.least(i) > room {
			r.setLeast(i, room)
		}
	}
}

// push begins a segment with a charge that finds room before it and leaves room
// after. All that is charged at one instant counts as one charge, which its
// refunds make smaller.
func (r rooms) push(at int64, before, after uint64) {
	const newest = roomsKept - 1
	if at <= r.start(newest) {
		if r.before(newest) == noRoom {
			r.set(newest, r.start(newest), after, int64(before))
		}
		r.setLeast(newest, after)
		return
	}
	drop := 0
	if r.start(0) != math.MinInt64 {
		drop = r.join(at)
	}
	copy(r[drop*roomBytes:], r[(drop+1)*roomBytes:])
	r.set(newest, at, after, int64(before))
}

// join joins a segment to the one before it, and returns it.
func (r rooms) join(now int64) int {
	i := r.nearest(now)
	before := r.before(i - 1)
	if before == noRoom {
		before = r.before(i)
	}
	r.set(i-1, r.start(i-1), min(r.least(i-1), r.least(i)), before)
	return i
}

// nearest returns the segment whose requests grow older by the smallest factor
// when it joins the one before it.
func (r rooms) nearest(now int64) int {
	age := func(i int) uint64 {
		return min(max(between(r.start(i), now), youngestNS), oldestNS) / 1000
	}
	drop, oldest, newest := 1, age(0), age(2)
	for i := 2; i < roomsKept; i++ {
		older, newer := age(i-1), uint64(youngestNS)/1000
		if i+1 < roomsKept {
			newer = age(i + 1)
		}
		if older*newest < oldest*newer {
			drop, oldest, newest = i, older, newer
		}
	}
	return drop
}

// end returns when segment i ends, at most now.
func (r rooms) end(i int, now int64) int64 {
	if i+1 < roomsKept {
		return r.start(i + 1)
	}
	return max(now, r.start(i))
}

// base returns the room that is left at any time in segment i when all of it is
// given back; below 0 it is what ran over then.
func (r rooms) base(i int, now int64, f *flow) int64 {
	gained := f.units(between(r.start(i), r.end(i, now)))
	return max(noRoom, r.before(i)-int64(gained))
}

// units returns how many units flow in at most in so many nanoseconds.
func (f *flow) units(ns uint64) uint64 {
	hi, lo := bits.Mul64(ns, f.amount)
	if hi >= f.period {
		return maxRoom * roomUnit
	}
	tokens, rest := bits.Div64(hi, lo, f.period)
	if tokens >= maxRoom {
		return maxRoom * roomUnit
	}
	return tokens*roomUnit + rest/(f.period/roomUnit) + 1
}

// take returns how many units of n tokens, taken at a time, may be given back by
// now, and counts them as given. f is how the bucket fills.
func (r rooms) take(at int64, n uint64, now int64, f *flow) uint64 {
	first := roomsKept - 1
	for first > 0 && r.start(first) > at {
		first--
	}
	if r.start(first) > at {
		return 0
	}
	n = min(n, maxRoom) * roomUnit
	base := r.base(first, now, f)
	given := min(n, max(r.least(first), uint64(max(0, int64(n)+min(0, base)))))
	for i := first + 1; i < roomsKept; i++ {
		given = min(given, r.least(i))
	}
	least := r.least(first)
	r.setLeast(first, max(least-min(least, given), min(least, uint64(max(0, base)))))
	for i := first + 1; i < roomsKept; i++ {
		r.setLeast(i, r.least(i)-given)
		r.lowerBefore(i, given)
	}
	return given
}
