package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of entries. An entry has 130 bytes and a bin 16.
const (
	maxOpenEntries = 24_576
	maxOpenBins    = 200_000 // beyond it, one for each new entry

	// A batch takes at most so many. In the worst encoding entries take 0.4 MB and
	// bins 0.4 MB, which together with custom meters, levels, verdicts and denials
	// stays below wire.MaxBatchBytes.
	maxTakenEntries = 4_096
	maxTakenBins    = 32_768

	// What has grown beyond this is given back to the garbage collector instead
	// of being used again.
	maxKeptEntries = 4_096
	maxKeptBins    = 32 // of one entry
)

// table is entries that grow. They are a slice, in the order of their first
// request, so that what is taken first doesn't depend on a map's random order.
type table struct {
	index    chains
	entries  []wire.Entry
	requests uint64
	bins     int
}

func newTable() table { return table{index: newChains()} }

func hashOf(k *wire.EntryKey) uint32 {
	low := uint64(k.Minute)<<24 | uint64(k.Status)<<8 | uint64(k.Decision)
	return uint32(mix(mix(mix(mix(low, k.Account), k.Key), k.Endpoint), k.Tier))
}

// add counts a request. It reports false when there is no room for it.
func (t *table) add(s *Sample) bool {
	i, ok := t.find(s.EntryKey, maxOpenEntries)
	if !ok {
		return false
	}
	e := &t.entries[i]
	e.Requests++
	if s.Shadowed {
		e.Shadowed++
	}
	e.Cost = addCapped(e.Cost, min(s.Cost, maxSample))
	e.BytesIn = addCapped(e.BytesIn, min(s.BytesIn, maxSample))
	e.BytesOut = addCapped(e.BytesOut, min(s.BytesOut, maxSample))
	e.DurationUS = addCapped(e.DurationUS, min(s.DurationUS, maxSample))
	t.addLatency(e, s.DurationUS)
	t.requests++
	return true
}

// addLatency counts a duration. When there are too many bins it goes to the
// nearest bin that the entry has: the percentiles blur, the counts stay right.
func (t *table) addLatency(e *wire.Entry, us uint64) {
	if t.bins < maxOpenBins || len(e.Latency) == 0 {
		before := len(e.Latency)
		e.Latency.Add(us)
		t.bins += len(e.Latency) - before
		return
	}
	e.Latency[nearest(e.Latency, wire.LatencyIndex(us))].Count++
}

// nearest returns the position of the bin closest to index; h isn't empty.
func nearest(h wire.Histogram, index uint16) int {
	low, high := 0, len(h)-1
	for low < high {
		if middle := (low + high) / 2; h[middle].Index < index {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low > 0 && index < h[low].Index && index-h[low-1].Index < h[low].Index-index {
		return low - 1
	}
	return low
}

// find returns the entry of k, made anew if there are fewer than limit entries.
func (t *table) find(k wire.EntryKey, limit int) (int32, bool) {
	hash := hashOf(&k)
	for i := t.index.first(hash); i >= 0; i = t.index.next(i) {
		if t.entries[i].EntryKey == k {
			return i, true
		}
	}
	n := len(t.entries)
	if n >= limit {
		return 0, false
	}
	if n < cap(t.entries) {
		t.entries = t.entries[:n+1]
		t.entries[n] = wire.Entry{EntryKey: k, Latency: t.entries[n].Latency[:0]}
	} else {
		t.entries = append(t.entries, wire.Entry{EntryKey: k})
	}
	t.index.push(hash)
	return int32(n), true
}

// take removes the newest entries, as many as fit into a batch. They may be
// reordered; they stay valid until the next add.
func (t *table) take() []wire.Entry {
	from := len(t.entries)
	var total totals
	for from > 0 && len(t.entries)-from < maxTakenEntries && total.fits(&t.entries[from-1]) {
		from--
	}
	taken := t.entries[from:]
	for i := range taken {
		t.requests -= taken[i].Requests
		t.bins -= len(taken[i].Latency)
	}
	t.index.cut(from)
	t.entries = t.entries[:from]
	return taken
}

// totals is what the entries of a batch sum up to.
type totals struct {
	counts [5]uint64
	bins   int
}

// fits adds an entry, and reports false if a batch can't hold that much.
// The first one always fits.
func (t *totals) fits(e *wire.Entry) bool {
	t.bins += len(e.Latency)
	ok := t.bins <= maxTakenBins
	for i, n := range [...]uint64{e.Requests, e.Cost, e.BytesIn, e.BytesOut, e.DurationUS} {
		t.counts[i] += n
		ok = ok && t.counts[i] <= wire.MaxBatchTotal
	}
	return ok
}

// recycle lets the memory of taken entries be used again, unless it is large.
func (t *table) recycle(taken []wire.Entry) {
	if len(t.entries) == 0 && cap(t.entries) > maxKeptEntries {
		*t = newTable()
		return
	}
	for i := range taken {
		if cap(taken[i].Latency) > maxKeptBins {
			taken[i].Latency = nil
		}
	}
}
