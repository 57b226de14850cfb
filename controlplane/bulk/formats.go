package bulk

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/sheet"
)

// format is what an export can be written as.
type format struct {
	contentType string
	open        func(to io.Writer, columns []column, zone *time.Location) sink
}

// sink writes rows. It writes what stands before the first in begin, and all that
// it still holds in end.
type sink interface {
	begin() error
	write([]explore.ExportRow) error
	end() error
}

var formats = map[string]format{
	"csv":     {"text/csv; charset=utf-8; header=present", openCSV},
	"ndjson":  {"application/x-ndjson", openNDJSON},
	"parquet": {"application/vnd.apache.parquet", openParquet},
}

// csvSink writes RFC 4180: a header, CRLF, quotes where they are needed. What is
// missing is empty. A text that a spreadsheet would run gets an apostrophe. Times are RFC 3339 in the zone.
type csvSink struct {
	to      *csv.Writer
	columns []column
	zone    *time.Location
	record  []string
}

func openCSV(to io.Writer, columns []column, zone *time.Location) sink {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	return &csvSink{w, columns, zone, make([]string, len(columns))}
}

func (s *csvSink) begin() error {
	for i, c := range s.columns {
		s.record[i] = c.name
	}
	return s.to.Write(s.record)
}

func (s *csvSink) write(rows []explore.ExportRow) error {
	for n := range rows {
		for i, c := range s.columns {
			s.record[i] = c.csv(&rows[n], s.zone)
		}
		if err := s.to.Write(s.record); err != nil {
			return err
		}
	}
	s.to.Flush()
	return s.to.Error()
}

func (c *column) csv(r *explore.ExportRow, zone *time.Location) string {
	switch {
	case c.at != nil:
		return c.at(r).In(zone).Format(time.RFC3339)
	case c.text != nil:
		if text, ok := c.text(r); ok {
			return sheet.Text(text)
		}
		return ""
	case c.count != nil:
		return strconv.FormatInt(c.count(r), 10)
	}
	if ms, ok := c.ms(r); ok {
		return strconv.FormatFloat(ms, 'f', 3, 64)
	}
	return ""
}

func (s *csvSink) end() error {
	s.to.Flush()
	return s.to.Error()
}

// ndjsonSink writes one JSON object a line, with null for what is missing.
type ndjsonSink struct {
	to      *bufio.Writer
	columns []column
	names   [][]byte // of the columns, quoted
	zone    *time.Location
	line    []byte
}

func openNDJSON(to io.Writer, columns []column, zone *time.Location) sink {
	s := &ndjsonSink{to: bufio.NewWriterSize(to, 64<<10), columns: columns, zone: zone}
	for _, c := range columns {
		s.names = append(s.names, quoted(c.name))
	}
	return s
}

// quoted returns a text as JSON has it.
func quoted(text string) []byte {
	b, _ := json.Marshal(text) // a string always can be
	return b
}

func (s *ndjsonSink) begin() error { return nil }

func (s *ndjsonSink) write(rows []explore.ExportRow) error {
	for n := range rows {
		s.line = append(s.line[:0], '{')
		for i, c := range s.columns {
			if i > 0 {
				s.line = append(s.line, ',')
			}
			s.line = append(append(s.line, s.names[i]...), ':')
			s.line = c.json(s.line, &rows[n], s.zone)
		}
		s.line = append(s.line, '}', '\n')
		if _, err := s.to.Write(s.line); err != nil {
			return err
		}
	}
	return s.to.Flush()
}

func (c *column) json(to []byte, r *explore.ExportRow, zone *time.Location) []byte {
	switch {
	case c.at != nil:
		return append(c.at(r).In(zone).AppendFormat(append(to, '"'), time.RFC3339), '"')
	case c.count != nil:
		return strconv.AppendInt(to, c.count(r), 10)
	case c.text != nil:
		if text, ok := c.text(r); ok {
			return append(to, quoted(text)...)
		}
	default:
		if ms, ok := c.ms(r); ok {
			return strconv.AppendFloat(to, ms, 'f', 3, 64)
		}
	}
	return append(to, "null"...)
}

func (s *ndjsonSink) end() error { return s.to.Flush() }
