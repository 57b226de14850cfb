package usage

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/weirhq/weir/plugin/wire"
)

// merge adds the counts of o to h. Both are sorted by index. Counts of shifts may
// be negative, in two's complement: they wrap around, where those of
// [wire.Histogram.Merge] would stay at the maximum.
func merge(h *wire.Histogram, o wire.Histogram) {
	bins, extra, i := *h, 0, 0
	for _, bin := range o {
		for i < len(bins) && bins[i].Index < bin.Index {
			i++
		}
		if i < len(bins) && bins[i].Index == bin.Index {
			bins[i].Count += bin.Count
		} else {
			extra++
		}
	}
	if extra == 0 {
		return
	}
	// From the back, so that each bin moves once. Those that o has too have been
	// added to already.
	i = len(bins) - 1
	bins = append(bins, o[:extra]...) // for the room only
	to := len(bins) - 1
	for j := len(o) - 1; j >= 0; j-- {
		for i >= 0 && bins[i].Index > o[j].Index {
			bins[to] = bins[i]
			to, i = to-1, i-1
		}
		if i >= 0 && bins[i].Index == o[j].Index {
			continue
		}
		bins[to] = o[j]
		to--
	}
	*h = bins
}

func negated(h wire.Histogram) wire.Histogram {
	negative := make(wire.Histogram, len(h))
	for i, bin := range h {
		negative[i] = wire.Bin{Index: bin.Index, Count: -bin.Count}
	}
	return negative
}

// AppendLatency appends a histogram as the rollups store it: a zero, then for
// each bin how much its index is above the last one's (the first one's above -1)
// and its count, all as unsigned varints. Two such strings, one behind the other,
// are the sum of the two. So a commit adds to a row by appending, and the database
// sums rows by joining strings.
func AppendLatency(to []byte, h wire.Histogram) []byte {
	if len(h) == 0 {
		return to
	}
	to = append(to, 0)
	last := -1
	for _, bin := range h {
		to = binary.AppendUvarint(to, uint64(int(bin.Index)-last))
		to = binary.AppendUvarint(to, bin.Count)
		last = int(bin.Index)
	}
	return to
}

// ReadLatency reads what AppendLatency wrote, one or many times over.
func ReadLatency(stored []byte) (wire.Histogram, error) {
	counts := make([]uint64, wire.MaxLatencyIndex()+1)
	last := uint64(len(counts)) // before the first zero there is no bin
	for len(stored) > 0 {
		step, n := binary.Uvarint(stored)
		if n <= 0 || step > uint64(len(counts)) {
			return nil, errLatency
		}
		if stored = stored[n:]; step == 0 {
			last = math.MaxUint64 // -1
			continue
		}
		if last += step; last >= uint64(len(counts)) {
			return nil, errLatency
		}
		count, n := binary.Uvarint(stored)
		if n <= 0 {
			return nil, errLatency
		}
		stored = stored[n:]
		counts[last] += count
	}
	var h wire.Histogram
	for i, n := range counts {
		if n != 0 {
			h = append(h, wire.Bin{Index: uint16(i), Count: n})
		}
	}
	return h, nil
}

var errLatency = errors.New("read a latency histogram: it is not one")
