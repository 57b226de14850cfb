package limit

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
)

// ErrMalformed is returned, wrapped with the place, for bytes that no function
// of this package wrote.
var ErrMalformed = errors.New("malformed state")

// The layout, little-endian: a header of magic and format (4 bytes), number of
// slots (4), highest snapshot version (8), epoch (4) and length (4); then the
// slots. Each begins with the rule it follows: id (8), kind, measure, mode and
// flags (1 each), period in seconds (4), amount (8), burst (8), grace percent (4)
// and grace seconds (4). What comes after depends on the kind.
const (
	magic       = 0x04_4B_42_57 // "WBK", format 4
	headerBytes = 24
	ruleBytes   = 40
)

const (
	flagFailOpen = 1 << 24
	flagRefund   = 1 << 25
	unusedBits   = 0xFC00_0000
)

const nanosPerSecond = 1_000_000_000

// maxCount bounds what a slot may count, so that sums of all of a window's
// counts fit into 63 bits. What a settlement charges beyond it is forgiven.
const maxCount = 1 << 57

// slotBytes is the length of the slot of r, at most MaxSlotBytes.
func (r *Rule) slotBytes() int {
	switch r.Kind {
	case Rate:
		return rateBytes(r)
	case Window:
		return windowBytes(r)
	default:
		return quotaBytes
	}
}

// MaxSlotBytes is the length of the longest slot: a soft window's.
const MaxSlotBytes = ruleBytes + 8 + 2*ringBytes + 24

// MaxStateBytes is the length of the longest state.
const MaxStateBytes = headerBytes + MaxRules*MaxSlotBytes

// StateBytes is the length of the state of a subject with these rules.
func StateBytes(rules []Rule) int {
	n := headerBytes
	for i := range rules {
		n += rules[i].slotBytes()
	}
	return n
}

// header is the beginning of a state.
type header struct {
	version uint64
	epoch   uint32
	slots   int
}

// Seed appends to dst[:0] the state of a subject that has not been seen yet:
// every limit full. Those whose bit is in empty begin with nothing left instead:
// that is for a subject whose state was lost and whose limit fails closed. now
// is the monotonic clock, nanoseconds. It fails with [ErrRule].
func Seed(dst []byte, version uint64, epoch uint32, now int64, rules []Rule, empty uint64) ([]byte, error) {
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	dst = appendHeader(dst[:0], header{version, epoch, len(rules)})
	for i := range rules {
		dst = appendFresh(dst, &rules[i], birth{now, version}, empty&(1<<i) != 0)
	}
	return putLength(dst), nil
}

// Version returns the highest snapshot version that wrote state.
// It fails with [ErrMalformed].
func Version(state []byte) (uint64, error) {
	h, err := readHeader(state)
	return h.version, err
}

// birth is when a slot began to count as it does: by the monotonic clock, and
// under which snapshot. Nothing that was admitted before is ever given back to it.
type birth struct {
	at      int64
	version uint64
}

// appendFresh appends a slot that begins with nothing counted.
func appendFresh(dst []byte, rule *Rule, born birth, empty bool) []byte {
	r := rule.canonical()
	at := len(dst)
	dst = appendZeros(dst, r.slotBytes())
	slot := dst[at:]
	putRule(slot, &r)
	switch r.Kind {
	case Rate:
		seedRate(slot, &r, born, empty)
	case Window:
		seedWindow(slot, &r, born, empty)
	default:
		seedQuota(slot, born)
	}
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	at := len(dst)
	if cap(dst)-at >= n {
		dst = dst[:at+n]
		clear(dst[at:])
		return dst
	}
	return append(dst, make([]byte, n)...)
}

func appendHeader(dst []byte, h header) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.slots))
	dst = binary.LittleEndian.AppendUint64(dst, h.version)
	dst = binary.LittleEndian.AppendUint32(dst, h.epoch)
	return binary.LittleEndian.AppendUint32(dst, 0)
}

func putLength(state []byte) []byte {
	binary.LittleEndian.PutUint32(state[20:], uint32(len(state)))
	return state
}

func readHeader(state []byte) (header, error) {
	if len(state) < headerBytes {
		return header{}, wrap(ErrMalformed, strconv.Itoa(len(state))+" bytes are too few for a header")
	}
	if binary.LittleEndian.Uint32(state) != magic {
		return header{}, wrap(ErrMalformed, "unknown magic or format")
	}
	slots := binary.LittleEndian.Uint32(state[4:])
	if slots > MaxRules || uint64(binary.LittleEndian.Uint32(state[20:])) != uint64(len(state)) {
		return header{}, wrap(ErrMalformed, strconv.Itoa(len(state))+" bytes don't fit the header")
	}
	return header{
		version: binary.LittleEndian.Uint64(state[8:]),
		epoch:   binary.LittleEndian.Uint32(state[16:]),
		slots:   int(slots),
	}, nil
}

func get(p []byte, at int) uint64      { return binary.LittleEndian.Uint64(p[at:]) }
func put(p []byte, at int, v uint64)   { binary.LittleEndian.PutUint64(p[at:], v) }
func getInt(p []byte, at int) int64    { return int64(get(p, at)) }
func putInt(p []byte, at int, v int64) { put(p, at, uint64(v)) }

// word packs what r is into 8 bytes.
func (r *Rule) word() uint64 {
	w := uint64(r.Kind) | uint64(r.Measure)<<8 | uint64(r.Mode)<<16
	if r.FailOpen {
		w |= flagFailOpen
	}
	if r.Refund {
		w |= flagRefund
	}
	if r.Kind != Quota {
		w |= uint64(r.PeriodSeconds) << 32
	}
	return w
}

func (r *Rule) grace() uint64 {
	if r.Mode != Soft {
		return 0
	}
	return uint64(r.GracePercent) | uint64(r.GraceSeconds)<<32
}

// putRule writes the canonical r to the beginning of its slot.
func putRule(slot []byte, r *Rule) {
	put(slot, 0, r.ID)
	put(slot, 8, r.word())
	put(slot, 16, r.Amount)
	put(slot, 24, r.Burst)
	put(slot, 32, r.grace())
}

// slotFollows reports whether the slot belongs to r and was written under it.
func slotFollows(slot []byte, r *Rule) bool {
	slot = slot[:ruleBytes]
	return get(slot, 0) == r.ID && get(slot, 8) == r.word() && get(slot, 16) == r.Amount &&
		(r.Kind != Rate || get(slot, 24) == r.Burst) && get(slot, 32) == r.grace()
}

// readRule reads the rule that a slot follows and verifies it.
func readRule(slot []byte, r *Rule) bool {
	w, grace := get(slot, 8), get(slot, 32)
	r.ID = get(slot, 0)
	r.Kind, r.Measure, r.Mode = Kind(w), Measure(w>>8), Mode(w>>16)
	r.FailOpen, r.Refund = w&flagFailOpen != 0, w&flagRefund != 0
	r.PeriodSeconds = uint32(w >> 32)
	r.Amount, r.Burst = get(slot, 16), get(slot, 24)
	r.GracePercent, r.GraceSeconds = uint32(grace), uint32(grace>>32)
	return w&unusedBits == 0 && r.valid() && (r.Mode == Soft || grace == 0)
}

// slotLength returns the length of the slot that begins at state[at], or 0 when
// there is none that is whole.
func slotLength(state []byte, at int) int {
	if len(state)-at < ruleBytes {
		return 0
	}
	w := get(state, at+8)
	if plainRate(w) {
		if len(state)-at < plainRateBytes {
			return 0
		}
		return plainRateBytes
	}
	return oddSlotLength(state, at, w)
}

// plainRate says, by a rule's word, that it is a rate without grace or refunds.
func plainRate(w uint64) bool {
	return Kind(w) == Rate && Mode(w>>16) != Soft && Measure(w>>8) != Cost && w&flagRefund == 0
}

// oddSlotLength is slotLength for all the other slots.
func oddSlotLength(state []byte, at int, w uint64) int {
	grace := get(state, at+32)
	r := Rule{
		Kind: Kind(w), Measure: Measure(w >> 8), Mode: Mode(w >> 16), Refund: w&flagRefund != 0,
		GracePercent: uint32(grace), GraceSeconds: uint32(grace >> 32),
	}
	if n := r.slotBytes(); n <= len(state)-at {
		return n
	}
	return 0
}

func badSlot(i int) error { return wrap(ErrMalformed, "slot "+strconv.Itoa(i)) }

// checkSlots verifies that the slots are as long as the state.
func checkSlots(state []byte, slots int) error {
	at := headerBytes
	for i := range slots {
		n := slotLength(state, at)
		if n == 0 {
			return badSlot(i)
		}
		at += n
	}
	if at != len(state) {
		return wrap(ErrMalformed, strconv.Itoa(len(state)-at)+" bytes after the slots")
	}
	return nil
}

// findSlot returns where the slot with this id begins and its length, or 0 when
// there is none.
func findSlot(state []byte, slots int, id uint64) (at, length int, err error) {
	at = headerBytes
	for i := range slots {
		n := slotLength(state, at)
		if n == 0 {
			return 0, 0, badSlot(i)
		}
		if get(state, at) == id {
			return at, n, nil
		}
		at += n
	}
	return 0, 0, nil
}

// last returns the index of the highest bit in set, or -1.
func last(set uint64) int { return bits.Len64(set) - 1 }
