package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// EncodeCounts appends the encoding of b's entries, meters and verdicts, sorted as
// [EncodeBatch] wants them, and of nothing else: so usage can wait in little
// memory until it is put into a batch by [EncodeBatchOf]. It fails with
// [ErrInvalid].
func EncodeCounts(dst []byte, b *Batch) ([]byte, error) {
	if what := b.countsFault(); what != "" {
		return nil, frame.Invalid(what)
	}
	return appendCounts(dst, b), nil
}

// DecodeCounts is the inverse of EncodeCounts; without latencies all histograms
// are empty. It keeps no reference to counts and fails with [ErrMalformed].
func DecodeCounts(counts []byte, latencies bool) (*Batch, error) {
	r, b := &frame.Reader{Rest: counts}, new(Batch)
	readLists(r, b, latencies)
	if err := r.End(); err != nil {
		return nil, err
	}
	if what := b.countsFault(); what != "" {
		return nil, frame.Malformed(what)
	}
	return b, nil
}

// EncodeBatchOf is [EncodeBatch] for a batch whose entries, meters and verdicts are
// those that EncodeCounts made counts of. They aren't looked at again; in b there
// are none. Its sequence is at least 1.
func EncodeBatchOf(dst []byte, b *Batch, counts []byte) ([]byte, error) {
	what := b.restFault()
	switch {
	case what != "":
	case b.Sequence == 0:
		what = "sequence: 0 with counts"
	case len(b.Entries)+len(b.Meters)+len(b.Verdicts) > 0:
		what = "entries, meters or verdicts: given twice"
	}
	if what != "" {
		return nil, frame.Invalid(what)
	}
	start := len(dst)
	dst = append(appendHead(dst, b), counts...)
	return appendRest(dst, start, b)
}

func appendCounts(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Entries)))
	var last EntryKey
	for i := range b.Entries {
		dst = appendEntry(dst, &b.Entries[i], &last)
		last = b.Entries[i].EntryKey
	}
	dst = appendMeters(dst, b)
	return appendVerdicts(dst, b)
}

// readLists reads what appendCounts wrote.
func readLists(r *frame.Reader, b *Batch, latencies bool) {
	b.Entries = readEntries(r, latencies)
	b.Meters = readMeters(r)
	b.Verdicts = readVerdicts(r)
}
