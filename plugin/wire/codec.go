package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Least sizes of an element, which bound what a decoder allocates.
const (
	minEntryBytes       = 14
	minBinBytes         = 2
	minMeterBytes       = 8
	minLevelBytes       = 5
	minVerdictBytes     = 6
	minDenialBytes      = 12
	minDenialLevelBytes = 3
	minUnmatchedBytes   = 4
)

// EncodeBatch appends the encoding of b to dst. Entries, meters and verdicts are
// sorted strictly by key, levels strictly by account, limit and key; see
// [Batch.Sort].
// It fails with [ErrInvalid] for a batch that isn't sorted or is out of bounds,
// and for one whose encoding would be longer than [MaxBatchBytes].
func EncodeBatch(dst []byte, b *Batch) ([]byte, error) {
	if what := b.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	start := len(dst)
	dst = appendHead(dst, b)
	dst = appendCounts(dst, b)
	return appendRest(dst, start, b)
}

func appendHead(dst []byte, b *Batch) []byte {
	dst = append(dst, magicBatch...)
	dst = append(dst, b.Source[:]...)
	dst = binary.AppendUvarint(dst, b.Sequence)
	dst = binary.AppendUvarint(dst, b.Snapshot)
	dst = binary.AppendUvarint(dst, uint64(b.SentMS))
	dst = binary.AppendVarint(dst, b.SentMS-b.BeganMS)
	dst = binary.AppendUvarint(dst, b.Counted)
	dst = binary.AppendUvarint(dst, uint64(len(b.Node)))
	return append(dst, b.Node...)
}

// appendRest appends what comes after the counts, for a batch that begins at start.
func appendRest(dst []byte, start int, b *Batch) ([]byte, error) {
	dst = appendLevels(dst, b)
	dst = appendDenials(dst, b)
	dst = appendUnmatched(dst, b)
	dst = frame.Seal(dst, start)
	if len(dst)-start > MaxBatchBytes {
		return nil, frame.Invalid(frame.OutOfRange("batch: length in bytes", uint64(len(dst)-start), 0, MaxBatchBytes))
	}
	return dst, nil
}

func appendEntry(dst []byte, e *Entry, last *EntryKey) []byte {
	var l frame.Ladder
	dst = binary.AppendUvarint(dst, l.Down(uint64(e.Minute), uint64(last.Minute)))
	dst = binary.AppendUvarint(dst, l.Down(e.Account, last.Account))
	dst = binary.AppendUvarint(dst, l.Down(e.Key, last.Key))
	dst = binary.AppendUvarint(dst, l.Down(e.Endpoint, last.Endpoint))
	dst = binary.AppendUvarint(dst, l.Down(e.Tier, last.Tier))
	dst = binary.AppendUvarint(dst, l.Down(uint64(e.Status), uint64(last.Status)))
	dst = binary.AppendUvarint(dst, l.Down(uint64(e.Decision), uint64(last.Decision)))
	for _, n := range [...]uint64{e.Requests, e.Shadowed, e.Cost, e.BytesIn, e.BytesOut, e.DurationUS, uint64(len(e.Latency))} {
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

// DecodeBatch is the inverse of EncodeBatch. It keeps no reference to data and
// fails with [ErrMalformed].
func DecodeBatch(data []byte) (*Batch, error) {
	body, err := bounded(data, magicBatch, MaxBatchBytes)
	if err != nil {
		return nil, err
	}
	r := &frame.Reader{Rest: body}
	b := new(Batch)
	copy(b.Source[:], r.Bytes("source", len(b.Source)))
	b.Sequence = r.Uvarint("sequence")
	b.Snapshot = r.Uvarint("snapshot")
	b.SentMS = int64(r.Uvarint("sentMS"))
	b.BeganMS = b.SentMS - r.Varint("beganMS")
	b.Counted = r.Uvarint("counted")
	b.Node = r.Text("node")
	readLists(r, b, true)
	b.Levels = readLevels(r, b.SentMS)
	b.Denials = readDenials(r, b.SentMS)
	b.Unmatched = readUnmatched(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	if what := b.fault(); what != "" {
		return nil, frame.Malformed(what)
	}
	return b, nil
}

// readEntries gives all histograms one backing array, each with no room to grow;
// without latencies it passes over them.
func readEntries(r *frame.Reader, latencies bool) []Entry {
	n := r.List("entries", minEntryBytes, MaxBatchEntries)
	if n == 0 {
		return nil
	}
	entries := make([]Entry, n)
	ends := make([]int, n)
	var bins []Bin
	var last EntryKey
	for i := range entries {
		readKey(r, &entries[i], &last)
		last = entries[i].EntryKey
		readCounts(r, &entries[i])
		from := len(bins)
		if bins = readLatency(r, bins); !latencies {
			bins = bins[:from]
		}
		ends[i] = len(bins)
		if r.Err != nil {
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

func readKey(r *frame.Reader, e *Entry, last *EntryKey) {
	var l frame.Ladder
	e.Minute = int64(l.Up(r.Uvarint("minute"), uint64(last.Minute)))
	e.Account = l.Up(r.Uvarint("account"), last.Account)
	e.Key = l.Up(r.Uvarint("key"), last.Key)
	e.Endpoint = l.Up(r.Uvarint("endpoint"), last.Endpoint)
	e.Tier = l.Up(r.Uvarint("tier"), last.Tier)
	status := l.Up(r.Uvarint("status"), uint64(last.Status))
	decision := l.Up(r.Uvarint("decision"), uint64(last.Decision))
	e.Status, e.Decision = uint16(status), Decision(decision)
	if uint64(e.Status) != status || uint64(e.Decision) != decision {
		r.Fail("status or decision: too large")
	}
}

func readCounts(r *frame.Reader, e *Entry) {
	e.Requests = r.Uvarint("requests")
	e.Shadowed = r.Uvarint("shadowed")
	e.Cost = r.Uvarint("cost")
	e.BytesIn = r.Uvarint("bytesIn")
	e.BytesOut = r.Uvarint("bytesOut")
	e.DurationUS = r.Uvarint("durationUS")
}

// readLatency appends a histogram to bins.
func readLatency(r *frame.Reader, bins []Bin) []Bin {
	index := uint64(0)
	for range r.Count("latency", minBinBytes) {
		step := r.Uvarint("latency index")
		if step > uint64(MaxLatencyIndex())-index {
			r.Fail("latency index: too large")
			return bins
		}
		index += step
		bins = append(bins, Bin{uint16(index), r.Uvarint("latency count")})
	}
	return bins
}
