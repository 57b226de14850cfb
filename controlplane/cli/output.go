package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Output is how a command writes what it was asked for.
type Output struct {
	Output string `short:"o" enum:"table,json,ndjson,name" default:"table" help:"table, json, ndjson, or name: only what each is called by."`
}

// column is one column of a table of T.
type column[T any] struct {
	title string
	right bool // numbers stand to the right
	text  func(T) string
}

// write writes rows; name is what a row is called by.
func write[T any](t *Terminal, o Output, rows []T, name func(T) string, columns ...column[T]) error {
	switch o.Output {
	case "json":
		if rows == nil {
			rows = []T{}
		}
		return writeJSON(t.Out, rows, "  ")
	case "ndjson":
		for _, row := range rows {
			if err := writeJSON(t.Out, row, ""); err != nil {
				return err
			}
		}
		return nil
	case "name":
		for _, row := range rows {
			if _, err := fmt.Fprintln(t.Out, printable(name(row))); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	cells := make([][]string, len(rows)+1)
	right := make([]bool, len(columns))
	for i, c := range columns {
		cells[0] = append(cells[0], c.title)
		right[i] = c.right
	}
	for i, row := range rows {
		for _, c := range columns {
			cells[i+1] = append(cells[i+1], printable(c.text(row)))
		}
	}
	return writeTable(t.Out, cells, right)
}

// writeOne writes one thing: as a line for each column, or as JSON without a list
// around it.
func writeOne[T any](t *Terminal, o Output, row T, name func(T) string, columns ...column[T]) error {
	switch o.Output {
	case "json":
		return writeJSON(t.Out, row, "  ")
	case "table":
		var cells [][]string
		for _, c := range columns {
			cells = append(cells, []string{c.title, printable(c.text(row))})
		}
		return writeTable(t.Out, cells, []bool{false, false})
	}
	return write(t, o, []T{row}, name, columns...)
}

func writeJSON(out io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// writeTable writes cells in columns, two spaces apart.
func writeTable(out io.Writer, rows [][]string, right []bool) error {
	widths := make([]int, len(right))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// printable replaces what could make a terminal do things: names may have anything.
// Runes of also stay.
func printable(text string, also ...rune) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || slices.Contains(also, r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// grouped writes a count with a comma between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(text) - 3; i > first; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Counted writes how many there are of something, such as 1 row or 1,200 rows.
func Counted[N int | int64](n N, one string) string {
	if n != 1 {
		one += "s"
	}
	return grouped(int64(n)) + " " + one
}

// orDash writes what there may be none of.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func at(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
