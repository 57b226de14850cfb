package wire

// Histogram counts durations in exponential buckets, sparse and sorted by
// Index. Two histograms merge by adding the counts of equal indexes, so any
// percentile of the sum is as exact as of the parts: within 2 percent.
type Histogram []Bin

// Bin counts the durations d, in microseconds, for which LatencyIndex(d) is
// Index.
type Bin struct {
	Index uint16
	Count uint64
}

// MaxLatencyUS is one hour: longer durations count as this long.
const MaxLatencyUS = 3_600_000_000

// LatencyIndex returns the bucket of a duration in microseconds.
func LatencyIndex(us uint64) uint16 { return 0 }

// LatencyUpper returns the longest duration, in microseconds, of bucket i; for
// an index beyond the last bucket, that of the last.
func LatencyUpper(i uint16) uint64 { return 0 }

// LatencyValue returns the duration, in microseconds, that stands for bucket i:
// no duration in the bucket (of at most [MaxLatencyUS]) is more than 2 percent
// away from it.
func LatencyValue(i uint16) float64 { return 0 }

// Add counts one duration in microseconds.
func (h *Histogram) Add(us uint64) {}

// Merge adds the counts of o.
func (h *Histogram) Merge(o Histogram) {}

// Count returns how many durations h holds.
func (h Histogram) Count() uint64 { return 0 }

// Quantile returns the duration, in microseconds within 2 percent, that the
// part q of all durations doesn't exceed. It reports false for an empty
// histogram and for q outside 0 to 1.
func (h Histogram) Quantile(q float64) (us float64, ok bool) { return 0, false }
