package usage

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/wire"
)

// LatencySum adds up histograms as the rollups store them. The zero value is the
// sum of none. It holds the bins from the first one that it has met to the last.
type LatencySum struct {
	first  int
	counts []uint64
}

// Add adds the bins of what AppendLatency wrote, one or many times over, times a
// sign: 1, or -1 to take them away.
func (s *LatencySum) Add(stored []byte, sign int64) error {
	bins := uint64(wire.MaxLatencyIndex()) + 1
	index, begun := uint64(0), false
	for len(stored) > 0 {
		step, n := binary.Uvarint(stored)
		if n <= 0 || step > bins {
			return errLatency
		}
		if stored = stored[n:]; step == 0 {
			index, begun = ^uint64(0), true
			continue
		}
		if index += step; !begun || index >= bins {
			return errLatency
		}
		count, n := binary.Uvarint(stored)
		if n <= 0 {
			return errLatency
		}
		stored = stored[n:]
		*s.bin(int(index)) += count * uint64(sign)
	}
	return nil
}

// bin returns the count of a bin, and makes room for it.
func (s *LatencySum) bin(index int) *uint64 {
	if at := index - s.first; at >= 0 && at < len(s.counts) {
		return &s.counts[at]
	}
	more := 16 + len(s.counts)/2 // so that it seldom grows
	most := int(wire.MaxLatencyIndex()) + 1
	first, end := max(0, index-more), min(most, index+more)
	if len(s.counts) > 0 {
		first, end = min(s.first, first), max(s.first+len(s.counts), end)
		if index < s.first {
			end = s.first + len(s.counts)
		} else {
			first = s.first
		}
	}
	counts := make([]uint64, end-first)
	if len(s.counts) > 0 {
		copy(counts[s.first-first:], s.counts)
	}
	s.first, s.counts = first, counts
	return &s.counts[index-first]
}

// AddHistogram adds a histogram.
func (s *LatencySum) AddHistogram(h wire.Histogram) {
	if len(h) == 0 {
		return
	}
	s.bin(int(h[len(h)-1].Index)) // makes room for all
	s.bin(int(h[0].Index))
	for _, b := range h {
		s.counts[int(b.Index)-s.first] += b.Count
	}
}

// Take takes a histogram away that is a part of the sum: what is not in it is left.
func (s *LatencySum) Take(h wire.Histogram) {
	for _, b := range h {
		if at := int(b.Index) - s.first; at >= 0 && at < len(s.counts) {
			s.counts[at] -= min(s.counts[at], b.Count)
		}
	}
}

// Reset makes it the sum of none, in the same room.
func (s *LatencySum) Reset() { clear(s.counts) }

// Histogram returns the sum.
func (s *LatencySum) Histogram() (h wire.Histogram) {
	bins := 0
	for _, n := range s.counts {
		if n != 0 {
			bins++
		}
	}
	if bins == 0 {
		return nil
	}
	h = make(wire.Histogram, 0, bins)
	for i, n := range s.counts {
		if n != 0 {
			h = append(h, wire.Bin{Index: uint16(s.first + i), Count: n})
		}
	}
	return h
}
