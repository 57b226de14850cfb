package limit

import "errors"

// ErrMalformed is returned, wrapped with the place, for a state that no
// function of this package wrote.
var ErrMalformed = errors.New("malformed state")

// StateBytes is the length of the state of an account with this many rules.
func StateBytes(rules int) int { return headerBytes + rules*slotBytes }

const (
	headerBytes = 16
	slotBytes   = 56
)

// Seed appends to dst[:0] the state of an account that has not been seen yet:
// every limit of rules full. now is the monotonic clock, nanoseconds.
// It fails with [ErrRule].
func Seed(dst []byte, version uint64, now int64, rules []Rule) ([]byte, error) {
	return dst[:0], ErrRule
}

// Version returns the highest snapshot version that wrote state.
// It fails with [ErrMalformed].
func Version(state []byte) (uint64, error) { return 0, ErrMalformed }
