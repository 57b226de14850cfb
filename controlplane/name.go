package controlplane

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// validateName returns what is wrong with a name, and brings it into the one form in which
// it is stored and compared, Unicode's NFC: who types an accent as a character of its own
// means the same name.
func validateName(field string, name *string, most int) error {
	*name = norm.NFC.String(*name)
	if r, ok := otherSpace(*name); ok {
		return Invalid(field, "use ordinary spaces only, U+0020; this has a %U", r)
	}
	if hasLoneSelector(*name) {
		return Invalid(field, "leave out variation selectors, except after the emoji and letters that have such variants")
	}
	return validateExact(field, *name, most)
}

// validateExact returns what is wrong with a name that is compared byte by byte, as others
// give it.
func validateExact(field, name string, most int) error {
	n := utf8.RuneCountInString(name)
	switch {
	case strings.Trim(strings.TrimSpace(name), joiners) == "":
		return Invalid(field, "give a name")
	case name != strings.TrimSpace(name):
		return Invalid(field, "leave out the space before and after")
	case n > most:
		return Invalid(field, "use at most %d characters; this has %d", most, n)
	case !readable(name):
		return Invalid(field, "leave out control characters and invisible ones")
	}
	return nil
}

// otherSpace returns the first space that looks like the ordinary one and isn't. Line
// breaks and tabs are control characters, which are told as such.
func otherSpace(name string) (rune, bool) {
	for _, r := range name {
		if r != ' ' && unicode.Is(unicode.Zs, r) {
			return r, true
		}
	}
	return 0, false
}

// hasLoneSelector says whether a variation selector stands behind what has no variants:
// it would be invisible, and make two names of one.
func hasLoneSelector(name string) bool {
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.Is(unicode.Variation_Selector, r) {
			continue
		}
		if i == 0 || !varies(runes[i-1], r, runes[i+1:]) {
			return true
		}
	}
	return false
}

// varies says whether a character has variants of the kind that a selector chooses.
func varies(of, selector rune, rest []rune) bool {
	const text, emoji, keycap = '\ufe0e', '\ufe0f', '\u20e3'
	switch {
	case selector == text || selector == emoji:
		if strings.ContainsRune("#*0123456789", of) {
			return len(rest) > 0 && rest[0] == keycap
		}
		return of >= 0x2190 && unicode.In(of, unicode.So, unicode.Sm) || strings.ContainsRune("©®‼⁉™ℹ〰〽", of)
	case unicode.Is(unicode.Mongolian, selector) || selector >= 0x180b && selector <= 0x180f:
		return unicode.Is(unicode.Mongolian, of)
	}
	return unicode.Is(unicode.Han, of)
}
