package book

import (
	"bytes"
	"strings"
)

// PlainPath returns a path in the one spelling that templates have, so that none
// that an upstream takes for the same gets around a limit. path is raw, without
// query, and begins with a slash. From each segment the parameters go (;v=1), and
// letters, digits and -._~ that stand percent-encoded are decoded, other encodings
// written in upper case (RFC 3986, sections 3.3 and 6.2.2); then empty segments go,
// and . and .. are resolved. A trailing slash stays. It decodes once: what comes out
// may look encoded again.
func PlainPath(path string) string { return plainPath(path, withoutParameters) }

// reading is what an upstream makes of a segment's parameters.
type reading uint8

const (
	// withoutParameters takes them away first.
	withoutParameters reading = iota
	// resolvedFirst takes them away after empty and dot segments: one that becomes
	// such by that stays, and is left as it was.
	resolvedFirst
	// withParameters knows none: they are text.
	withParameters
	readings
)

// plainPath is [PlainPath] for an upstream that reads parameters so.
func plainPath(path string, as reading) string {
	b := make([]byte, 0, len(path)+1)
	slash := true // it ends with one
	for rest, more := path[1:], true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		at := len(b)
		b = appendSegment(append(b, '/'), segment, as)
		switch string(b[at+1:]) {
		case "", ".":
			b, slash = b[:at], true
		case "..":
			b, slash = b[:max(0, bytes.LastIndexByte(b[:at], '/'))], true
		default:
			slash = false
		}
	}
	if slash {
		b = append(b, '/')
	}
	return string(b)
}

// appendSegment appends a segment as it is read.
func appendSegment(dst []byte, segment string, as reading) []byte {
	name, _, parameters := strings.Cut(segment, ";")
	if !parameters || as == withParameters {
		return appendPlain(dst, segment)
	}
	at := len(dst)
	dst = appendPlain(dst, name)
	if as == resolvedFirst && vanishes(string(dst[at:])) {
		return appendPlain(dst[:at], segment)
	}
	return dst
}

// appendPlain appends a text with as few of its bytes encoded as may be.
func appendPlain(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if code, ok := escaped(s[i:]); ok {
				i += 2
				if !isUnreserved(code) {
					dst = append(dst, '%', upperHex[code>>4], upperHex[code&15])
					continue
				}
				c = code
			}
		}
		dst = append(dst, c)
	}
	return dst
}

const upperHex = "0123456789ABCDEF"

// escaped returns the byte that s, which begins with a %, begins with the encoding
// of.
func escaped(s string) (code byte, ok bool) {
	if len(s) < len("%00") {
		return 0, false
	}
	high, low := hexDigit(s[1]), hexDigit(s[2])
	return high<<4 | low, high < 16 && low < 16
}

// hexDigit returns what a digit stands for, or more than 15.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// isOdd reports whether PlainPath would write the byte that s begins with
// otherwise.
func isOdd(s string) bool {
	switch s[0] {
	case ';':
		return true
	case '%':
		code, ok := escaped(s)
		return ok && (isUnreserved(code) || upperHex[code>>4] != s[1] || upperHex[code&15] != s[2])
	}
	return false
}

// vanishes reports whether PlainPath leaves out a segment that isn't the last.
func vanishes(segment string) bool { return segment == "" || segment == "." || segment == ".." }
