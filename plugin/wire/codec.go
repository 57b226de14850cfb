package wire

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Least sizes of an element, which bound what a decoder allocates.
const (
	minEntryBytes = 12
	minLevelBytes = 4
	minBinBytes   = 2
)

// Sort puts entries and levels into the order that EncodeBatch wants.
func (b *Batch) Sort() {
	slices.SortFunc(b.Entries, func(x, y Entry) int { return x.Compare(y.EntryKey) })
	slices.SortFunc(b.Levels, Level.compare)
}

// Compare orders keys as a batch lists them: by minute, account, key, endpoint,
// status and decision. It returns -1, 0 or +1.
func (k EntryKey) Compare(o EntryKey) int {
	return cmp.Or(
		cmp.Compare(k.Minute, o.Minute),
		cmp.Compare(k.Account, o.Account),
		cmp.Compare(k.Key, o.Key),
		cmp.Compare(k.Endpoint, o.Endpoint),
		cmp.Compare(k.Status, o.Status),
		cmp.Compare(k.Decision, o.Decision),
	)
}

func (l Level) compare(o Level) int {
	return cmp.Or(cmp.Compare(l.Account, o.Account), cmp.Compare(l.Limit, o.Limit))
}

// EncodeBatch appends the encoding of b to dst. Entries are sorted strictly by
// key, levels strictly by account and limit; see [Batch.Sort]. It fails with
// [ErrInvalid] for a batch that isn't sorted or is out of bounds, and for one
// whose encoding would be longer than [MaxBatchBytes].
func EncodeBatch(dst []byte, b *Batch) ([]byte, error) {
	if what := b.fault(); what != "" {
		return nil, invalid(what)
	}
	start := len(dst)
	dst = append(dst, magicBatch...)
	dst = append(dst, b.Source[:]...)
	dst = binary.AppendUvarint(dst, b.Sequence)
	dst = binary.AppendUvarint(dst, b.Snapshot)
	dst = binary.AppendUvarint(dst, uint64(b.SentMS))
	dst = binary.AppendUvarint(dst, uint64(len(b.Node)))
	dst = append(dst, b.Node...)
	dst = binary.AppendUvarint(dst, uint64(len(b.Entries)))
	var lastKey EntryKey
	for i := range b.Entries {
		dst = appendEntry(dst, &b.Entries[i], &lastKey)
		lastKey = b.Entries[i].EntryKey
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Levels)))
	var last Level
	for _, l := range b.Levels {
		dst = appendLevel(dst, l, last, b.SentMS)
		last = l
	}
	dst = seal(dst, start)
	if len(dst)-start > MaxBatchBytes {
		return nil, invalid(outOfRange("batch: length in bytes", uint64(len(dst)-start), 0, MaxBatchBytes))
	}
	return dst, nil
}

func appendEntry(dst []byte, e *Entry, last *EntryKey) []byte {
	var l ladder
	dst = binary.AppendUvarint(dst, l.down(uint64(e.Minute), uint64(last.Minute)))
	dst = binary.AppendUvarint(dst, l.down(e.Account, last.Account))
	dst = binary.AppendUvarint(dst, l.down(e.Key, last.Key))
	dst = binary.AppendUvarint(dst, l.down(e.Endpoint, last.Endpoint))
	dst = binary.AppendUvarint(dst, l.down(uint64(e.Status), uint64(last.Status)))
	dst = binary.AppendUvarint(dst, l.down(uint64(e.Decision), uint64(last.Decision)))
	for _, n := range [...]uint64{e.Requests, e.Cost, e.BytesIn, e.BytesOut, e.DurationUS, uint64(len(e.Latency))} {
		dst = binary.AppendUvarint(dst, n)
	}
	index := uint16(0)
	for _, bin := range e.Latency {
		dst = binary.AppendUvarint(dst, uint64(bin.Index-index))
		dst = binary.AppendUvarint(dst, bin.Count)
		index = bin.Index
	}
	return dst
}

func appendLevel(dst []byte, v, last Level, sentMS int64) []byte {
	var l ladder
	dst = binary.AppendUvarint(dst, l.down(v.Account, last.Account))
	dst = binary.AppendUvarint(dst, l.down(v.Limit, last.Limit))
	dst = binary.AppendVarint(dst, v.Remaining)
	return binary.AppendVarint(dst, sentMS-v.AtMS)
}

// DecodeBatch is the inverse of EncodeBatch. It keeps no reference to data and
// fails with [ErrMalformed].
func DecodeBatch(data []byte) (*Batch, error) {
	if len(data) > MaxBatchBytes {
		return nil, malformed(outOfRange("batch: length in bytes", uint64(len(data)), 0, MaxBatchBytes))
	}
	body, err := unseal(data, magicBatch)
	if err != nil {
		return nil, err
	}
	r := &reader{rest: body}
	b := new(Batch)
	copy(b.Source[:], r.bytes("source", len(b.Source)))
	b.Sequence = r.uvarint("sequence")
	b.Snapshot = r.uvarint("snapshot")
	b.SentMS = int64(r.uvarint("sentMS"))
	b.Node = string(r.bytes("node", r.count("node", 1)))
	b.Entries = readEntries(r)
	b.Levels = readLevels(r, b.SentMS)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the end")
	}
	if r.err != nil {
		return nil, r.err
	}
	if what := b.fault(); what != "" {
		return nil, malformed(what)
	}
	return b, nil
}

// readEntries gives all histograms one backing array, each with no room to grow.
func readEntries(r *reader) []Entry {
	n := r.count("entries", minEntryBytes)
	if n == 0 || n > MaxBatchEntries {
		if n > 0 {
			r.fail(outOfRange("entries", uint64(n), 0, MaxBatchEntries))
		}
		return nil
	}
	entries := make([]Entry, n)
	ends := make([]int, n)
	var bins []Bin
	var last EntryKey
	for i := range entries {
		readKey(r, &entries[i], &last)
		last = entries[i].EntryKey
		bins = readCounts(r, &entries[i], bins)
		ends[i] = len(bins)
		if r.err != nil {
			return nil
		}
	}
	start := 0
	for i, end := range ends {
		if end > start {
			entries[i].Latency = bins[start:end:end]
		}
		start = end
	}
	return entries
}

func readKey(r *reader, e *Entry, last *EntryKey) {
	var l ladder
	e.Minute = int64(l.up(r.uvarint("minute"), uint64(last.Minute)))
	e.Account = l.up(r.uvarint("account"), last.Account)
	e.Key = l.up(r.uvarint("key"), last.Key)
	e.Endpoint = l.up(r.uvarint("endpoint"), last.Endpoint)
	status := l.up(r.uvarint("status"), uint64(last.Status))
	decision := l.up(r.uvarint("decision"), uint64(last.Decision))
	e.Status, e.Decision = uint16(status), Decision(decision)
	if uint64(e.Status) != status || uint64(e.Decision) != decision {
		r.fail("status or decision: too large")
	}
}

// readCounts appends e's histogram to bins.
func readCounts(r *reader, e *Entry, bins []Bin) []Bin {
	e.Requests = r.uvarint("requests")
	e.Cost = r.uvarint("cost")
	e.BytesIn = r.uvarint("bytesIn")
	e.BytesOut = r.uvarint("bytesOut")
	e.DurationUS = r.uvarint("durationUS")
	index := uint64(0)
	for range r.count("latency", minBinBytes) {
		step := r.uvarint("latency index")
		if step > uint64(MaxLatencyIndex())-index {
			r.fail("latency index: too large")
			return bins
		}
		index += step
		bins = append(bins, Bin{uint16(index), r.uvarint("latency count")})
	}
	return bins
}

func readLevels(r *reader, sentMS int64) []Level {
	n := r.count("levels", minLevelBytes)
	if n == 0 || n > MaxBatchLevels {
		if n > 0 {
			r.fail(outOfRange("levels", uint64(n), 0, MaxBatchLevels))
		}
		return nil
	}
	levels := make([]Level, n)
	var last Level
	for i := range levels {
		var l ladder
		levels[i].Account = l.up(r.uvarint("account"), last.Account)
		levels[i].Limit = l.up(r.uvarint("limit"), last.Limit)
		levels[i].Remaining = r.varint("remaining")
		levels[i].AtMS = sentMS - r.varint("atMS")
		last = levels[i]
		if r.err != nil {
			return nil
		}
	}
	return levels
}
