package filter

import (
	"strconv"
	"unicode/utf8"
)

// openProblem begins a problem document (RFC 9457). Members are to be appended,
// each with its comma before it, and the closing brace.
func openProblem(b []byte, kind, title string, status int64) []byte {
	b = appendString(append(b, `{"type":`...), kind)
	b = appendString(append(b, `,"title":`...), title)
	return strconv.AppendInt(append(b, `,"status":`...), status, 10)
}

// appendString appends s as a JSON string (RFC 8259). Bytes that aren't UTF-8
// become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
