package limit

import "math/bits"

// Settle appends to dst[:0] the state after a stream has ended, and says whether
// it differs from the one given. What the request took besides is charged, if
// need be into debt, so that the next request waits; what it didn't take is given
// back by the limits that do so: at most as much as leaves them no fuller than if
// the request had never come. A rate that has been full since then gets nothing;
// a window's goes to the time of the admission; a quota's only to the same lease.
//
// The slots' own parameters decide, whatever the version; a limit that the state
// doesn't count is skipped. An empty state begins as a new subject's.
// dst must not overlap state. It fails with [ErrMalformed] and [ErrRule].
func Settle(dst, state []byte, s Settlement, rules []Rule) (next []byte, changed bool, err error) {
	if s.Applies>>len(rules) != 0 {
		return nil, false, wrap(ErrRule, "a rule applies that isn't given")
	}
	req := Request{Version: s.Version, Epoch: s.Epoch, Now: s.Now, Wall: s.Wall}
	if dst, err = appendState(dst, state, &req, rules); err != nil {
		return nil, false, err
	}
	h, err := readHeader(dst)
	if err != nil {
		return nil, false, err
	}
	for set := s.Applies &^ s.Shadowed; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		at, n, err := findSlot(dst, h.slots, rules[i].ID)
		if err != nil {
			return nil, false, err
		}
		if at == 0 {
			continue
		}
		did, ok := s.settle(dst[at:at+n], s.Over&(1<<i) != 0, s.Epoch == h.epoch)
		if !ok {
			return nil, false, badSlot(i)
		}
		changed = changed || did
	}
	if !changed {
		dst = append(dst[:0], state...)
	}
	return dst, changed, nil
}

// settle settles one slot; refundable says that it still is what the admission
// was charged to.
func (s *Settlement) settle(slot []byte, over, refundable bool) (changed, ok bool) {
	var r Rule
	if !readRule(slot, &r) {
		return false, false
	}
	delta := s.Delta[r.Measure]
	if delta < 0 {
		refundable = refundable && r.refunds() && s.Version >= bornVersion(slot)
	}
	if delta == 0 || delta < 0 && !refundable {
		return false, true
	}
	if delta > 0 && r.Mode != Soft { // it is no longer
		over = false
	}
	switch r.Kind {
	case Rate:
		return s.settleRate(slot, delta, over)
	case Window:
		return s.settleWindow(slot, delta, over)
	default:
		return s.settleQuota(slot, delta)
	}
}

func (s *Settlement) settleRate(slot []byte, delta int64, over bool) (changed, ok bool) {
	var b bucket
	if !b.read(slot) {
		return false, false
	}
	b.settle(s.Now)
	changed = true
	if delta > 0 {
		b.charge(uint64(delta), over)
	} else {
		changed = b.refund(magnitude(delta), s.At, over)
	}
	b.write()
	return changed, true
}

func (s *Settlement) settleWindow(slot []byte, delta int64, over bool) (changed, ok bool) {
	var w window
	if !w.read(slot) {
		return false, false
	}
	w.settle(s.Now)
	if delta > 0 {
		w.charge(uint64(delta), over)
		return true, true
	}
	return w.refund(magnitude(delta), s.At, over), true
}

func (s *Settlement) settleQuota(slot []byte, delta int64) (changed, ok bool) {
	var q quota
	if !q.read(slot) {
		return false, false
	}
	q.roll(s.Wall)
	changed = true
	if delta > 0 {
		q.charge(uint64(delta), s.Now, s.Wall)
	} else {
		changed = q.refund(magnitude(delta), s.At, s.AtWall)
	}
	q.write()
	return changed, true
}

// magnitude returns |delta| of a delta below 0.
func magnitude(delta int64) uint64 { return -uint64(delta) }
