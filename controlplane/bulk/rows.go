package bulk

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// importFields are those that a row may have.
var importFields = []string{"client_id", "at", "account", "endpoint", "key", "tier", "requests", "cost", "bytes_in", "bytes_out", "meter", "amount"}

// requiredFields are those that it must have.
var requiredFields = []string{"client_id", "at", "account"}

// importRow is a row as it was sent.
type importRow struct {
	line   int // its first, from 1
	fields map[string]string
	broken string // what to do about a row that can't be read; empty when it can
}

// rowReader reads rows; io.EOF is after the last.
type rowReader interface{ next() (importRow, error) }

var rowReaders = map[string]func(io.Reader) (rowReader, error){"text/csv": readCSV, "application/x-ndjson": readNDJSON}

// malformedError is what makes all that follows unreadable.
type malformedError struct {
	line           int
	field, message string
}

func (e *malformedError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }

// csvRows reads RFC 4180 with a header that names the columns.
type csvRows struct {
	lines  *boundedLines
	from   *csv.Reader
	header []string
	after  int // the line after the last row
}

func readCSV(from io.Reader) (rowReader, error) {
	lines := &boundedLines{from: bufio.NewReaderSize(from, maxLineBytes)}
	r := csv.NewReader(lines)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, csvFault(err, 1, "send a header line that names the columns: "+strings.Join(importFields, ","))
	}
	rows := &csvRows{lines: lines, from: r, header: slices.Clone(header)}
	rows.passed(header)
	rows.header[0] = strings.TrimPrefix(rows.header[0], "\ufeff")
	for i, name := range rows.header {
		switch {
		case !slices.Contains(importFields, name):
			return nil, &malformedError{1, name, "there is no such column; there are " + strings.Join(importFields, ", ")}
		case slices.Contains(rows.header[:i], name):
			return nil, &malformedError{1, name, "name each column once"}
		}
	}
	for _, name := range requiredFields {
		if !slices.Contains(rows.header, name) {
			return nil, &malformedError{1, name, "this column is needed"}
		}
	}
	return rows, nil
}

func (c *csvRows) next() (importRow, error) {
	c.lines.given = 0
	record, err := c.from.Read()
	switch {
	case errors.Is(err, io.EOF):
		return importRow{}, io.EOF
	case errors.Is(err, csv.ErrFieldCount):
		line, _ := c.from.FieldPos(0)
		c.passed(record)
		return importRow{line: line, broken: fmt.Sprintf("give %d values, as many as there are columns", len(c.header))}, nil
	case err != nil:
		return importRow{}, csvFault(err, c.after, "")
	}
	c.passed(record)
	line, _ := c.from.FieldPos(0)
	row := importRow{line: line, fields: make(map[string]string, len(record))}
	for i, value := range record {
		row.fields[c.header[i]] = value
	}
	return row, nil
}

// passed notes where a row ended.
func (c *csvRows) passed(record []string) {
	last := len(record) - 1
	line, _ := c.from.FieldPos(last)
	c.after = line + strings.Count(record[last], "\n") + 1
}

// csvFault is for a row that begins with a line.
func csvFault(err error, line int, empty string) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return &malformedError{1, "", empty}
	case errors.As(err, &parse):
		message := parse.Err.Error()
		if errors.Is(err, errLongLine) {
			message = errLongLine.Error()
		}
		return &malformedError{parse.Line, "", message + "; correct it, and send this row and those after it again"}
	case errors.Is(err, errLongLine):
		return &malformedError{line, "", errLongLine.Error()}
	}
	return err
}

// ndjsonRows reads one JSON object a line.
type ndjsonRows struct {
	from *boundedLines
	line int
}

func readNDJSON(from io.Reader) (rowReader, error) {
	return &ndjsonRows{from: &boundedLines{from: bufio.NewReaderSize(from, maxLineBytes)}}, nil
}

func (n *ndjsonRows) next() (importRow, error) {
	for {
		text, err := n.from.line()
		n.line++
		text = bytes.TrimSpace(text)
		switch {
		case errors.Is(err, errLongLine):
			return importRow{}, &malformedError{n.line, "", err.Error()}
		case len(text) == 0 && err != nil:
			return importRow{}, err
		case len(text) == 0:
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return importRow{}, err
		}
		row := importRow{line: n.line, fields: map[string]string{}}
		var values map[string]any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		err = decoder.Decode(&values)
		if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) {
			row.broken = "give one JSON object in each line"
		}
		for name, value := range values {
			row.fields[name] = textOf(value)
		}
		return row, nil
	}
}

// textOf writes a JSON value as CSV would have it. What is neither a text nor a
// number becomes a text that no field takes.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return "\x00"
	}
}

var errLongLine = fmt.Errorf("a line has more than %d bytes; send less in a row", maxLineBytes)

// boundedLines reads lines of bounded length, so that no row takes much memory.
type boundedLines struct {
	from *bufio.Reader
	held []byte // of a line that Read gives in pieces
	// given counts what Read gave; its reader sets it back at each row, as a row may
	// have many lines.
	given int
}

// line returns the next line with its end. It is good until the next call.
func (b *boundedLines) line() ([]byte, error) {
	text, err := b.from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errLongLine
	}
	return text, err
}

// readAhead is more than a CSV reader asks for beyond the row that it returns.
const readAhead = 8 << 10

// Read implements io.Reader.
func (b *boundedLines) Read(into []byte) (int, error) {
	if len(b.held) == 0 {
		text, err := b.line()
		if len(text) == 0 && err != nil {
			return 0, err
		}
		b.held = text
	}
	n := copy(into, b.held)
	b.held = b.held[n:]
	if b.given += n; b.given > readAhead+maxLineBytes {
		return 0, errLongLine
	}
	return n, nil
}

// correction reads a row's fields.
func (r importRow) correction() (c controlplane.NewCorrection, faults []fault) {
	if r.broken != "" {
		return c, []fault{{Message: r.broken}}
	}
	fail := func(field, message string) { faults = append(faults, fault{Field: field, Message: message}) }
	for name := range r.fields {
		if !slices.Contains(importFields, name) {
			fail(name, "there is no such field; leave it out")
		}
	}
	c.Kind, c.ClientID = controlplane.KindImport, r.fields["client_id"]
	at, err := time.Parse(time.RFC3339, r.fields["at"])
	if err != nil {
		fail("at", "give an RFC 3339 time such as 2026-01-31T12:00:00Z")
	}
	c.At = at
	id := func(field string, to *controlplane.ID, required bool, kinds ...controlplane.Kind) {
		text := r.fields[field]
		if text == "" && !required {
			return
		}
		ids, err := controlplane.ParseIDs(field, []string{text}, kinds...)
		if err != nil || text == controlplane.NoID {
			fail(field, "give an id such as "+kinds[0].Format(7))
			return
		}
		*to = ids[0]
	}
	id("account", &c.AccountID, true, controlplane.KindAccount)
	id("endpoint", &c.EndpointID, false, controlplane.KindEndpoint)
	id("key", &c.KeyID, false, controlplane.KindKey, controlplane.KindIdentity)
	id("tier", &c.TierID, false, controlplane.KindTier)
	id("meter", &c.MeterID, false, controlplane.KindMeter)
	for field, to := range map[string]*int64{"requests": &c.Requests, "cost": &c.Cost, "bytes_in": &c.BytesIn, "bytes_out": &c.BytesOut, "amount": &c.Amount} {
		text := r.fields[field]
		if text == "" {
			continue
		}
		if *to, err = strconv.ParseInt(text, 10, 64); err != nil {
			fail(field, "give a whole number of up to 63 bits, or leave it out")
		}
	}
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.Field, b.Field) })
	return c, faults
}
