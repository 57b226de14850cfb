package wire

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// ErrMalformed is what every decoder of this package returns, wrapped with the
// place, for bytes that no encoder of this package could have written.
var ErrMalformed = errors.New("malformed")

// ErrInvalid is what every encoder of this package returns, wrapped with the
// field at fault, for a value that is out of bounds or contradicts itself.
var ErrInvalid = errors.New("invalid")

// fault is an error of one of the two kinds above with what is wrong where.
type fault struct {
	kind error
	what string
}

func (f *fault) Error() string { return f.kind.Error() + ": " + f.what }
func (f *fault) Unwrap() error { return f.kind }

func malformed(what string) error { return &fault{ErrMalformed, what} }
func invalid(what string) error   { return &fault{ErrInvalid, what} }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// outOfRange says that field is n instead of lo to hi.
func outOfRange(field string, n, lo, hi uint64) string {
	return field + ": " + decimal(n) + " is not " + decimal(lo) + " to " + decimal(hi)
}

// element names one element of a list, as in entries[3].
func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// textFault says what is wrong with a text of lo to hi bytes that is shown to
// people: it has to be UTF-8 without control characters. It returns "" for none.
func textFault(field, s string, lo, hi int) string {
	if len(s) < lo || len(s) > hi {
		return outOfRange(field+": length in bytes", uint64(len(s)), uint64(lo), uint64(hi))
	}
	if !utf8.ValidString(s) {
		return field + ": not UTF-8"
	}
	for i, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return field + ": a control character at byte " + strconv.Itoa(i)
		}
	}
	return ""
}
