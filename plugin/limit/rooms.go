package limit

import "math"

// A refund is safe when the bucket is left no fuller than if the request had
// never come. Without it the bucket would have stood higher by what the request
// took, but never above its burst: so the refund is worth at most the least room
// that was left below the burst at any time since. rooms remembers that: a few
// segments of time, each with the least room in it. The room is counted after
// everything that was given back by now, so each refund lowers it from the
// request's segment on. Where there are more segments than places, neighbours
// merge and keep the smaller room: a refund may be less than what was taken,
// never more.
type rooms []byte

const (
	roomsKept  = 4
	roomsBytes = roomsKept * 16
	// roomUnit is how many units of room are a token.
	roomUnit = 1 << 16
	// maxRoom bounds a room in tokens.
	maxRoom = 1 << 46
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

func (r rooms) start(i int) int64        { return getInt(r, i*16) }
func (r rooms) least(i int) uint64       { return get(r, i*16+8) }
func (r rooms) setLeast(i int, v uint64) { put(r, i*16+8, v) }
func (r rooms) set(i int, at int64, v uint64) {
	putInt(r, i*16, at)
	put(r, i*16+8, v)
}

// clear forgets all: nothing that was taken before born is given back.
func (r rooms) clear(born int64) {
	for i := range roomsKept - 1 {
		r.set(i, math.MinInt64, 0)
	}
	r.set(roomsKept-1, born, 0)
}

// lower notes that no more than room is left now.
func (r rooms) lower(room uint64) {
	for i := range roomsKept {
		if r.least(i) > room {
			r.setLeast(i, room)
		}
	}
}

// push begins a segment with a charge that leaves room. All that is charged at
// one instant counts as one charge, which its refunds make smaller.
func (r rooms) push(at int64, room uint64) {
	const newest = roomsKept - 1
	if at <= r.start(newest) {
		r.setLeast(newest, room)
		return
	}
	drop, cost := 0, uint64(math.MaxUint64)
	for i := 1; i <= roomsKept; i++ {
		next := room
		if i < roomsKept {
			next = r.least(i)
		}
		if c := next - min(next, r.least(i-1)); c < cost {
			drop, cost = i, c
		}
	}
	if drop == roomsKept { // it joins the newest segment, which has less room
		r.setLeast(newest, min(r.least(newest), room))
		return
	}
	r.setLeast(drop-1, min(r.least(drop-1), r.least(drop)))
	copy(r[drop*16:], r[(drop+1)*16:])
	r.set(newest, at, room)
}

// take returns how many units of n tokens, taken at a time, may be given back,
// and counts them as given.
func (r rooms) take(at int64, n uint64) uint64 {
	first := roomsKept
	given := min(n, maxRoom) * roomUnit
	for first > 0 && given > 0 {
		first--
		given = min(given, r.least(first))
		if r.start(first) <= at {
			break
		}
	}
	if first == 0 && r.start(0) > at {
		return 0
	}
	for i := first; i < roomsKept; i++ {
		r.setLeast(i, r.least(i)-given)
	}
	return given
}
