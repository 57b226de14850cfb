package limit

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// ErrMalformed is returned, wrapped with the place, for a state that no
// function of this package wrote.
var ErrMalformed = errors.New("malformed state")

// The layout, little-endian: a header of magic and format (4 bytes), number of
// slots (4) and highest snapshot version (8); then for each slot id, tokens,
// fraction, last, amount, burst (8 each), period in seconds (4) and zero (4).
const (
	magic       = 0x01_4B_42_57 // "WBK", format 1
	headerBytes = 16
	slotBytes   = 56
)

// MaxStateBytes is the length of the longest state.
const MaxStateBytes = headerBytes + MaxRules*slotBytes

// StateBytes is the length of the state of an account with this many rules.
func StateBytes(rules int) int { return headerBytes + rules*slotBytes }

// Seed appends to dst[:0] the state of an account that has not been seen yet:
// every limit of rules full. now is the monotonic clock, nanoseconds.
// It fails with [ErrRule].
func Seed(dst []byte, version uint64, now int64, rules []Rule) ([]byte, error) {
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	dst = appendHeader(dst[:0], version, len(rules))
	for i := range rules {
		b := fullBucket(&rules[i], now)
		dst = appendSlot(dst, &b)
	}
	return dst, nil
}

// Version returns the highest snapshot version that wrote state.
// It fails with [ErrMalformed].
func Version(state []byte) (uint64, error) {
	version, _, err := readHeader(state)
	return version, err
}

func appendHeader(dst []byte, version uint64, slots int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(slots))
	return binary.LittleEndian.AppendUint64(dst, version)
}

func readHeader(state []byte) (version uint64, slots int, err error) {
	if len(state) < headerBytes {
		return 0, 0, wrap(ErrMalformed, strconv.Itoa(len(state))+" bytes are too few for a header")
	}
	if binary.LittleEndian.Uint32(state) != magic {
		return 0, 0, wrap(ErrMalformed, "unknown magic or format")
	}
	n := binary.LittleEndian.Uint32(state[4:])
	if n > MaxRules || len(state) != StateBytes(int(n)) {
		return 0, 0, wrap(ErrMalformed, strconv.Itoa(len(state))+" bytes don't fit "+
			strconv.FormatUint(uint64(n), 10)+" slots")
	}
	return binary.LittleEndian.Uint64(state[8:]), int(n), nil
}

func appendSlot(dst []byte, b *bucket) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, slotBytes)...)
	putSlot(dst[n:], b)
	return dst
}

func setTokens(slot []byte, tokens int64) {
	binary.LittleEndian.PutUint64(slot[8:], uint64(tokens))
}

func putSlot(p []byte, b *bucket) {
	p = p[:slotBytes]
	binary.LittleEndian.PutUint64(p, b.id)
	binary.LittleEndian.PutUint64(p[8:], uint64(b.tokens))
	binary.LittleEndian.PutUint64(p[16:], b.fraction)
	binary.LittleEndian.PutUint64(p[24:], uint64(b.last))
	binary.LittleEndian.PutUint64(p[32:], b.amount)
	binary.LittleEndian.PutUint64(p[40:], b.burst)
	binary.LittleEndian.PutUint64(p[48:], uint64(b.periodSeconds))
}

// slotAt returns slot i's bytes; i is below the header's number of slots.
func slotAt(state []byte, i int) []byte { return state[StateBytes(i):][:slotBytes] }

func slotID(state []byte, i int) uint64 { return binary.LittleEndian.Uint64(slotAt(state, i)) }

// slotFollows reports whether slot i belongs to r and was settled under its
// parameters.
func slotFollows(state []byte, i int, r *Rule) bool {
	p := slotAt(state, i)
	return binary.LittleEndian.Uint64(p) == r.ID &&
		binary.LittleEndian.Uint64(p[32:]) == r.Amount &&
		binary.LittleEndian.Uint64(p[40:]) == r.Burst &&
		binary.LittleEndian.Uint64(p[48:]) == uint64(r.PeriodSeconds)
}

// readSlot reads slot i into b and verifies it.
func readSlot(state []byte, i int, b *bucket) error {
	p := slotAt(state, i)
	b.id = binary.LittleEndian.Uint64(p)
	b.tokens = int64(binary.LittleEndian.Uint64(p[8:]))
	b.fraction = binary.LittleEndian.Uint64(p[16:])
	b.last = int64(binary.LittleEndian.Uint64(p[24:]))
	b.amount = binary.LittleEndian.Uint64(p[32:])
	b.burst = binary.LittleEndian.Uint64(p[40:])
	period := binary.LittleEndian.Uint64(p[48:])
	b.periodSeconds = uint32(period)
	if period > MaxPeriodSeconds || !b.valid() {
		return wrap(ErrMalformed, "slot "+strconv.Itoa(i))
	}
	return nil
}

// findSlot returns the index of the slot with this id, or -1.
func findSlot(state []byte, slots int, id uint64) int {
	for i := range slots {
		if slotID(state, i) == id {
			return i
		}
	}
	return -1
}
