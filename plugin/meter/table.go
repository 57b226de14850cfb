package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the open entries. An entry has about 100 bytes and a bin 16.
const (
	maxExact   = 50_000  // entries with all their dimensions
	maxAccount = 60_000  // with those that were folded to their account
	maxCoarse  = 64_000  // with those that were folded to status and decision
	maxBins    = 500_000 // latency bins of all entries; beyond it, one for each new entry

	// A batch takes at most so much of the table. In the worst encoding, 10
	// bytes a number, entries take 0.8 MB and bins 1.8 MB, which together with
	// levels, verdicts and denials stays below wire.MaxBatchBytes.
	maxTakenEntries = 8_192
	maxTakenBins    = 150_000

	// What has grown beyond this is given back to the garbage collector instead
	// of being used again.
	maxKeptEntries = 8_192
	maxKeptBins    = 32 // of one entry
)

// table is the open entries. They are a slice, in the order of their first
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
	return uint32(mix(mix(mix(low, k.Account), k.Key), k.Endpoint))
}

func (t *table) add(s *Sample) {
	e := &t.entries[t.slot(s.EntryKey)]
	e.Requests = addCapped(e.Requests, 1)
	e.Cost = addCapped(e.Cost, s.Cost)
	e.BytesIn = addCapped(e.BytesIn, s.BytesIn)
	e.BytesOut = addCapped(e.BytesOut, s.BytesOut)
	e.DurationUS = addCapped(e.DurationUS, s.DurationUS)
	t.addLatency(e, s.DurationUS)
	t.requests++
}

// slot finds the entry that requests of this key are counted in, and makes it
// if there is room. Otherwise it folds: first key and endpoint are given up,
// then the account, and at last the status and the minute, which leaves as many
// entries as there are decisions.
func (t *table) slot(k wire.EntryKey) int32 {
	if i, ok := t.find(k, maxExact); ok {
		return i
	}
	k.Key, k.Endpoint = 0, 0
	if i, ok := t.find(k, maxAccount); ok {
		return i
	}
	k.Account = 0
	if i, ok := t.find(k, maxCoarse); ok {
		return i
	}
	k.Status, k.Minute = 0, t.entries[0].Minute
	i, _ := t.find(k, maxCoarse+256)
	return i
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

// addLatency counts a duration. When there are too many bins it goes to the
// nearest bin that the entry has: the percentiles blur, the counts stay right.
func (t *table) addLatency(e *wire.Entry, us uint64) {
	if t.bins < maxBins || len(e.Latency) == 0 {
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

// take removes the newest entries, as many as fit into a batch. They may be
// reordered; they stay valid until the next add.
func (t *table) take() []wire.Entry {
	from, bins := len(t.entries), 0
	for from > 0 && len(t.entries)-from < maxTakenEntries {
		more := len(t.entries[from-1].Latency)
		if bins+more > maxTakenBins {
			break
		}
		bins += more
		from--
	}
	taken := t.entries[from:]
	for i := range taken {
		t.requests -= taken[i].Requests
	}
	t.bins -= bins
	t.index.cut(from)
	t.entries = t.entries[:from]
	return taken
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
