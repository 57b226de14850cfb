package filter

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// flatValue is a value in a flat JSON object: a text, the literal of a number,
// or true or false. Every other value is none of them.
type flatValue struct {
	text     string
	isText   bool
	number   string
	isNumber bool
	truth    bool
	isTruth  bool
}

var errNotFlat = errors.New("configuration: give a flat JSON object of texts, whole numbers, true and false")

// eachField calls set for every field of a JSON object (RFC 8259), in order,
// until it fails. An object, array or null as a value is passed on as none of
// those that there are; set must refuse it. The libraries for this bring
// reflection along, which makes the module a seventh larger and slower to start.
func eachField(text []byte, set func(field string, v flatValue) error) error {
	s := scanner{rest: text}
	if !s.accept('{') {
		return errNotFlat
	}
	for first := true; !s.accept('}'); first = false {
		if !first && !s.accept(',') {
			return errNotFlat
		}
		field, ok := s.text()
		if !ok || !s.accept(':') {
			return errNotFlat
		}
		v := s.value()
		if err := set(field, v); err != nil {
			return err
		}
		if !v.isText && !v.isNumber && !v.isTruth {
			return errNotFlat
		}
	}
	s.space()
	if len(s.rest) > 0 {
		return errNotFlat
	}
	return nil
}

// scanner reads JSON tokens from the front of rest.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\n', '\r':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// accept skips white space, and c if it comes next.
func (s *scanner) accept(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) value() flatValue {
	s.space()
	if len(s.rest) > 0 && s.rest[0] == '"' {
		text, ok := s.text()
		return flatValue{text: text, isText: ok}
	}
	for _, word := range [...]string{"true", "false"} {
		if strings.HasPrefix(string(s.rest[:min(len(s.rest), len(word))]), word) {
			s.rest = s.rest[len(word):]
			return flatValue{truth: word == "true", isTruth: true}
		}
	}
	n := 0
	for n < len(s.rest) && (s.rest[n] == '-' || s.rest[n] >= '0' && s.rest[n] <= '9') {
		n++
	}
	number := string(s.rest[:n])
	s.rest = s.rest[n:]
	return flatValue{number: number, isNumber: isWhole(number)}
}

// isWhole reports whether a literal is a JSON number without fraction and
// exponent.
func isWhole(literal string) bool {
	if literal != "" && literal[0] == '-' {
		literal = literal[1:]
	}
	if literal == "" || literal[0] == '0' && len(literal) > 1 {
		return false
	}
	for i := range len(literal) {
		if literal[i] == '-' {
			return false
		}
	}
	return true
}

// text reads a string literal.
func (s *scanner) text() (string, bool) {
	if !s.accept('"') {
		return "", false
	}
	var out []byte
	for len(s.rest) > 0 {
		c := s.rest[0]
		switch {
		case c == '"':
			s.rest = s.rest[1:]
			return string(out), utf8.Valid(out)
		case c < ' ':
			return "", false
		case c != '\\':
			s.rest = s.rest[1:]
			out = append(out, c)
		default:
			r, ok := s.escape()
			if !ok {
				return "", false
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", false
}

// escape reads an escape sequence, two of them for a pair of surrogates.
func (s *scanner) escape() (rune, bool) {
	if len(s.rest) < 2 {
		return 0, false
	}
	c := s.rest[1]
	if c == 'u' {
		return s.unicode()
	}
	s.rest = s.rest[2:]
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

func (s *scanner) unicode() (rune, bool) {
	high, ok := s.hex()
	if !ok || !utf16.IsSurrogate(high) {
		return high, ok
	}
	low, ok := s.hex()
	r := utf16.DecodeRune(high, low)
	return r, ok && r != utf8.RuneError
}

// hex reads an escape of a backslash, a u and four digits.
func (s *scanner) hex() (r rune, ok bool) {
	if len(s.rest) < 6 || s.rest[0] != '\\' || s.rest[1] != 'u' {
		return 0, false
	}
	for _, c := range s.rest[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	s.rest = s.rest[6:]
	return r, true
}
