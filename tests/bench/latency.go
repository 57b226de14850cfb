package main

import "time"

// latencies is how long requests took, in buckets of a microsecond up to
// longestBucket, and the worst exactly.
type latencies struct {
	buckets []uint32
	n       uint64
	worst   time.Duration
}

const longestBucket = 200 * time.Millisecond

func newLatencies() *latencies {
	return &latencies{buckets: make([]uint32, longestBucket/time.Microsecond+1)}
}

func (l *latencies) add(d time.Duration) {
	l.buckets[min(max(d, 0), longestBucket)/time.Microsecond]++
	l.n++
	l.worst = max(l.worst, d)
}

func (l *latencies) merge(other *latencies) {
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.n += other.n
	l.worst = max(l.worst, other.worst)
}

// quantile returns what the fraction q of all requests did not exceed, to the
// microsecond.
func (l *latencies) quantile(q float64) time.Duration {
	rank := uint64(q * float64(l.n))
	var seen uint64
	for i, n := range l.buckets {
		if seen += uint64(n); seen > rank {
			return time.Duration(i) * time.Microsecond
		}
	}
	return l.worst
}
