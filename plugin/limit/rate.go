package limit

import "math"

// After its rule a rate's slot has last (8), tokens (8) and fraction (8); a soft
// one with a grace percentage the tokens and fraction of the limit behind it, one
// with grace seconds since when it has been exceeded (8), and one that gives back
// its [rooms] and the snapshot it was born under (8).
const (
	atLast     = ruleBytes
	atTokens   = ruleBytes + 8
	atFraction = ruleBytes + 16
	atHard     = ruleBytes + 24
)

// plainRateBytes is the length of the slot of a rate without grace or refunds.
const plainRateBytes = atHard

func rateBytes(r *Rule) int {
	n := atHard
	if r.hard() {
		n += 16
	}
	if r.timed() {
		n += 8
	}
	if r.refunds() {
		n += roomsBytes + 8
	}
	return n
}

// never is a time at which nothing was exceeded.
const never = math.MinInt64

// bucket is a rate's slot, read.
type bucket struct {
	Rule
	slot  []byte
	base  tank
	hard  tank  // the scaled limit behind a soft one
	last  int64 // monotonic clock that both were settled at
	since int64 // since when the limit has been exceeded, or never
}

func (b *bucket) atSince() int {
	if b.Rule.hard() {
		return atHard + 16
	}
	return atHard
}

// rooms returns the slot's rooms; the rule gives back.
func (b *bucket) rooms() rooms { return slotRooms(b.slot) }

func slotRooms(slot []byte) rooms { return slot[len(slot)-8-roomsBytes : len(slot)-8] }

// read reads a slot whose length fits its rule, and verifies it.
func (b *bucket) read(slot []byte) bool {
	b.slot = slot
	if !readRule(slot, &b.Rule) {
		return false
	}
	f := b.flow()
	b.last = getInt(slot, atLast)
	b.base = tank{getInt(slot, atTokens), get(slot, atFraction)}
	if !b.base.valid(&f) {
		return false
	}
	if b.Rule.hard() {
		b.hard = tank{getInt(slot, atHard), get(slot, atHard+8)}
		f = b.hardFlow()
		if !b.hard.valid(&f) {
			return false
		}
	}
	b.since = never
	if b.timed() {
		b.since = getInt(slot, b.atSince())
	}
	return true
}

// write puts b's levels back into its slot.
func (b *bucket) write() {
	putInt(b.slot, atLast, b.last)
	putInt(b.slot, atTokens, b.base.tokens)
	put(b.slot, atFraction, b.base.fraction)
	if b.Rule.hard() {
		putInt(b.slot, atHard, b.hard.tokens)
		put(b.slot, atHard+8, b.hard.fraction)
	}
	if b.timed() {
		putInt(b.slot, b.atSince(), b.since)
	}
}

func seedRate(slot []byte, r *Rule, born birth, empty bool) {
	b := bucket{Rule: *r, slot: slot, last: born.at, since: never}
	if !empty {
		b.base.tokens = int64(r.Burst)
		b.hard.tokens = int64(r.scaled(r.Burst))
	}
	b.write()
	if r.refunds() {
		b.rooms().clear(born.at)
		putBornVersion(slot, born.version)
	}
}

// settle adds what has been gained up to now. When now is before last nothing
// changes: the time up to last is paid for already.
func (b *bucket) settle(now int64) {
	f := b.flow()
	if now > b.last {
		elapsed := between(b.last, now)
		b.last = now
		b.base.gain(&f, elapsed)
		if b.Rule.hard() {
			h := b.hardFlow()
			b.hard.gain(&h, elapsed)
		}
	}
	if b.base.full(&f) {
		b.since = never
	}
	if b.refunds() {
		b.rooms().lower(b.room())
	}
}

// room is how much b could be given without running over, for [rooms].
func (b *bucket) room() uint64 {
	f := b.flow()
	room := b.base.room(&f)
	if b.Rule.hard() {
		h := b.hardFlow()
		room = min(room, b.hard.room(&h))
	}
	return room
}

// fastest is how the tank of b fills that fills faster.
func (b *bucket) fastest() flow {
	if b.Rule.hard() {
		return b.hardFlow()
	}
	return b.flow()
}

// charge takes n tokens at b.last, from the limit itself unless it is exceeded.
func (b *bucket) charge(n uint64, over bool) {
	if over {
		if b.timed() && b.since == never {
			b.since = b.last
		}
	} else {
		b.base.charge(n)
	}
	if b.Rule.hard() {
		b.hard.charge(n)
	}
}

// admit charges a request that was let through, of which n may be given back.
func (b *bucket) admit(n uint64, over bool) {
	before := uint64(0)
	if b.refunds() {
		before = b.room()
	}
	b.charge(n, over)
	if b.refunds() && n > 0 {
		b.rooms().push(b.last, before, b.room())
	}
}

// refund gives back up to n tokens that an admission at the time at took.
func (b *bucket) refund(n uint64, at int64, over bool) bool {
	fastest := b.fastest()
	given := b.rooms().take(at, n, b.last, &fastest)
	if given == 0 {
		return false
	}
	if f := b.flow(); !over {
		b.base.give(&f, given)
	}
	if b.Rule.hard() {
		h := b.hardFlow()
		b.hard.give(&h, given)
	}
	return true
}

// judge says what b, settled at now, makes of a request that needs so much.
func (b *bucket) judge(need uint64, now int64, v *verdict) {
	f := b.flow()
	v.level.Limit, v.level.Remaining = b.Burst, b.base.tokens
	v.full = b.base.full(&f)
	v.lacks = need > b.Burst || b.base.tokens < int64(need)
	v.level.NextNS = b.after(b.base.wait(&f, b.base.untilMore()), now)
	if b.Mode != Soft {
		v.denies, v.never = v.lacks, need > b.Burst
		if v.lacks && !v.never {
			v.wait = b.after(b.base.wait(&f, need-uint64(b.base.tokens)), now)
		}
		return
	}
	v.never = b.Rule.hard() && need > b.scaled(b.Burst)
	if !v.never {
		v.wait = b.waitSoft(need, now, 0)
	}
	v.denies = v.never || v.wait > 0
}

// waitSoft returns after how many nanoseconds, not before from, a soft b lets
// such a request through, which it does at some time.
func (b *bucket) waitSoft(need uint64, now, from int64) int64 {
	wait := from
	if b.Rule.hard() && b.hard.tokens < int64(need) {
		h := b.hardFlow()
		wait = max(wait, b.after(b.hard.wait(&h, need-uint64(b.hard.tokens)), now))
	}
	if b.since == never || !expired(b.since, max(b.last, addNow(now, wait)), b.GraceSeconds) {
		return wait
	}
	// It enforces until it has room, or is full, which ends the episode.
	if need = min(need, b.Burst); b.base.tokens < int64(need) {
		f := b.flow()
		wait = max(wait, b.after(b.base.wait(&f, need-uint64(b.base.tokens)), now))
	}
	return wait
}

// after counts a wait from now rather than from last, before which nothing is
// gained.
func (b *bucket) after(wait, now int64) int64 {
	if now < b.last {
		return addWait(wait, between(now, b.last))
	}
	return wait
}

// expired says that an episode has lasted so many seconds at a time.
func expired(since, at int64, seconds uint32) bool {
	return at > since && between(since, at) >= uint64(seconds)*nanosPerSecond
}

func addNow(now, wait int64) int64 {
	if now > math.MaxInt64-wait {
		return math.MaxInt64
	}
	return now + wait
}
