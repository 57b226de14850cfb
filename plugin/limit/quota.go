package limit

import "math"

// After its rule a quota's slot has the fields of [quota], 8 bytes each, in their
// order, and the snapshot it was born under (8).
const (
	quotaFields = 21
	quotaBytes  = ruleBytes + quotaFields*8
	atAsked     = ruleBytes + 12*8
)

const (
	askEveryNS   = nanosPerSecond / 2
	askEmptyNS   = nanosPerSecond / 5  // while requests are refused for want of a lease
	askSpentNS   = 10 * nanosPerSecond // whether a quota that is spent still is
	askAheadSecs = 60
	// recentNS is the length of the parts of time by which recent use is known.
	recentNS = 4 * nanosPerSecond
	// unknownWaitNS is when to come back when a lease isn't known.
	unknownWaitNS = nanosPerSecond
)

// quota is a quota's slot, read. A lease is held until a later one takes its
// place, whatever the wall clock does meanwhile: so none is forgotten and granted
// again. What is used while no lease is in force is loose, and counts toward the
// next one.
type quota struct {
	Rule
	slot        []byte
	born        int64
	start, end  int64 // end before or at start: there never was a lease
	granted     uint64
	used        uint64
	loose       uint64
	nextStart   int64
	nextEnd     int64 // at or before nextStart: no next lease
	nextGranted uint64
	remaining   uint64 // of the whole account, when usedThen was used
	usedThen    uint64
	lot         uint64 // what the lease had left when it was granted
	asked       int64  // monotonic clock when a lease was last asked for, or never
	spent       bool
	revision    uint64 // of the last lease taken for start

	refunded, looseRefunded uint64 // given back of used and of loose

	part                   int64  // of time, recentNS long, in which something was used last
	usedInPart, usedBefore uint64 // in it, and in the one before it
}

// read reads a slot whose length fits its rule, and verifies it.
func (q *quota) read(slot []byte) bool {
	q.slot = slot
	if !readRule(slot, &q.Rule) {
		return false
	}
	p := slot[ruleBytes:quotaBytes]
	q.born, q.start, q.end = getInt(p, 0), getInt(p, 8), getInt(p, 16)
	q.granted, q.used, q.loose = get(p, 24), get(p, 32), get(p, 40)
	q.nextStart, q.nextEnd, q.nextGranted = getInt(p, 48), getInt(p, 56), get(p, 64)
	q.remaining, q.usedThen, q.lot = get(p, 72), get(p, 80), get(p, 88)
	q.asked = getInt(p, 96)
	spent := get(p, 104)
	q.spent = spent == 1
	q.revision = get(p, 112)
	q.refunded, q.looseRefunded = get(p, 120), get(p, 128)
	q.part, q.usedInPart, q.usedBefore = getInt(p, 136), get(p, 144), get(p, 152)
	return spent <= 1 && max(q.granted, q.used, q.loose, q.nextGranted, q.remaining, q.usedThen, q.lot,
		q.refunded, q.looseRefunded, q.usedInPart, q.usedBefore) <= maxCount
}

func (q *quota) write() {
	p := q.slot[ruleBytes:quotaBytes]
	putInt(p, 0, q.born)
	putInt(p, 8, q.start)
	putInt(p, 16, q.end)
	put(p, 24, q.granted)
	put(p, 32, q.used)
	put(p, 40, q.loose)
	putInt(p, 48, q.nextStart)
	putInt(p, 56, q.nextEnd)
	put(p, 64, q.nextGranted)
	put(p, 72, q.remaining)
	put(p, 80, q.usedThen)
	put(p, 88, q.lot)
	putInt(p, 96, q.asked)
	put(p, 104, 0)
	if q.spent {
		put(p, 104, 1)
	}
	put(p, 112, q.revision)
	put(p, 120, q.refunded)
	put(p, 128, q.looseRefunded)
	putInt(p, 136, q.part)
	put(p, 144, q.usedInPart)
	put(p, 152, q.usedBefore)
}

func seedQuota(slot []byte, born birth) {
	putInt(slot, ruleBytes, born.at)
	putBornVersion(slot, born.version)
	never := int64(never)
	putInt(slot, atAsked, never)
}

func (q *quota) held() bool { return q.end > q.start }

// inForce says that the lease counts at a time, after roll. A clock that stepped
// back before the lease's start doesn't bring an older one back.
func (q *quota) inForce(wall int64) bool { return q.held() && wall < q.end }

func (q *quota) hasNext() bool { return q.nextEnd > q.nextStart }

// roll goes over to the next lease when its time has come.
func (q *quota) roll(wall int64) {
	if q.held() && wall >= q.end && wall >= q.nextStart && wall < q.nextEnd {
		q.begin(q.nextStart, q.nextEnd, q.nextGranted, wall)
		q.remaining, q.usedThen = q.Amount, 0
	}
}

// begin puts a later lease in the place of the one held. What was used without one
// is charged to it, unless it is late and over already: that belongs to the next.
func (q *quota) begin(start, end int64, granted uint64, wall int64) {
	q.start, q.end, q.granted, q.used, q.refunded = start, end, granted, 0, 0
	if wall < end {
		q.used, q.refunded, q.loose, q.looseRefunded = q.loose, q.looseRefunded, 0, 0
	}
	q.spent, q.revision = false, 0
	q.lot = q.left()
	if q.nextStart < end {
		q.nextStart, q.nextEnd, q.nextGranted = 0, 0, 0
	}
}

func (q *quota) left() uint64 { return q.granted - min(q.granted, q.used) }

// hint returns what remains for the whole account, by what is known here.
func (q *quota) hint() uint64 {
	if q.used < q.usedThen { // something was given back since
		return min(q.remaining+(q.usedThen-q.used), maxCount)
	}
	return q.remaining - min(q.remaining, q.used-q.usedThen)
}

// charge counts n in the lease in force, or loose.
func (q *quota) charge(n uint64, now, wall int64) {
	at := &q.loose
	if q.inForce(wall) {
		at = &q.used
	}
	n = min(n, maxCount)
	*at = min(*at+n, maxCount)
	q.passTime(now)
	q.usedInPart = min(q.usedInPart+n, maxCount)
}

// passTime begins a new part of time when it has come. A clock that goes backward
// changes nothing.
func (q *quota) passTime(now int64) {
	part, _ := partAt(now, recentNS)
	switch {
	case part <= q.part:
	case between(q.part, part) == 1:
		q.part, q.usedInPart, q.usedBefore = part, 0, q.usedInPart
	default:
		q.part, q.usedInPart, q.usedBefore = part, 0, 0
	}
}

// recent is what was used in the last four to eight seconds.
func (q *quota) recent(now int64) uint64 {
	q.passTime(now)
	return min(q.usedInPart+q.usedBefore, maxCount)
}

// refund gives back up to n that an admission took, if the lease or the time
// without one that it was charged to is still going on.
func (q *quota) refund(n uint64, at, atWall int64) bool {
	if at < q.born || atWall < q.start {
		return false
	}
	from, refunded := &q.loose, &q.looseRefunded
	if q.inForce(atWall) {
		from, refunded = &q.used, &q.refunded
	}
	given := min(n, *from)
	*from -= given
	*refunded = min(*refunded+given, maxCount)
	return given > 0
}

// judge says what q makes of a request that needs so much.
func (q *quota) judge(need uint64, req *Request, v *verdict) {
	wall := req.Wall
	q.roll(wall)
	known := q.inForce(wall)
	v.ask = q.asks(req.Now, wall, need, known)
	v.level.Limit = q.Amount
	enforces := q.enforces()
	v.never = enforces && !q.timed() && need > q.scaled(q.Amount)
	switch {
	case v.never:
		v.denies = true
	case !known:
		v.unknown = true
		if q.failsOpen() {
			v.level.Remaining = int64(q.Amount - min(q.Amount, q.loose))
		}
	case q.Mode == Soft && q.spent, q.Mode != Soft && q.lacks(need):
		v.denies = enforces
		v.wait = secondsNS(wall, q.end)
	default:
		// What is over and may be, for a time or for ever, needs no lease.
		over := q.hint() < need && (!enforces || q.timed() && !q.hard())
		v.unknown = (q.used >= q.granted || need > q.granted-q.used) && !over
	}
	if v.unknown && !v.denies {
		v.failsOpen = q.failsOpen()
		v.denies, v.wait = !v.failsOpen, unknownWaitNS
	}
	if known {
		v.level.Remaining = int64(min(q.hint(), q.Amount))
		v.level.NextNS = secondsNS(wall, q.end)
		v.lacks = q.lacks(need)
	}
}

// failsOpen says that a request passes of which the quota doesn't know whether it
// has room. One that never refuses anything has no other choice: it says that it
// didn't know, and doesn't guess.
func (q *quota) failsOpen() bool { return q.FailOpen || !q.enforces() || q.Mode == Shadow }

// lacks says that the amount doesn't have what a request needs. The ledger calls
// a quota spent by all that was taken; what was given back of that is here, in
// the lease, and is taken again. Without the ledger's word it is as certain when
// this process has used the rest: what others have used was left out of what
// remained. The lease of a soft quota goes beyond its amount.
func (q *quota) lacks(need uint64) bool {
	return (q.Mode == Soft || q.left() < need) && (q.spent || q.hint() < need)
}

// asks says that a lease should be asked for, and that it hasn't been just now:
// when none is known, when the one in force doesn't have what is needed or has
// come below half of its lot, and ahead of the period's end. A quota that is spent
// may have been raised, or have got back what another process did not use.
func (q *quota) asks(now, wall int64, need uint64, known bool) bool {
	spent := known && q.spent
	short := !known || !spent && q.left() < need
	every := uint64(askEveryNS)
	switch {
	case short:
		every = askEmptyNS
	case spent:
		every = askSpentNS
	}
	if q.asked != never && now >= q.asked && between(q.asked, now) < every {
		return false
	}
	return short || spent || q.left() < q.lot-q.lot/2 ||
		!q.hasNext() && between(wall, q.end) <= askAheadSecs
}

// secondsNS returns the nanoseconds from one wall clock time to a later one.
func secondsNS(from, to int64) int64 {
	seconds := between(from, to)
	if seconds > math.MaxInt64/nanosPerSecond {
		return math.MaxInt64
	}
	return int64(seconds * nanosPerSecond)
}
