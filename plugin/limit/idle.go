package limit

// Idle reports whether forgetting the state loses nothing: at the time of req and
// under these rules, or newer ones that wrote it, it is as good as a new one. A
// quota that has held a lease or counted anything is not idle, nor is a state that
// is malformed or of a higher epoch than req.
func Idle(state []byte, req Request, rules []Rule) bool {
	h, err := readHeader(state)
	if err != nil || h.epoch > req.Epoch {
		return false
	}
	if h.epoch < req.Epoch {
		return true
	}
	at := headerBytes
	for range h.slots {
		n := slotLength(state, at)
		if n == 0 {
			return false
		}
		slot := state[at : at+n]
		at += n
		if h.version <= req.Version && !idleUnder(slot, req.Now, rules) ||
			h.version > req.Version && !idleSlot(slot, req.Now) {
			return false
		}
	}
	return true
}

// idleUnder reports whether what the slot becomes under its rule is idle: under
// the old one it might be full already, but not under the new one.
func idleUnder(slot []byte, now int64, rules []Rule) bool {
	for i := range rules {
		if r := &rules[i]; r.ID == get(slot, 0) {
			if slotFollows(slot, r) {
				return idleSlot(slot, now)
			}
			adopted, ok := adoptSlot(nil, slot, r, birth{at: now})
			return ok && idleSlot(adopted, now)
		}
	}
	return true // the limit is gone
}

func idleSlot(slot []byte, now int64) bool {
	switch Kind(slot[8]) {
	case Rate:
		var b bucket
		return b.read(slot) && b.idle(now)
	case Window:
		var w window
		return w.read(slot) && w.idle(now)
	default:
		var q quota
		return q.read(slot) && !q.held() && q.loose == 0
	}
}

// idle leaves the slot as it is.
func (b *bucket) idle(now int64) bool {
	f, h := b.flow(), b.hardFlow()
	if now > b.last {
		elapsed := between(b.last, now)
		b.base.gain(&f, elapsed)
		b.hard.gain(&h, elapsed)
	}
	return b.base.full(&f) && (!b.Rule.hard() || b.hard.full(&h))
}

func (w *window) idle(now int64) bool {
	part, _ := partAt(now, partNS(w.PeriodSeconds))
	for age := range int64(parts) {
		if between(w.newest-age, part) >= parts && part > w.newest {
			continue
		}
		i := 8 * ringIndex(w.newest-age)
		if get(w.slot, atRing+i) > 0 || w.hard() && get(w.slot, atAll+i) > 0 {
			return false
		}
	}
	return true
}
