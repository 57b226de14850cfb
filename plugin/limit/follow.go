package limit

import (
	"math/bits"
	"strconv"
)

// follow appends to dst the state that the request is decided on: the given one,
// or what it becomes under a newer snapshot or epoch; and finds the slots in it.
func (d *decision) follow(dst, state []byte) error {
	if d.req.Applies>>len(d.rules) != 0 {
		return wrap(ErrRule, "of "+strconv.Itoa(len(d.rules))+" rules, a later one applies")
	}
	if len(state) == 0 {
		var err error
		if d.next, err = Seed(dst, d.req.Version, d.req.Epoch, d.req.Now, d.rules, 0); err == nil {
			d.place()
		}
		return err
	}
	h, err := readHeader(state)
	if err != nil {
		return err
	}
	d.Behind = d.req.Version < h.version || d.req.Epoch < h.epoch
	if h.version == d.req.Version && h.epoch >= d.req.Epoch {
		inStep, err := d.inStep(state, h.slots)
		if err != nil {
			return err
		}
		if inStep {
			d.next = append(dst, state...)
			return nil
		}
	}
	if err := checkRules(d.rules); err != nil {
		return err
	}
	if err := checkSlots(state, h.slots); err != nil {
		return err
	}
	return d.adoptState(dst, state, h)
}

// place notes where the slots are in a state that follows the rules.
func (d *decision) place() {
	at := headerBytes
	for i := range d.rules {
		n := d.rules[i].slotBytes()
		d.at[i] = span{uint16(at), uint16(n)}
		at += n
	}
}

// inStep reports whether slot i is the one of rules[i], under its parameters, for
// every rule that applies, and finds them.
func (d *decision) inStep(state []byte, slots int) (bool, error) {
	if slots != len(d.rules) {
		return false, nil
	}
	at := headerBytes
	for i := range last(d.req.Applies) + 1 {
		n := slotLength(state, at)
		if n == 0 {
			return false, badSlot(i)
		}
		if d.req.Applies&(1<<i) != 0 {
			if !slotFollows(state[at:at+n], &d.rules[i]) {
				return false, nil
			}
			d.at[i] = span{uint16(at), uint16(n)}
		}
		at += n
	}
	return true, nil
}

// adoptState appends to dst what state becomes under the request's snapshot and
// epoch, where those are newer, and finds the slots of the rules in it.
func (d *decision) adoptState(dst, state []byte, h header) error {
	anew := d.req.Epoch > h.epoch
	if d.req.Version < h.version {
		return d.keepNewer(dst, state, h, anew)
	}
	d.Changed = true
	epoch, now := max(h.epoch, d.req.Epoch), birth{d.req.Now, d.req.Version}
	dst = appendHeader(dst, header{d.req.Version, epoch, len(d.rules)})
	for i := range d.rules {
		r := &d.rules[i]
		begin := len(dst)
		at, n, err := findSlot(state, h.slots, r.ID)
		if err != nil {
			return err
		}
		if at == 0 || anew {
			dst = appendFresh(dst, r, now, false)
		} else {
			var ok bool
			if dst, ok = adoptSlot(dst, state[at:at+n], r, now); !ok {
				return badSlot(i)
			}
		}
		d.at[i] = span{uint16(begin), uint16(len(dst) - begin)}
	}
	d.next = putLength(dst)
	return nil
}

// keepNewer appends the state of a newer snapshot, anew if its epoch is older.
func (d *decision) keepNewer(dst, state []byte, h header, anew bool) error {
	if anew {
		d.Changed = true
		dst = appendHeader(dst, header{h.version, d.req.Epoch, h.slots})
		at := headerBytes
		for i := range h.slots {
			var r Rule
			n := slotLength(state, at)
			if n == 0 || !readRule(state[at:], &r) {
				return badSlot(i)
			}
			dst = appendFresh(dst, &r, birth{d.req.Now, h.version}, false)
			at += n
		}
		d.next = putLength(dst)
	} else {
		d.next = append(dst, state...)
	}
	for set := d.req.Applies; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		at, n, err := findSlot(d.next, h.slots, d.rules[i].ID)
		if err != nil {
			return err
		}
		d.at[i] = span{uint16(at), uint16(n)}
	}
	return nil
}
