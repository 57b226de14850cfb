package wire

// Histogram counts durations in exponential buckets, sparse and sorted by
// Index. Two histograms merge by adding the counts of equal indexes, so any
// percentile of the sum is as exact as of the parts: within 2 percent.
type Histogram []Bin

// Bin counts the durations d, in microseconds, for which LatencyIndex(d) is Index.
type Bin struct {
	Index uint16
	Count uint64
}
