package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Printable makes of what a client sent a text that a [Denial] may carry: at
// most most bytes of it, cut between two characters, with U+FFFD for each
// control character and for each run of bytes that aren't UTF-8.
// It allocates only when there is something to replace.
func Printable(s string, most int) string {
	s = cut(s, most)
	if frame.TextFault("", s, 0, most) == "" {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if frame.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	return cut(s, most)
}

// cut shortens s to at most most bytes, without halving a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := max(most, 0)
	for end > 0 && end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
