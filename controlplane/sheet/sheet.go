// Package sheet has the texts of a CSV file be texts where spreadsheets open it.
package sheet

import "strings"

// Text returns a text as a cell that no spreadsheet runs: one that would begin a formula
// there gets an apostrophe before it, as the dashboard's own tables give it. Names come
// from outside. What begins a formula is after OWASP's notes on CSV injection.
func Text(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
