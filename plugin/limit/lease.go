package limit

import (
	"errors"
	"strconv"
)

// ErrLease is returned, wrapped with what is wrong, for a lease out of bounds.
var ErrLease = errors.New("invalid lease")

// Grant appends to dst[:0] the state with these leases on the subject's quotas,
// and says whether it differs from the one given. A lease of a limit that the
// state doesn't count, of an earlier period or revision than is held, or that
// answers another birth is ignored. An empty state begins as a new subject's under rules.
//
// req says the time, and for an empty state the version and epoch. dst must not
// overlap state. It fails with [ErrMalformed], [ErrLease] and [ErrRule].
func Grant(dst, state []byte, req Request, leases []Lease, rules []Rule) (next []byte, changed bool, err error) {
	for i := range leases {
		if err := leases[i].check(); err != nil {
			return nil, false, err
		}
	}
	if dst, err = appendState(dst, state, &req, rules); err != nil {
		return nil, false, err
	}
	h, err := readHeader(dst)
	if err != nil {
		return nil, false, err
	}
	for i := range leases {
		at, n, err := findSlot(dst, h.slots, leases[i].Limit)
		if err != nil {
			return nil, false, err
		}
		if at == 0 || Kind(dst[at+8]) != Quota {
			continue
		}
		var q quota
		if !q.read(dst[at : at+n]) {
			return nil, false, wrap(ErrMalformed, "the slot of limit "+strconv.FormatUint(leases[i].Limit, 10))
		}
		before := q
		q.roll(req.Wall)
		if q.grant(&leases[i], req.Wall); q.numbers() != before.numbers() {
			q.write()
			changed = true
		}
	}
	if !changed {
		dst = append(dst[:0], state...)
	}
	return dst, changed, nil
}

// appendState appends state to dst[:0], or, where it is empty, a new subject's.
func appendState(dst, state []byte, req *Request, rules []Rule) ([]byte, error) {
	if len(state) > 0 {
		return append(dst[:0], state...), nil
	}
	return Seed(dst, req.Version, req.Epoch, req.Now, rules, 0)
}

// quotaNumbers is all of a quota that a lease can change.
type quotaNumbers struct {
	start, end, nextStart, nextEnd                                        int64
	granted, used, loose, nextGranted, remaining, usedThen, lot, revision uint64
	spent                                                                 bool
}

func (q *quota) numbers() quotaNumbers {
	return quotaNumbers{q.start, q.end, q.nextStart, q.nextEnd,
		q.granted, q.used, q.loose, q.nextGranted, q.remaining, q.usedThen, q.lot, q.revision, q.spent}
}

func (l *Lease) check() error {
	name := "of limit " + strconv.FormatUint(l.Limit, 10) + ": "
	switch {
	case l.End <= l.Start:
		return wrap(ErrLease, name+"it ends before or as it starts")
	case l.NextEnd != 0 && (l.NextStart < l.End || l.NextEnd <= l.NextStart):
		return wrap(ErrLease, name+"the next one doesn't follow")
	case max(l.Granted, l.NextGranted, l.Remaining) > maxCount:
		return wrap(ErrLease, name+"more than "+strconv.Itoa(maxCount)+" is granted or remains")
	}
	return nil
}

// grant brings l into force.
func (q *quota) grant(l *Lease, wall int64) {
	if l.Born != 0 && l.Born != q.born ||
		q.held() && (l.Start < q.start || l.Start == q.start && l.Revision < q.revision) {
		return
	}
	if !q.held() || l.Start > q.start {
		q.begin(l.Start, l.End, l.Granted, wall)
	} else {
		if l.Granted < q.granted {
			q.granted = min(q.granted, max(q.used, l.Granted)) // recalled
		} else if l.Granted > q.granted {
			q.granted = l.Granted
			q.lot = q.left()
		}
		q.end = l.End
	}
	q.spent, q.remaining, q.usedThen, q.revision = l.Spent, l.Remaining, q.used, l.Revision
	if l.NextEnd != 0 {
		q.nextStart, q.nextEnd, q.nextGranted = l.NextStart, l.NextEnd, l.NextGranted
	}
}

// Holdings appends to out[:0] what the state holds of each quota, at the clocks
// of req. It fails with [ErrMalformed].
func Holdings(out []Holding, state []byte, req Request) ([]Holding, error) {
	out = out[:0]
	h, err := readHeader(state)
	if err != nil {
		return nil, err
	}
	at := headerBytes
	for i := range h.slots {
		n := slotLength(state, at)
		if n == 0 {
			return nil, badSlot(i)
		}
		slot := state[at : at+n]
		at += n
		if Kind(slot[8]) != Quota {
			continue
		}
		var q quota
		if !q.read(slot) {
			return nil, badSlot(i)
		}
		q.roll(req.Wall)
		held := q.holding(req.Now)
		held.Epoch = h.epoch
		out = append(out, held)
	}
	return out, nil
}

func (q *quota) holding(now int64) Holding {
	held := Holding{Limit: q.ID, Measure: q.Measure, Born: q.born, Used: q.loose + q.looseRefunded, Refunded: q.looseRefunded, Recent: q.recent(now)}
	if q.held() {
		held.Start, held.Revision, held.Granted = q.start, q.revision, q.granted
		held.Used, held.Refunded = q.used+q.refunded, q.refunded
	}
	if q.hasNext() {
		held.NextStart, held.NextGranted = q.nextStart, q.nextGranted
	}
	return held
}
