package controlplane

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// joiners are invisible, and some scripts can't be written without them.
const joiners = "\u200c\u200d"

// readable says whether a text is UTF-8 of which people see every character, but for
// joiners, in its order: no control characters, and none of those that turn the direction
// of writing, separate lines or show nothing.
func readable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, isHidden)
}

func isHidden(r rune) bool {
	switch {
	case strings.ContainsRune(joiners, r), unicode.Is(unicode.Prepended_Concatenation_Mark, r): // the latter are drawn
		return false
	}
	const blank = '\u2800' // of Braille
	return r == blank || unicode.In(r, unicode.Noncharacter_Code_Point, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
