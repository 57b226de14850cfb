package limit

import "math"

// A window counts in a ring of parts, each a 32nd of its period long and fixed by
// the clock. An admission counts until its part is wholly a period old, so at any
// time the newest 33 parts hold all that was admitted in the period before.
//
// After its rule the slot has the monotonic clock that it was settled at (8) and
// the ring; a soft
// one with a grace percentage a second ring, of all that was admitted, one with
// grace seconds since when it has been exceeded (8), and one that gives back
// its birth (16).
const (
	partsPerPeriod = 32
	parts          = partsPerPeriod + 1
	ringBytes      = parts * 8

	atRing = ruleBytes + 8
	atAll  = atRing + ringBytes
)

func windowBytes(r *Rule) int {
	n := atAll
	if r.hard() {
		n += ringBytes
	}
	if r.timed() {
		n += 8
	}
	if r.refunds() {
		n += 16
	}
	return n
}

// window is a sliding window's slot, read; its rings stay where they are.
type window struct {
	Rule
	slot   []byte
	last   int64  // monotonic clock it was settled at
	newest int64  // number of the part that last falls into
	index  int    // where in the ring it is
	sum    uint64 // of the limit's own ring
	all    uint64 // of the ring of all that was admitted, if hard
}

func partNS(periodSeconds uint32) int64 {
	return int64(periodSeconds) * nanosPerSecond / partsPerPeriod
}

// partAt returns the number of the part that a time falls into, and how long ago
// the part began.
func partAt(now, width int64) (part, since int64) {
	part, since = now/width, now%width
	if since < 0 {
		return part - 1, since + width
	}
	return part, since
}

func ringIndex(part int64) int {
	if i := int(part % parts); i >= 0 {
		return i
	}
	return int(part%parts) + parts
}

// read reads a slot whose length fits its rule, and verifies it.
func (w *window) read(slot []byte) bool {
	w.slot = slot
	if !readRule(slot, &w.Rule) {
		return false
	}
	w.last = getInt(slot, atLast)
	w.newest, _ = partAt(w.last, partNS(w.PeriodSeconds))
	w.index = ringIndex(w.newest)
	for at := atRing; at < w.ringsEnd(); at += 8 {
		if get(slot, at) > maxCount {
			return false
		}
	}
	return true
}

func (w *window) ringsEnd() int {
	if w.hard() {
		return atAll + ringBytes
	}
	return atAll
}

func (w *window) since() int64 {
	if !w.timed() {
		return never
	}
	return getInt(w.slot, w.ringsEnd())
}

func (w *window) setSince(t int64) { putInt(w.slot, w.ringsEnd(), t) }

func (w *window) bornAt() int64 { return getInt(w.slot, len(w.slot)-16) }

// bornVersion is the last number of a slot that gives back.
func bornVersion(slot []byte) uint64             { return get(slot, len(slot)-8) }
func putBornVersion(slot []byte, version uint64) { put(slot, len(slot)-8, version) }

func seedWindow(slot []byte, r *Rule, born birth, empty bool) {
	part, _ := partAt(born.at, partNS(r.PeriodSeconds))
	putInt(slot, atLast, born.at)
	w := window{Rule: *r, slot: slot}
	if empty {
		put(slot, atRing+8*ringIndex(part), r.Amount)
		if r.hard() {
			put(slot, atAll+8*ringIndex(part), r.scaled(r.Amount))
		}
	}
	if r.timed() {
		w.setSince(never)
	}
	if r.refunds() {
		putInt(slot, len(slot)-16, born.at)
		putBornVersion(slot, born.version)
	}
}

// settle moves the window up to now, drops what is out of it and adds up.
func (w *window) settle(now int64) {
	if now > w.last {
		w.last = now
		putInt(w.slot, atLast, now)
		part, _ := partAt(now, partNS(w.PeriodSeconds))
		for range min(between(w.newest, part), parts) {
			if w.index++; w.index == parts {
				w.index = 0
			}
			put(w.slot, atRing+8*w.index, 0)
			if w.hard() {
				put(w.slot, atAll+8*w.index, 0)
			}
		}
		w.newest, w.index = part, ringIndex(part)
	}
	w.sum, w.all = w.ringSum(atRing), 0
	if w.hard() {
		w.all = w.ringSum(atAll)
	}
	if w.timed() && w.sum <= w.Amount/2 {
		w.setSince(never)
	}
}

func (w *window) ringSum(ring int) (sum uint64) {
	for p := w.slot[ring : ring+ringBytes]; len(p) >= 8; p = p[8:] {
		sum += get(p, 0)
	}
	return sum
}

// charge counts n in the newest part, in the limit itself unless it is exceeded.
func (w *window) charge(n uint64, over bool) {
	if over {
		if w.timed() && w.since() == never {
			w.setSince(w.last)
		}
	} else {
		w.count(atRing, n)
	}
	if w.hard() {
		w.count(atAll, n)
	}
}

func (w *window) count(ring int, n uint64) { w.countAt(ring+8*w.index, n) }

func (w *window) countAt(at int, n uint64) {
	put(w.slot, at, min(get(w.slot, at)+min(n, maxCount), maxCount))
}

// refund takes up to n from the part of the time at, if it still counts.
func (w *window) refund(n uint64, at int64, over bool) (changed bool) {
	part, _ := partAt(at, partNS(w.PeriodSeconds))
	if at < w.bornAt() || part > w.newest || between(part, w.newest) >= parts {
		return false
	}
	for _, ring := range []int{atRing, atAll} {
		if ring == atRing && over || ring == atAll && !w.hard() {
			continue
		}
		i := ring + 8*ringIndex(part)
		had := get(w.slot, i)
		put(w.slot, i, had-min(n, had))
		changed = changed || had > 0 && n > 0
	}
	return changed
}

// judge says what w, settled at now, makes of a request that needs so much.
func (w *window) judge(need uint64, now int64, v *verdict) {
	v.level.Limit, v.level.Remaining = w.Amount, int64(w.Amount)-int64(w.sum)
	v.full = w.sum == 0
	v.lacks = need > w.Amount || w.sum+need > w.Amount
	if v.full {
		v.level.NextNS = w.leaves(0, now)
	} else {
		v.level.NextNS = w.waitFor(atRing, w.sum, w.sum-1, now)
	}
	if w.Mode != Soft {
		v.denies, v.never = v.lacks, need > w.Amount
		if v.lacks && !v.never {
			v.wait = w.waitFor(atRing, w.sum, w.Amount-need, now)
		}
		return
	}
	v.never = w.hard() && need > w.scaled(w.Amount)
	if !v.never {
		v.wait = w.waitSoft(need, now, 0)
	}
	v.denies = v.never || v.wait > 0
}

// waitSoft returns after how many nanoseconds, not before from, a soft w lets
// such a request through, which it does at some time.
func (w *window) waitSoft(need uint64, now, from int64) int64 {
	wait := from
	if w.hard() {
		wait = max(wait, w.waitFor(atAll, w.all, w.scaled(w.Amount)-need, now))
	}
	since := w.since()
	if since == never || !expired(since, max(w.last, addNow(now, wait)), w.GraceSeconds) {
		return wait
	}
	// It enforces until it has room, or is half empty, which ends the episode.
	most := w.Amount / 2
	if need <= w.Amount {
		most = max(most, w.Amount-need)
	}
	return max(wait, w.waitFor(atRing, w.sum, most, now))
}

// waitFor returns after how many nanoseconds a ring's sum is at most so much.
func (w *window) waitFor(ring int, sum, most uint64, now int64) int64 {
	if sum <= most {
		return 0
	}
	i := w.index
	for age := int64(partsPerPeriod); ; age-- {
		if i++; i == parts {
			i = 0
		}
		if sum -= get(w.slot, ring+8*i); sum <= most || age == 0 {
			return w.leaves(age, now)
		}
	}
}

// leaves returns after how many nanoseconds the part of this age, in parts, no
// longer counts.
func (w *window) leaves(age, now int64) int64 {
	width := partNS(w.PeriodSeconds)
	part, since := partAt(now, width)
	ahead := between(part, w.newest-age+parts)
	if ahead > uint64(math.MaxInt64/width) {
		return math.MaxInt64
	}
	return int64(ahead)*width - since
}
