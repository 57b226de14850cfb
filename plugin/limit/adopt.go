package limit

import "math"

// after returns the nanosecond after now: what was admitted at now belongs to
// what was before.
func after(now int64) int64 {
	if now == math.MaxInt64 {
		return now
	}
	return now + 1
}

// adoptSlot appends what the slot of a limit becomes under r.
func adoptSlot(dst, old []byte, r *Rule, now birth) ([]byte, bool) {
	if slotFollows(old, r) {
		return append(dst, old...), true
	}
	var was Rule
	if !readRule(old, &was) {
		return nil, false
	}
	is := r.canonical()
	at := len(dst)
	dst = appendFresh(dst, &is, now, false)
	if was.Kind != is.Kind || was.Measure != is.Measure {
		return dst, true
	}
	slot := dst[at:]
	switch is.Kind {
	case Rate:
		return dst, adoptRate(slot, old, is.Since)
	case Window:
		return dst, adoptWindow(slot, old)
	default:
		return dst, adoptQuota(slot, old)
	}
}

// adoptQuota carries an old slot's count and leases over to a fresh one. Whether
// it is spent now, the ledger will tell: the next request asks.
func adoptQuota(slot, old []byte) bool {
	copy(slot[ruleBytes:], old[ruleBytes:]) // its birth too
	var was, is quota
	if !was.read(old) || !is.read(slot) {
		return false
	}
	if is.Amount > was.Amount {
		is.remaining = min(is.remaining+(is.Amount-was.Amount), maxCount)
	} else {
		is.remaining -= min(is.remaining, was.Amount-is.Amount)
	}
	is.spent, is.asked = false, never
	is.write()
	return true
}

// adoptRate carries an old slot's levels over to a fresh one, whose rule is the only
// one in force since a time.
func adoptRate(slot, old []byte, since int64) bool {
	var was, is bucket
	if !was.read(old) || !is.read(slot) {
		return false
	}
	elapsed := uint64(0)
	if is.last > was.last {
		elapsed = between(was.last, is.last)
	} else {
		is.last = was.last
	}
	alone := uint64(0)
	if since != 0 && since < is.last {
		alone = min(elapsed, between(since, is.last))
	}
	from, to := was.flow(), is.flow()
	is.base = was.base
	is.base.adopt(&from, &to, elapsed-alone)
	is.base.gain(&to, alone)
	if was.Rule.hard() {
		hardFrom, hardTo := was.hardFlow(), to
		if is.Rule.hard() {
			hardTo = is.hardFlow()
		}
		was.hard.adopt(&hardFrom, &hardTo, elapsed-alone)
		was.hard.gain(&hardTo, alone)
	}
	switch {
	case is.Rule.hard() && was.Rule.hard():
		is.hard = was.hard
	case is.Rule.hard(): // what the grace adds is not handed out
		is.hard = is.base
		hardTo := is.hardFlow()
		is.hard.rescale(&to, &hardTo)
	case was.Rule.hard() && is.Mode == Enforce && was.hard.below(&is.base):
		is.base = was.hard
	}
	if is.timed() {
		is.since = was.since
	}
	is.write()
	if is.refunds() {
		is.rooms().clear(after(is.last))
	}
	return true
}

// below compares two levels of the same denominator.
func (t *tank) below(u *tank) bool {
	return t.tokens < u.tokens || t.tokens == u.tokens && t.fraction < u.fraction
}

// adoptWindow carries an old slot's counts over to a fresh one. After a change of
// period they count as late as they can have been.
func adoptWindow(slot, old []byte) bool {
	var was, is window
	if !was.read(old) || !is.read(slot) {
		return false
	}
	if was.PeriodSeconds == is.PeriodSeconds {
		putInt(slot, atLast, was.last)
		copy(slot[atRing:atAll], was.countsFor(is.Mode))
		if is.refunds() && was.refunds() {
			copy(slot[len(slot)-16:], old[len(old)-16:])
		}
	} else {
		is.recount(&was)
	}
	if is.hard() && !was.hard() {
		copy(slot[atAll:is.ringsEnd()], slot[atRing:atAll])
	} else if is.hard() && was.PeriodSeconds == is.PeriodSeconds {
		copy(slot[atAll:is.ringsEnd()], old[atAll:])
	}
	if is.timed() {
		is.setSince(was.since())
	}
	return true
}

// countsFor returns the ring that a window which was w goes on with: when it
// enforces from now on, the one that has everything.
func (w *window) countsFor(mode Mode) []byte {
	if w.hard() && mode == Enforce {
		return w.slot[atAll : atAll+ringBytes]
	}
	return w.slot[atRing:atAll]
}

// recount puts the counts of was, which has another period, into w.
func (w *window) recount(was *window) {
	width, oldWidth := partNS(w.PeriodSeconds), partNS(was.PeriodSeconds)
	w.settle(was.last) // should it have been settled later than now
	counts := was.countsFor(w.Mode)
	for age := range int64(parts) {
		part := was.newest - age
		end := was.last
		if age > 0 {
			end = partEnd(part, oldWidth)
		}
		to, _ := partAt(end, width)
		behind := between(to, w.newest)
		if behind >= parts {
			continue
		}
		i, from := ringIndex(to), ringIndex(part)
		w.countAt(atRing+8*i, get(counts, 8*from))
		if w.hard() && was.hard() {
			w.countAt(atAll+8*i, get(was.slot, atAll+8*from))
		}
	}
}

// partEnd returns the last nanosecond of a part that isn't the newest one.
func partEnd(part, width int64) int64 {
	if part < math.MinInt64/width {
		return math.MinInt64
	}
	return part*width + width - 1
}
