package usage

import (
	"encoding/binary"
	"errors"

	"github.com/weirhq/weir/plugin/wire"
)

// AppendLatency appends a histogram as the rollups store it: for each bin its
// index and its count, both as unsigned varints. Two such strings, one behind
// the other, are the sum of the two: bins may repeat, in any order. So a commit
// adds to a row by appending, and the database sums rows by joining strings.
func AppendLatency(to []byte, h wire.Histogram) []byte {
	for _, bin := range h {
		to = binary.AppendUvarint(to, uint64(bin.Index))
		to = binary.AppendUvarint(to, bin.Count)
	}
	return to
}

// ReadLatency reads what AppendLatency wrote, one or many times over.
func ReadLatency(stored []byte) (wire.Histogram, error) {
	counts := make([]uint64, wire.MaxLatencyIndex()+1)
	distinct := 0
	for len(stored) > 0 {
		index, n := binary.Uvarint(stored)
		if n <= 0 || index >= uint64(len(counts)) {
			return nil, errLatency
		}
		count, m := binary.Uvarint(stored[n:])
		if m <= 0 {
			return nil, errLatency
		}
		if counts[index] == 0 {
			distinct++
		}
		counts[index] += count
		stored = stored[n+m:]
	}
	h := make(wire.Histogram, 0, distinct)
	for i, n := range counts {
		if n > 0 {
			h = append(h, wire.Bin{Index: uint16(i), Count: n})
		}
	}
	return h, nil
}

var errLatency = errors.New("read a latency histogram: it is not one")
