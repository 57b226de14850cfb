package frame

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// ErrMalformed is what every decoder returns, wrapped with the place, for bytes
// that no encoder could have written.
var ErrMalformed = errors.New("malformed")

// ErrInvalid is what every encoder returns, wrapped with the field at fault, for
// a value that is out of bounds or contradicts itself.
var ErrInvalid = errors.New("invalid")

// fault is an error of one of the two kinds above with what is wrong where.
type fault struct {
	kind error
	what string
}

func (f *fault) Error() string { return f.kind.Error() + ": " + f.what }
func (f *fault) Unwrap() error { return f.kind }

// Malformed returns an [ErrMalformed] that says what is wrong where.
func Malformed(what string) error { return &fault{ErrMalformed, what} }

// Invalid returns an [ErrInvalid] that says what is wrong where.
func Invalid(what string) error { return &fault{ErrInvalid, what} }

// Decimal writes n.
func Decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// OutOfRange says that field is n instead of lo to hi.
func OutOfRange(field string, n, lo, hi uint64) string {
	return field + ": " + Decimal(n) + " is not " + Decimal(lo) + " to " + Decimal(hi)
}

// Element names one element of a list, as in entries[3].
func Element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// TextFault says what is wrong with a text of lo to hi bytes that is shown to
// people: it has to be UTF-8 without control characters. It returns "" for none.
func TextFault(field, s string, lo, hi int) string {
	if len(s) < lo || len(s) > hi {
		return OutOfRange(field+": length in bytes", uint64(len(s)), uint64(lo), uint64(hi))
	}
	if !utf8.ValidString(s) {
		return field + ": not UTF-8"
	}
	for i, r := range s {
		if IsControl(r) {
			return field + ": a control character at byte " + strconv.Itoa(i)
		}
	}
	return ""
}

// IsControl says whether r is one of Unicode's control characters.
func IsControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }
