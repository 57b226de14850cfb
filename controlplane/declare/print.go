package declare

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Print writes a plan for people. paint colours a line by its first sign: +, ~ or -.
func (p *Plan) Print(paint func(sign byte, line string) string) string {
	var text strings.Builder
	count := map[Action]int{}
	for _, c := range p.Changes {
		count[c.Action]++
		sign := map[Action]byte{Create: '+', Update: '~', Delete: '-'}[c.Action]
		text.WriteString(paint(sign, strings.TrimSpace(fmt.Sprintf("%c %s %s", sign, c.Kind, printable(c.Name)))) + "\n")
		for _, f := range c.Fields {
			text.WriteString("    " + paint(f.line(c.Action)) + "\n")
		}
	}
	if len(p.Changes) == 0 {
		return "Nothing to change.\n"
	}
	fmt.Fprintf(&text, "\nPlan %s: %d to create, %d to change, %d to delete.\n", p.ID, count[Create], count[Update], count[Delete])
	return text.String()
}

func (f Field) line(a Action) (sign byte, line string) {
	switch {
	case f.Before == nil && a == Create:
		return ' ', fmt.Sprintf("%s: %s", printable(f.Path), plain(f.After))
	case f.Before == nil:
		return '+', fmt.Sprintf("+ %s: %s", printable(f.Path), plain(f.After))
	case f.After == nil:
		return '-', fmt.Sprintf("- %s: %s", printable(f.Path), plain(f.Before))
	}
	return '~', fmt.Sprintf("~ %s: %s → %s", printable(f.Path), plain(f.Before), plain(f.After))
}

// plain is a JSON value without the quotes of a plain text.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" && text == strings.TrimSpace(text) {
		return printable(text)
	}
	return printable(string(value))
}

// printable replaces what could make a terminal do things.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200e && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x061c {
			return '\uFFFD'
		}
		return r
	}, text)
}
