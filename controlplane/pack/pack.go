package pack

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// MaxColumns is how many columns a pack can have.
const MaxColumns = 64

// maxRows bounds the rows of a pack of which no column tells how many there are.
const maxRows = 1 << 26

var errPack = errors.New("read a pack of sums: it is not one")

// The codings of a column.
const (
	alike byte = iota
	plain
	steps
)

// Append packs columns, at most MaxColumns of them, all of the same length.
func Append(to []byte, columns [][]int64) []byte {
	rows, set := 0, uint64(0)
	for c, column := range columns {
		rows = len(column)
		for _, v := range column {
			if v != 0 {
				set |= 1 << c
				break
			}
		}
	}
	to = binary.AppendUvarint(to, uint64(rows))
	to = binary.AppendUvarint(to, set)
	var text, other []byte
	for c, column := range columns {
		if set&(1<<c) == 0 {
			continue
		}
		text, other = appendColumn(text[:0], other[:0], column)
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return to
}

// appendColumn codes a column in the shorter way; other is room to try in.
func appendColumn(to, other []byte, column []int64) (text, room []byte) {
	same := true
	to, other = append(to, plain), append(other, steps)
	last := int64(0)
	for _, v := range column {
		same = same && v == column[0]
		to, other = binary.AppendVarint(to, v), binary.AppendVarint(other, v-last)
		last = v
	}
	switch {
	case same:
		return binary.AppendVarint(append(to[:0], alike), column[0]), other
	case len(other) < len(to):
		return other, to
	}
	return to, other
}

// Pack is rows that were packed. The zero one has none.
type Pack struct {
	rows    int
	columns [MaxColumns][]byte // nil: all zero
}

// Read returns what Append wrote. The pack shares its bytes.
func Read(b []byte) (p Pack, err error) {
	rows, n := binary.Uvarint(b)
	if n <= 0 || rows > maxRows {
		return p, errPack
	}
	p.rows, b = int(rows), b[n:]
	set, n := binary.Uvarint(b)
	if n <= 0 {
		return p, errPack
	}
	for b = b[n:]; set != 0; set &= set - 1 {
		length, n := binary.Uvarint(b)
		if n <= 0 || length < 2 || length > uint64(len(b)-n) {
			return p, errPack
		}
		b = b[n:]
		p.columns[bits.TrailingZeros64(set)], b = b[:length:length], b[length:]
	}
	if len(b) > 0 {
		return p, errPack
	}
	return p, nil
}

// Rows returns how many rows there are.
func (p *Pack) Rows() int { return p.rows }

// Zero says whether a column has nothing but zeros.
func (p *Pack) Zero(column int) bool { return p.columns[column] == nil }

// Column returns a column, in the room of into if that is enough.
func (p *Pack) Column(column int, into []int64) ([]int64, error) {
	if cap(into) < p.rows {
		into = make([]int64, p.rows)
	}
	into = into[:p.rows]
	text := p.columns[column]
	if text == nil {
		clear(into)
		return into, nil
	}
	coding, text := text[0], text[1:]
	if coding == alike {
		v, n := binary.Varint(text)
		if n != len(text) {
			return into, errPack
		}
		for i := range into {
			into[i] = v
		}
		return into, nil
	}
	if coding != plain && coding != steps {
		return into, errPack
	}
	return into, readValues(into, text, coding == steps)
}

func readValues(into []int64, text []byte, steps bool) error {
	last, at := int64(0), 0
	for i := range into {
		if at >= len(text) {
			return errPack
		}
		u := uint64(text[at])
		if u < 0x80 {
			at++
		} else {
			long, n := binary.Uvarint(text[at:])
			if n <= 0 {
				return errPack
			}
			u, at = long, at+n
		}
		v := int64(u>>1) ^ -int64(u&1)
		if steps {
			v += last
			last = v
		}
		into[i] = v
	}
	if at != len(text) {
		return errPack
	}
	return nil
}

// AppendStrings packs strings of bytes.
func AppendStrings(to []byte, all [][]byte) []byte {
	for _, s := range all {
		to = binary.AppendUvarint(to, uint64(len(s)))
		to = append(to, s...)
	}
	return to
}

// NextString returns the first of packed strings, and those behind it.
func NextString(b []byte) (first, rest []byte, err error) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, errPack
	}
	return b[n : n+int(length)], b[n+int(length):], nil
}
