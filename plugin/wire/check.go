package wire

import "github.com/weirhq/weir/plugin/internal/frame"

// fault says what is out of bounds or contradicts itself in b, and where;
// "" for nothing. Encoder and decoder both keep to it.
func (b *Batch) fault() string {
	if what := b.restFault(); what != "" {
		return what
	}
	return b.countsFault()
}

// restFault is fault for all but the counts.
func (b *Batch) restFault() string {
	switch {
	case b.Source == SourceID{}:
		return "source: all zero"
	case b.Sequence > MaxNumber:
		return frame.OutOfRange("sequence", b.Sequence, 0, MaxNumber)
	case b.Snapshot > MaxNumber:
		return frame.OutOfRange("snapshot", b.Snapshot, 0, MaxNumber)
	case uint64(b.SentMS) > MaxTimeMS:
		return "sentMS: not in the years 1970 to 9999"
	case uint64(b.BeganMS) > MaxTimeMS:
		return "beganMS: not in the years 1970 to 9999"
	case b.Counted > MaxNumber:
		return frame.OutOfRange("counted", b.Counted, 0, MaxNumber)
	case len(b.Levels) > MaxBatchLevels:
		return frame.OutOfRange("levels", uint64(len(b.Levels)), 0, MaxBatchLevels)
	case len(b.Denials) > MaxBatchDenials:
		return frame.OutOfRange("denials", uint64(len(b.Denials)), 0, MaxBatchDenials)
	case len(b.Unmatched) > MaxBatchUnmatched:
		return frame.OutOfRange("unmatched", uint64(len(b.Unmatched)), 0, MaxBatchUnmatched)
	case b.Sequence == 0 && len(b.Entries)+len(b.Meters)+len(b.Levels)+len(b.Verdicts)+len(b.Denials)+len(b.Unmatched) > 0:
		return "sequence: 0 with entries, meters, levels, verdicts, denials or unmatched requests"
	}
	if what := frame.TextFault("node", b.Node, 0, MaxNodeBytes); what != "" {
		return what
	}
	if what := b.levelsFault(); what != "" {
		return what
	}
	if what := b.denialsFault(); what != "" {
		return what
	}
	return b.unmatchedFault()
}

// countsFault is fault for entries, meters and verdicts.
func (b *Batch) countsFault() string {
	switch {
	case len(b.Entries) > MaxBatchEntries:
		return frame.OutOfRange("entries", uint64(len(b.Entries)), 0, MaxBatchEntries)
	case len(b.Meters) > MaxBatchMeters:
		return frame.OutOfRange("meters", uint64(len(b.Meters)), 0, MaxBatchMeters)
	case len(b.Verdicts) > MaxBatchVerdicts:
		return frame.OutOfRange("verdicts", uint64(len(b.Verdicts)), 0, MaxBatchVerdicts)
	}
	if what := b.entriesFault(); what != "" {
		return what
	}
	if what := b.metersFault(); what != "" {
		return what
	}
	return b.verdictsFault()
}

func (b *Batch) entriesFault() string {
	var totals [5]uint64
	for i := range b.Entries {
		e := &b.Entries[i]
		if what := e.fault(); what != "" {
			return frame.Element("entries", i) + "." + what
		}
		if i > 0 && b.Entries[i-1].Compare(e.EntryKey) >= 0 {
			return frame.Element("entries", i) + ": not after the one before in the order of keys"
		}
		for j, n := range [...]uint64{e.Requests, e.Cost, e.BytesIn, e.BytesOut, e.DurationUS} {
			// Both are at most MaxBatchTotal before the sum, so it can't overflow.
			if totals[j] += min(n, MaxBatchTotal); n > MaxBatchTotal || totals[j] > MaxBatchTotal {
				return frame.Element("entries", i) + ": a count of the batch sums up to more than " + frame.Decimal(MaxBatchTotal)
			}
		}
	}
	return ""
}

func (e *Entry) fault() string {
	switch {
	case e.Minute < 0 || e.Minute > MaxTimeMS/60_000:
		return "minute: not in the years 1970 to 9999"
	case e.Account > MaxNumber:
		return frame.OutOfRange("account", e.Account, 0, MaxNumber)
	case e.Key > MaxNumber:
		return frame.OutOfRange("key", e.Key, 0, MaxNumber)
	case e.Endpoint > MaxNumber:
		return frame.OutOfRange("endpoint", e.Endpoint, 0, MaxNumber)
	case e.Tier > MaxNumber:
		return frame.OutOfRange("tier", e.Tier, 0, MaxNumber)
	case e.Status != 0 && (e.Status < 100 || e.Status > 599):
		return "status: " + frame.Decimal(uint64(e.Status)) + " is not 0 or 100 to 599"
	case e.Decision < Allowed || e.Decision > Unready:
		return frame.OutOfRange("decision", uint64(e.Decision), uint64(Allowed), uint64(Unready))
	case e.Requests == 0:
		return "requests: 0"
	case e.Shadowed > e.Requests:
		return frame.OutOfRange("shadowed", e.Shadowed, 0, e.Requests)
	}
	return e.Latency.fault(e.Requests)
}

// fault allows at most requests durations.
func (h Histogram) fault(requests uint64) string {
	left := requests
	for i, bin := range h {
		switch {
		case bin.Index > MaxLatencyIndex():
			return frame.OutOfRange("latency index", uint64(bin.Index), 0, uint64(MaxLatencyIndex()))
		case i > 0 && h[i-1].Index >= bin.Index:
			return "latency: not sorted by index"
		case bin.Count == 0:
			return "latency: a count of 0"
		case bin.Count > left:
			return "latency: more durations than requests"
		}
		left -= bin.Count
	}
	return ""
}
