package limit

import (
	"math"
	"math/bits"
)

// verdict is what one rule says of a request.
type verdict struct {
	level     Level // before the charge
	wait      int64 // until it no longer denies
	lacks     bool  // the limit itself has no room
	denies    bool
	never     bool // it needs more than the limit can ever hold
	full      bool
	unknown   bool // a quota's lease isn't known, or is used up
	failsOpen bool // unknown, and let through
	ask       bool
}

// span is a part of a state, which has at most [MaxStateBytes].
type span struct{ at, length uint16 }

// decision is a Decision in the making.
type decision struct {
	Decision
	next  []byte // the state as it will be
	req   Request
	rules []Rule
	at    [MaxRules]span // where the slot of rule i is in next; 0: it has none
	full  uint64         // rules that are full
	timed bool           // a rule enforces after a time
	known bool           // a rule denies and its state is known
}

// Decide checks req against all rules that apply to it and charges either all
// of them or, when one denies, none.
//
// rules are all rules of the subject's plan, in the plan's order, at most
// [MaxRules]; those that don't apply keep their counters byte by byte. The next
// state is appended to dst[:0] and the levels to levels[:0], so with large
// enough buffers nothing is allocated. dst must not overlap state.
//
// A nil or empty state is that of a subject not seen yet. One that was written
// under an older snapshot is brought to req.Version first: limits that are gone
// lose their slots, new ones begin full, changed ones adopt their parameters as
// the package's doc says. One of an older epoch begins anew.
//
// It fails with [ErrMalformed] for a state that no function of this package
// wrote, and with [ErrRule] for rules out of bounds; then there is no decision.
func Decide(dst, state []byte, req Request, rules []Rule, levels []Level) ([]byte, Decision, error) {
	d := decision{req: req, rules: rules}
	d.By, d.Levels = -1, levels[:0]
	err := d.follow(dst[:0], state)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return nil, Decision{By: -1}, err
	}
	if d.Allowed = d.Denied == 0; d.Allowed {
		d.charge()
	} else {
		d.deny(state)
	}
	if d.Ask != 0 {
		d.noteAsks()
	}
	if !d.Changed { // what check settled needn't be stored
		d.next = append(d.next[:0], state...)
	}
	return d.next, d.Decision, nil
}

// check settles, in next, every slot that applies and collects its verdict.
func (d *decision) check() error {
	for set := d.req.Applies; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		slot := d.slot(i)
		if slot == nil {
			continue
		}
		v := verdict{level: Level{Rule: i}}
		w := get(slot, 8)
		var ok bool
		if plainRate(w) {
			ok = checkPlain(slot, &d.req, &v)
		} else {
			ok = d.checkOdd(slot, Kind(w), &v)
		}
		if !ok {
			return badSlot(i)
		}
		d.Levels = append(d.Levels, v.level)
		if v.marked() {
			d.consider(i, Mode(w>>16), &v)
		}
	}
	return nil
}

// marked says that v is more than that there is room.
func (v *verdict) marked() bool {
	return v.denies || v.lacks || v.full || v.failsOpen || v.ask
}

// checkOdd checks every slot but a plain rate's.
func (d *decision) checkOdd(slot []byte, kind Kind, v *verdict) bool {
	switch kind {
	case Rate:
		return d.checkRate(slot, v)
	case Window:
		return d.checkWindow(slot, v)
	default:
		return d.checkQuota(slot, v)
	}
}

func (d *decision) checkRate(slot []byte, v *verdict) bool {
	var b bucket
	if !b.read(slot) {
		return false
	}
	b.settle(d.req.Now)
	b.write()
	d.timed = d.timed || b.timed()
	b.judge(d.req.need(b.Measure), d.req.Now, v)
	return true
}

func (d *decision) checkWindow(slot []byte, v *verdict) bool {
	var w window
	if !w.read(slot) {
		return false
	}
	w.settle(d.req.Now)
	d.timed = d.timed || w.timed()
	w.judge(d.req.need(w.Measure), d.req.Now, v)
	return true
}

func (d *decision) checkQuota(slot []byte, v *verdict) bool {
	var q quota
	if !q.read(slot) {
		return false
	}
	q.judge(d.req.need(q.Measure), &d.req, v)
	return true
}

// consider adds one rule's verdict. The rule that denies longest decides.
func (d *decision) consider(rule int, mode Mode, v *verdict) {
	bit := uint64(1) << rule
	if v.full {
		d.full |= bit
	}
	if v.ask {
		d.Ask |= bit
	}
	if v.failsOpen {
		d.FailedOpen |= bit
	}
	if mode == Shadow {
		if v.denies {
			d.Shadowed |= bit
		}
		return
	}
	if mode == Soft && v.lacks {
		d.Over |= bit
	}
	if !v.denies {
		return
	}
	d.Denied |= bit
	d.known = d.known || !v.unknown
	wait := v.wait
	if v.never {
		wait = math.MaxInt64
	}
	if wait > d.RetryAfterNS || v.never && !d.Never {
		d.By, d.RetryAfterNS = rule, wait
	}
	d.Never = d.Never || v.never
}

// deny makes d a denial, which charges nothing.
func (d *decision) deny(state []byte) {
	d.Unknown = !d.known
	d.Over, d.Shadowed, d.FailedOpen = 0, 0, 0
	for d.timed && d.RetryAfterNS != math.MaxInt64 && d.waitForTimed() {
	}
	for i := range d.Levels {
		if l := &d.Levels[i]; d.full&(1<<l.Rule) != 0 {
			l.NextNS = 0
		}
	}
	if !d.Changed && len(state) > 0 {
		copy(d.next, state)
	}
}

// waitForTimed moves the retry to when no rule that enforces after a time would
// deny it by then. It says whether it had to.
func (d *decision) waitForTimed() bool {
	before := d.RetryAfterNS
	for _, l := range d.Levels {
		slot := d.slot(l.Rule)
		switch Kind(slot[8]) {
		case Rate:
			var b bucket
			if b.read(slot) && b.timed() {
				d.RetryAfterNS = b.waitSoft(d.req.need(b.Measure), d.req.Now, d.RetryAfterNS)
			}
		case Window:
			var w window
			if w.read(slot) && w.timed() {
				w.settle(d.req.Now)
				d.RetryAfterNS = w.waitSoft(d.req.need(w.Measure), d.req.Now, d.RetryAfterNS)
			}
		}
	}
	return d.RetryAfterNS > before
}

// charge charges every rule that applies and brings the levels to where they
// stand after it.
func (d *decision) charge() {
	for i := range d.Levels {
		l := &d.Levels[i]
		bit := uint64(1) << l.Rule
		slot := d.slot(l.Rule)
		w := get(slot, 8)
		n := d.req.Take[Measure(w>>8)%Measures]
		over := d.Over&bit != 0
		switch {
		case n > 0 && plainRate(w) && d.Shadowed&bit == 0:
			d.Changed = true
			l.Remaining -= int64(n) // there is room for n
			putInt(slot, atTokens, l.Remaining)
			continue
		case n > 0 && d.Shadowed&bit == 0:
			d.Changed = true
			d.chargeSlot(slot, w, n, over)
			if Kind(w) == Quota {
				l.Remaining = max(0, l.Remaining-int64(min(n, maxCount)))
			} else if !over {
				l.Remaining -= int64(n)
			}
			continue
		case over && d.timed:
			d.chargeSlot(slot, w, 0, true) // an episode may begin
			d.Changed = true
		}
		if d.full&bit != 0 {
			l.NextNS = 0
		}
	}
}

func (d *decision) chargeSlot(slot []byte, w, n uint64, over bool) {
	switch Kind(w) {
	case Rate:
		var b bucket
		b.read(slot)
		b.admit(n, over)
		b.write()
	case Window:
		var w window
		w.read(slot)
		w.charge(n, over)
	default:
		var q quota
		q.read(slot)
		q.roll(d.req.Wall)
		q.charge(n, d.req.Now, d.req.Wall)
		q.write()
	}
}

// noteAsks has the state remember when leases were asked for.
func (d *decision) noteAsks() {
	d.Changed = true
	for set := d.Ask; set != 0; set &= set - 1 {
		putInt(d.slot(bits.TrailingZeros64(set)), atAsked, d.req.Now)
	}
}

// slot returns the slot of rule i in next, or nil when it has none.
func (d *decision) slot(i int) []byte {
	s := d.at[i]
	if s.length == 0 {
		return nil
	}
	return d.next[s.at : s.at+s.length]
}
