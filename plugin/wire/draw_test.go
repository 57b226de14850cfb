package wire

import (
	"slices"

	"pgregory.net/rapid"
)

func drawNumber(t *rapid.T, label string) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, MaxNumber)).Draw(t, label)
}

func drawBatch(t *rapid.T) *Batch {
	b := &Batch{
		Source:   source,
		Sequence: 1 + drawNumber(t, "sequence")/2,
		Node:     rapid.StringMatching(`[a-zß0-9-]{0,30}`).Draw(t, "node"),
		Snapshot: drawNumber(t, "snapshot"),
		SentMS:   rapid.Int64Range(0, MaxTimeMS).Draw(t, "sent"),
	}
	for range rapid.IntRange(0, 20).Draw(t, "entries") {
		b.Entries = append(b.Entries, drawEntry(t))
	}
	b.BeganMS = rapid.Int64Range(0, MaxTimeMS).Draw(t, "began")
	b.Counted = drawNumber(t, "counted")
	for range rapid.IntRange(0, 20).Draw(t, "meters") {
		b.Meters = append(b.Meters, drawMeter(t))
	}
	for range rapid.IntRange(0, 20).Draw(t, "levels") {
		b.Levels = append(b.Levels, Level{
			Account:   1 + drawNumber(t, "account")/2,
			Limit:     1 + drawNumber(t, "limit")/2,
			Key:       drawNumber(t, "key"),
			Remaining: rapid.Int64Range(-1<<63, MaxAmount).Draw(t, "remaining"),
			AtMS:      rapid.Int64Range(0, MaxTimeMS).Draw(t, "at"),
		})
	}
	for range rapid.IntRange(0, 20).Draw(t, "verdicts") {
		b.Verdicts = append(b.Verdicts, drawVerdict(t))
	}
	for range rapid.IntRange(0, 5).Draw(t, "denials") {
		b.Denials = append(b.Denials, drawDenial(t))
	}
	for range rapid.IntRange(0, MaxBatchUnmatched).Draw(t, "unmatched") {
		b.Unmatched = append(b.Unmatched, Unmatched{rapid.StringMatching(`[A-Z]{1,20}`).Draw(t, "method"), rapid.StringMatching(`/[!-"$->@-z|~]{0,100}`).Draw(t, "path")})
	}
	b.Sort()
	b.Verdicts = slices.CompactFunc(b.Verdicts, func(x, y VerdictEntry) bool { return x.VerdictKey == y.VerdictKey })
	b.Meters = slices.CompactFunc(b.Meters, func(x, y MeterEntry) bool { return x.MeterKey == y.MeterKey })
	b.Entries = slices.CompactFunc(b.Entries, func(x, y Entry) bool { return x.EntryKey == y.EntryKey })
	b.Levels = slices.CompactFunc(b.Levels, func(x, y Level) bool { return x.compare(y) == 0 })
	return b
}

func drawVerdict(t *rapid.T) VerdictEntry {
	return VerdictEntry{
		VerdictKey: VerdictKey{
			Minute:  rapid.OneOf(rapid.Int64Range(5, 6), rapid.Int64Range(0, MaxTimeMS/60_000)).Draw(t, "minute"),
			Account: drawNumber(t, "account"),
			Limit:   1 + drawNumber(t, "limit")/2,
			Verdict: Verdict(rapid.IntRange(int(Denied), int(FailedOpen)).Draw(t, "verdict")),
		},
		Requests: rapid.Uint64Range(1, MaxBatchTotal/32).Draw(t, "requests"),
		Amount:   rapid.Uint64Range(0, MaxBatchTotal/32).Draw(t, "amount"),
	}
}

func drawMeter(t *rapid.T) MeterEntry {
	return MeterEntry{
		MeterKey: MeterKey{
			Minute:   rapid.OneOf(rapid.Int64Range(5, 6), rapid.Int64Range(0, MaxTimeMS/60_000)).Draw(t, "minute"),
			Account:  drawNumber(t, "account"),
			Key:      drawNumber(t, "key"),
			Endpoint: drawNumber(t, "endpoint"),
			Tier:     drawNumber(t, "tier"),
			Meter:    1 + drawNumber(t, "meter")/2,
		},
		Requests: rapid.Uint64Range(1, MaxBatchTotal/32).Draw(t, "requests"),
		Amount:   rapid.Uint64Range(0, MaxBatchTotal/32).Draw(t, "amount"),
	}
}

func drawDenial(t *rapid.T) Denial {
	d := Denial{
		AtMS:         rapid.Int64Range(0, MaxTimeMS).Draw(t, "at"),
		RequestID:    rapid.StringMatching(`[a-zß0-9-]{1,30}`).Draw(t, "request id"),
		Account:      drawNumber(t, "account"),
		Key:          drawNumber(t, "key"),
		Endpoint:     drawNumber(t, "endpoint"),
		Decision:     Decision(rapid.IntRange(int(Throttled), int(Unready)).Draw(t, "decision")),
		Method:       rapid.StringMatching(`[A-Z]{0,20}`).Draw(t, "method"),
		Path:         rapid.StringMatching(`[a-zß/]{0,100}`).Draw(t, "path"),
		RetryAfterMS: rapid.Uint64Range(0, MaxTimeMS).Draw(t, "retry after"),
	}
	if d.Decision == Throttled || d.Decision == Unready {
		d.Limit = drawNumber(t, "limit")
	}
	for range rapid.IntRange(0, 3).Draw(t, "levels") {
		d.Levels = append(d.Levels, DenialLevel{
			Limit:     1 + drawNumber(t, "limit")/2,
			Remaining: rapid.Int64Range(-1<<63, MaxAmount).Draw(t, "remaining"),
			Amount:    rapid.Uint64Range(0, MaxAmount).Draw(t, "amount"),
		})
	}
	return d
}

func drawEntry(t *rapid.T) Entry {
	count := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, MaxBatchTotal/32))
	e := Entry{
		EntryKey: EntryKey{
			Minute:   rapid.OneOf(rapid.Int64Range(5, 6), rapid.Int64Range(0, MaxTimeMS/60_000)).Draw(t, "minute"),
			Account:  drawNumber(t, "account"),
			Key:      drawNumber(t, "key"),
			Endpoint: drawNumber(t, "endpoint"),
			Tier:     drawNumber(t, "tier"),
			Status:   rapid.SampledFrom([]uint16{0, 100, 200, 404, 429, 599}).Draw(t, "status"),
			Decision: Decision(rapid.IntRange(int(Allowed), int(Unready)).Draw(t, "decision")),
		},
		Cost: count.Draw(t, "cost"), BytesIn: count.Draw(t, "in"), BytesOut: count.Draw(t, "out"), DurationUS: count.Draw(t, "duration"),
	}
	for range rapid.IntRange(0, 5).Draw(t, "durations") {
		e.Latency.Add(rapid.Uint64Range(0, 2*MaxLatencyUS).Draw(t, "us"))
	}
	e.Requests = 1 + e.Latency.Count() + count.Draw(t, "requests")
	e.Shadowed = rapid.Uint64Range(0, e.Requests).Draw(t, "shadowed")
	return e
}
