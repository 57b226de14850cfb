package wire

import (
	"math"
	"slices"
)

// Histogram counts durations in exponential buckets, sparse and sorted by
// Index. Two histograms merge by adding the counts of equal indexes, so any
// percentile of the sum is as exact as of the parts: within 2 percent.
//
// The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and
// fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019)
// with relative accuracy 0.02, so gamma = 1.02/0.98, but with bounds that are
// whole microseconds, computed with integers, so that every platform agrees.
type Histogram []Bin

// Bin counts the durations d, in microseconds, for which LatencyIndex(d) is
// Index.
type Bin struct {
	Index uint16
	Count uint64
}

// MaxLatencyUS is one hour: longer durations count as this long.
const MaxLatencyUS = 3_600_000_000

// latencyUppers holds the longest duration of each bucket: 0, then from each
// shortest duration as far as a factor of gamma reaches. It is never written.
var latencyUppers = buildLatencyUppers()

func buildLatencyUppers() []uint64 {
	uppers := []uint64{0}
	for shortest := uint64(1); shortest <= MaxLatencyUS; {
		// gamma = 1.02/0.98 = 51/49; at most 24 µs it doesn't reach the next one.
		longest := min(shortest*51/49, MaxLatencyUS)
		uppers = append(uppers, longest)
		shortest = longest + 1
	}
	return uppers
}

// LatencyIndex returns the bucket of a duration in microseconds.
func LatencyIndex(us uint64) uint16 {
	us = min(us, MaxLatencyUS)
	low, high := 0, len(latencyUppers)-1 // of the first bucket that us fits into
	for low < high {
		if middle := int(uint(low+high) >> 1); latencyUppers[middle] < us {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return uint16(low)
}

// MaxLatencyIndex returns the last bucket's index.
func MaxLatencyIndex() uint16 { return uint16(len(latencyUppers) - 1) }

// LatencyUpper returns the longest duration, in microseconds, of bucket i; for
// an index beyond the last bucket, that of the last.
func LatencyUpper(i uint16) uint64 { return latencyUppers[min(i, MaxLatencyIndex())] }

// LatencyValue returns the duration, in microseconds, that stands for bucket i:
// no duration in the bucket (of at most [MaxLatencyUS]) is more than 2 percent
// away from it.
func LatencyValue(i uint16) float64 {
	i = min(i, MaxLatencyIndex())
	if i == 0 {
		return 0
	}
	shortest, longest := float64(latencyUppers[i-1]+1), float64(latencyUppers[i])
	return 2 * shortest * longest / (shortest + longest)
}

// Add counts one duration in microseconds.
func (h *Histogram) Add(us uint64) { h.add(Bin{LatencyIndex(us), 1}) }

// Merge adds the counts of o. A count that would overflow stays at its maximum.
func (h *Histogram) Merge(o Histogram) {
	for _, b := range o {
		h.add(b)
	}
}

func (h *Histogram) add(b Bin) {
	bins := *h
	i, high := 0, len(bins)
	for i < high {
		if middle := int(uint(i+high) >> 1); bins[middle].Index < b.Index {
			i = middle + 1
		} else {
			high = middle
		}
	}
	if i == len(bins) || bins[i].Index != b.Index {
		*h = slices.Insert(bins, i, b)
		return
	}
	bins[i].Count = addSaturating(bins[i].Count, b.Count)
}

func addSaturating(a, b uint64) uint64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxUint64
}

// Count returns how many durations h holds.
func (h Histogram) Count() uint64 {
	var n uint64
	for _, b := range h {
		n = addSaturating(n, b.Count)
	}
	return n
}

// Quantile returns the duration, in microseconds within 2 percent, that the
// part q of all durations doesn't exceed: of n durations in order, the one
// numbered floor(q·(n-1)) from 0. It reports false for an empty histogram and
// for q outside 0 to 1.
func (h Histogram) Quantile(q float64) (us float64, ok bool) {
	n := h.Count()
	if n == 0 || !(q >= 0 && q <= 1) {
		return 0, false
	}
	rank := uint64(q * float64(n-1))
	rank = min(rank, n-1) // float64 may have rounded up
	var seen uint64
	for _, b := range h {
		seen = addSaturating(seen, b.Count)
		if seen > rank {
			return LatencyValue(b.Index), true
		}
	}
	return 0, false
}
