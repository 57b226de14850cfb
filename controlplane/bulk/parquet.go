package bulk

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/weirhq/weir/controlplane/explore"
)

// rowGroup is how many rows are gathered, and compressed together, at most.
const rowGroup = 50_000

// parquetSink writes columns that are required, but for texts and milliseconds,
// which are null where they are missing; times are milliseconds in UTC.
type parquetSink struct {
	to      *parquet.GenericWriter[any]
	columns []column
	place   []int // of each column in the schema, whose columns are sorted
	held    int
}

func openParquet(to io.Writer, columns []column, _ *time.Location) sink {
	schema := parquetSchema(columns)
	s := &parquetSink{columns: columns, place: make([]int, len(columns))}
	for i, c := range columns {
		leaf, _ := schema.Lookup(c.name)
		s.place[i] = leaf.ColumnIndex
	}
	s.to = parquet.NewGenericWriter[any](to, schema, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("weir", "", ""))
	return s
}

func parquetSchema(columns []column) *parquet.Schema {
	group := parquet.Group{}
	for _, c := range columns {
		switch {
		case c.at != nil:
			group[c.name] = parquet.Timestamp(parquet.Millisecond)
		case c.count != nil:
			group[c.name] = parquet.Int(64)
		case c.text != nil:
			group[c.name] = parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
		default:
			group[c.name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
		}
	}
	return parquet.NewSchema("usage", group)
}

func (s *parquetSink) begin() error { return nil }

func (s *parquetSink) write(rows []explore.ExportRow) error {
	written := make([]parquet.Row, len(rows))
	for n := range rows {
		written[n] = make(parquet.Row, len(s.columns))
		for i, c := range s.columns {
			written[n][s.place[i]] = c.parquet(&rows[n]).Level(0, c.defined(&rows[n]), s.place[i])
		}
	}
	if _, err := s.to.WriteRows(written); err != nil {
		return err
	}
	if s.held += len(rows); s.held < rowGroup {
		return nil
	}
	s.held = 0
	return s.to.Flush()
}

func (c *column) parquet(r *explore.ExportRow) parquet.Value {
	switch {
	case c.at != nil:
		return parquet.Int64Value(c.at(r).UnixMilli())
	case c.count != nil:
		return parquet.Int64Value(c.count(r))
	case c.text != nil:
		if text, ok := c.text(r); ok {
			return parquet.ByteArrayValue([]byte(text))
		}
	default:
		if ms, ok := c.ms(r); ok {
			return parquet.DoubleValue(ms)
		}
	}
	return parquet.NullValue()
}

// defined is the definition level of a value: 1 for one that need not be there
// and is.
func (c *column) defined(r *explore.ExportRow) int {
	there := false
	switch {
	case c.text != nil:
		_, there = c.text(r)
	case c.ms != nil:
		_, there = c.ms(r)
	}
	if there {
		return 1
	}
	return 0
}

func (s *parquetSink) end() error { return s.to.Close() }
