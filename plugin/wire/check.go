package wire

// fault says what is out of bounds or contradicts itself in b, and where;
// "" for nothing. Encoder and decoder both keep to it.
func (b *Batch) fault() string {
	switch {
	case b.Source == SourceID{}:
		return "source: all zero"
	case b.Sequence > MaxNumber:
		return outOfRange("sequence", b.Sequence, 0, MaxNumber)
	case b.Snapshot > MaxNumber:
		return outOfRange("snapshot", b.Snapshot, 0, MaxNumber)
	case uint64(b.SentMS) > MaxTimeMS:
		return "sentMS: not in the years 1970 to 9999"
	case len(b.Entries) > MaxBatchEntries:
		return outOfRange("entries", uint64(len(b.Entries)), 0, MaxBatchEntries)
	case len(b.Levels) > MaxBatchLevels:
		return outOfRange("levels", uint64(len(b.Levels)), 0, MaxBatchLevels)
	case b.Sequence == 0 && len(b.Entries)+len(b.Levels) > 0:
		return "sequence: 0 with entries or levels"
	}
	if what := textFault("node", b.Node, 0, MaxNodeBytes); what != "" {
		return what
	}
	if what := b.entriesFault(); what != "" {
		return what
	}
	return b.levelsFault()
}

func (b *Batch) entriesFault() string {
	var totals [5]uint64
	for i := range b.Entries {
		e := &b.Entries[i]
		if what := e.fault(); what != "" {
			return element("entries", i) + "." + what
		}
		if i > 0 && b.Entries[i-1].Compare(e.EntryKey) >= 0 {
			return element("entries", i) + ": not after the one before in the order of keys"
		}
		for j, n := range [...]uint64{e.Requests, e.Cost, e.BytesIn, e.BytesOut, e.DurationUS} {
			// Both are at most MaxBatchTotal before the sum, so it can't overflow.
			if totals[j] += min(n, MaxBatchTotal); n > MaxBatchTotal || totals[j] > MaxBatchTotal {
				return element("entries", i) + ": a count of the batch sums up to more than " + decimal(MaxBatchTotal)
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
		return outOfRange("account", e.Account, 0, MaxNumber)
	case e.Key > MaxNumber:
		return outOfRange("key", e.Key, 0, MaxNumber)
	case e.Endpoint > MaxNumber:
		return outOfRange("endpoint", e.Endpoint, 0, MaxNumber)
	case e.Status != 0 && (e.Status < 100 || e.Status > 599):
		return "status: " + decimal(uint64(e.Status)) + " is not 0 or 100 to 599"
	case e.Decision < Allowed || e.Decision > Unready:
		return outOfRange("decision", uint64(e.Decision), uint64(Allowed), uint64(Unready))
	case e.Requests == 0:
		return "requests: 0"
	}
	return e.Latency.fault(e.Requests)
}

// fault allows at most requests durations.
func (h Histogram) fault(requests uint64) string {
	left := requests
	for i, bin := range h {
		switch {
		case bin.Index > MaxLatencyIndex():
			return outOfRange("latency index", uint64(bin.Index), 0, uint64(MaxLatencyIndex()))
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

func (b *Batch) levelsFault() string {
	for i, l := range b.Levels {
		what := ""
		switch {
		case l.Account-1 >= MaxNumber:
			what = outOfRange(".account", l.Account, 1, MaxNumber)
		case l.Limit-1 >= MaxNumber:
			what = outOfRange(".limit", l.Limit, 1, MaxNumber)
		case l.Remaining > MaxAmount:
			what = ".remaining: more than " + decimal(MaxAmount)
		case uint64(l.AtMS) > MaxTimeMS:
			what = ".atMS: not in the years 1970 to 9999"
		case i > 0 && b.Levels[i-1].compare(l) >= 0:
			what = ": not after the one before in the order of accounts and limits"
		}
		if what != "" {
			return element("levels", i) + what
		}
	}
	return ""
}
