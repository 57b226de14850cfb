package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/internal/frame"
)

var source = SourceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func sampleBatch() *Batch {
	const minute = 29_000_000
	return &Batch{
		Source: source, Sequence: 7, Node: "gateway-1", Snapshot: 42, SentMS: minute*60_000 + 1234,
		Entries: []Entry{
			{EntryKey: EntryKey{minute - 1, 0, 0, 0, 401, Unauthenticated}, Requests: 1, BytesIn: 90, BytesOut: 200, DurationUS: 40},
			{EntryKey: EntryKey{minute, 11, 21, 31, 200, Allowed}, Requests: 3, Cost: 6, BytesIn: 300, BytesOut: 9000, DurationUS: 3100,
				Latency: Histogram{{1, 1}, {100, 2}}},
			{EntryKey: EntryKey{minute, 11, 21, 31, 429, Throttled}, Requests: 2, Cost: 4, BytesIn: 200, BytesOut: 800, DurationUS: 90},
			{EntryKey: EntryKey{minute, 11, 22, 0, 0, Allowed}, Requests: 1, Cost: 1, BytesIn: 100},
			{EntryKey: EntryKey{minute, 12, 1, 5, 200, Allowed}, Requests: 1, Cost: 1, BytesIn: 100, Latency: Histogram{{483, 1}}},
		},
		Levels: []Level{
			{11, 1, 0, 97, minute * 60_000},
			{11, 2, 21, -5, minute*60_000 + 1300},
			{11, 2, 22, 40, minute * 60_000},
			{12, 1, 0, 100, 0},
		},
		Verdicts: []VerdictEntry{
			{VerdictKey{minute - 1, 0, 5, Denied}, 9, 9},
			{VerdictKey{minute, 11, 1, Denied}, 2, 4},
			{VerdictKey{minute, 11, 1, Shadowed}, 1, 0},
			{VerdictKey{minute, 11, 2, Over}, 3, 1 << 40},
			{VerdictKey{minute, 12, 1, FailedOpen}, 1, 1},
		},
		Denials: []Denial{
			{AtMS: minute*60_000 + 900, RequestID: "0f8fad5b-d9cb-469f-a165-70867728950e", Account: 11, Key: 21, Endpoint: 31, Limit: 2,
				Decision: Throttled, Method: "GET", Path: "/v1/users/ä", RetryAfterMS: 1500,
				Levels: []DenialLevel{{1, 97, 100}, {2, -5, MaxAmount}}},
			{AtMS: minute * 60_000, RequestID: "r", Decision: Unauthenticated},
		},
	}
}

func mustEncode(t testing.TB, b *Batch) []byte {
	t.Helper()
	data, err := EncodeBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBatchBytesAreGolden(t *testing.T) {
	golden(t, "batch.bin", mustEncode(t, sampleBatch()))
	golden(t, "heartbeat.bin", mustEncode(t, &Batch{Source: source, Node: "gateway-1"}))
}

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
	b.Sort()
	b.Verdicts = slices.CompactFunc(b.Verdicts, func(x, y VerdictEntry) bool { return x.VerdictKey == y.VerdictKey })
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
			Status:   rapid.SampledFrom([]uint16{0, 100, 200, 404, 429, 599}).Draw(t, "status"),
			Decision: Decision(rapid.IntRange(int(Allowed), int(Unready)).Draw(t, "decision")),
		},
		Cost: count.Draw(t, "cost"), BytesIn: count.Draw(t, "in"), BytesOut: count.Draw(t, "out"), DurationUS: count.Draw(t, "duration"),
	}
	for range rapid.IntRange(0, 5).Draw(t, "durations") {
		e.Latency.Add(rapid.Uint64Range(0, 2*MaxLatencyUS).Draw(t, "us"))
	}
	e.Requests = 1 + e.Latency.Count() + count.Draw(t, "requests")
	return e
}

func TestDecodeInvertsEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		data, err := EncodeBatch([]byte("prefix"), b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeBatch(data[len("prefix"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded batch differs (-want +got):\n%s", diff)
		}
	})
}

func TestDamagedBatchIsRefused(t *testing.T) {
	data := mustEncode(t, sampleBatch())
	t.Run("any one bit flipped", func(t *testing.T) {
		for bit := range len(data) * 8 {
			damaged := bytes.Clone(data)
			damaged[bit/8] ^= 1 << (bit % 8)
			if _, err := DecodeBatch(damaged); !errors.Is(err, ErrMalformed) {
				t.Fatalf("bit %d: got %v", bit, err)
			}
		}
	})
	t.Run("cut off anywhere", func(t *testing.T) {
		for n := range data {
			if _, err := DecodeBatch(data[:n]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%d bytes: got %v", n, err)
			}
		}
	})
	t.Run("cut off anywhere and sealed again", func(t *testing.T) {
		for n := frame.MagicBytes; n < len(data)-frame.SumBytes; n++ {
			if _, err := DecodeBatch(frame.Seal(bytes.Clone(data[:n]), 0)); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%d bytes: got %v", n, err)
			}
		}
	})
	t.Run("longer than the bound", func(t *testing.T) {
		if _, err := DecodeBatch(make([]byte, MaxBatchBytes+1)); !errors.Is(err, ErrMalformed) {
			t.Fatalf("got %v", err)
		}
	})
}

// A batch that says the same in other bytes, or more than a batch can, is refused.
func TestForgedBatchIsRefused(t *testing.T) {
	head := append([]byte(magicBatch), source[:]...)
	key := func(status ...byte) []byte {
		b := append(bytes.Clone(head), 1, 0, 0, 0, 1, 5, 6, 7, 8) // … one entry: minute, account, key, endpoint
		return append(b, status...)
	}
	const decision, requests, zero, levels = 1, 1, 0, 0
	rest := []byte{decision, requests, zero, zero, zero, zero, zero, levels, zero, zero}
	tests := map[string]struct {
		bytes []byte
		ok    bool
	}{
		"as it has to be":             {append(key(0xc8, 0x01), rest...), true},
		"a varint longer than needed": {append(key(0xc8, 0x81, 0x00), rest...), false},
		"a status above 16 bits":      {append(key(0xc8, 0x81, 0x04), rest...), false},
		"bytes after the end":         {append(append(key(0xc8, 0x01), rest...), 0), false},
		"a varint above 64 bits":      {append(key(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), rest...), false},
		"more entries than bytes":     {append(bytes.Clone(head), 1, 0, 0, 0, 0xff, 0xff, 3), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := DecodeBatch(frame.Seal(tt.bytes, 0)); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDecodedHistogramsAreApart(t *testing.T) {
	b := sampleBatch()
	got, err := DecodeBatch(mustEncode(t, b))
	if err != nil {
		t.Fatal(err)
	}
	got.Entries[1].Latency.Add(5)
	if diff := cmp.Diff(b.Entries[4], got.Entries[4]); diff != "" {
		t.Errorf("adding to one histogram changed another: %s", diff)
	}
}

func TestEncodeBatchNamesTheField(t *testing.T) {
	tests := map[string]func(b *Batch){
		"source":                    func(b *Batch) { b.Source = SourceID{} },
		"sequence: 0 with entries":  func(b *Batch) { b.Sequence = 0 },
		"sequence: 9223":            func(b *Batch) { b.Sequence = MaxNumber + 1 },
		"snapshot":                  func(b *Batch) { b.Snapshot = MaxNumber + 1 },
		"sentMS":                    func(b *Batch) { b.SentMS = -1 },
		"node: length":              func(b *Batch) { b.Node = strings.Repeat("n", MaxNodeBytes+1) },
		"node: a control character": func(b *Batch) { b.Node = "a\x00" },
		"node: not UTF-8":           func(b *Batch) { b.Node = "a\xff" },
		"entries: 65537":            func(b *Batch) { b.Entries = make([]Entry, MaxBatchEntries+1) },
		"levels: 65537":             func(b *Batch) { b.Levels = make([]Level, MaxBatchLevels+1) },
		"entries[1].minute":         func(b *Batch) { b.Entries[1].Minute = -1 },
		"entries[1].account":        func(b *Batch) { b.Entries[1].Account = MaxNumber + 1 },
		"entries[1].key":            func(b *Batch) { b.Entries[1].Key = MaxNumber + 1 },
		"entries[1].endpoint":       func(b *Batch) { b.Entries[1].Endpoint = MaxNumber + 1 },
		"entries[1].status: 99":     func(b *Batch) { b.Entries[1].Status = 99 },
		"entries[1].status: 600":    func(b *Batch) { b.Entries[1].Status = 600 },
		"entries[1].decision: 0":    func(b *Batch) { b.Entries[1].Decision = 0 },
		"entries[1].decision: 6":    func(b *Batch) { b.Entries[1].Decision = 6 },
		"entries[1].requests: 0":    func(b *Batch) { b.Entries[1].Requests = 0 },
		"entries[1].latency: more":  func(b *Batch) { b.Entries[1].Requests = 2 },
		"entries[1].latency: a":     func(b *Batch) { b.Entries[1].Latency[0].Count = 0 },
		"entries[1].latency: not":   func(b *Batch) { b.Entries[1].Latency[1].Index = 1 },
		"entries[1].latency index":  func(b *Batch) { b.Entries[1].Latency[1].Index = 484 },
		"entries[2]: not after":     func(b *Batch) { b.Entries[2].EntryKey = b.Entries[1].EntryKey },
		"entries[1]: a count":       func(b *Batch) { b.Entries[1].BytesIn = MaxBatchTotal - 10 },
		"entries[0]: a count":       func(b *Batch) { b.Entries[0].Cost = 1<<64 - 1 },
		"levels[1].account: 0":      func(b *Batch) { b.Levels[1].Account = 0 },
		"levels[1].limit: 0":        func(b *Batch) { b.Levels[1].Limit = 0 },
		"levels[1].key":             func(b *Batch) { b.Levels[1].Key = MaxNumber + 1 },
		"levels[1].remaining":       func(b *Batch) { b.Levels[1].Remaining = MaxAmount + 1 },
		"levels[1].atMS":            func(b *Batch) { b.Levels[1].AtMS = MaxTimeMS + 1 },
		"levels[1]: not after":      func(b *Batch) { b.Levels[1] = b.Levels[0] },
		"levels[2]: not after":      func(b *Batch) { b.Levels[2].Key = 20 },

		"sequence: 0 with entries, levels": func(b *Batch) { b.Sequence, b.Entries, b.Levels, b.Verdicts = 0, nil, nil, nil },
		"verdicts: 16385":                  func(b *Batch) { b.Verdicts = make([]VerdictEntry, MaxBatchVerdicts+1) },
		"verdicts[1].minute":               func(b *Batch) { b.Verdicts[1].Minute = -1 },
		"verdicts[1].account":              func(b *Batch) { b.Verdicts[1].Account = MaxNumber + 1 },
		"verdicts[1].limit: 0":             func(b *Batch) { b.Verdicts[1].Limit = 0 },
		"verdicts[1].verdict: 0":           func(b *Batch) { b.Verdicts[1].Verdict = 0 },
		"verdicts[1].verdict: 5":           func(b *Batch) { b.Verdicts[1].Verdict = 5 },
		"verdicts[1].requests: 0":          func(b *Batch) { b.Verdicts[1].Requests = 0 },
		"verdicts[1]: not after":           func(b *Batch) { b.Verdicts[1] = b.Verdicts[0] },
		"verdicts[2]: not after":           func(b *Batch) { b.Verdicts[2] = b.Verdicts[1] },
		"verdicts[3]: a count":             func(b *Batch) { b.Verdicts[3].Amount = MaxBatchTotal },
		"verdicts[1]: a count":             func(b *Batch) { b.Verdicts[1].Requests = 1<<64 - 1 },
		"denials: 257":                     func(b *Batch) { b.Denials = make([]Denial, MaxBatchDenials+1) },
		"denials[0].atMS":                  func(b *Batch) { b.Denials[0].AtMS = -1 },
		"denials[0].account":               func(b *Batch) { b.Denials[0].Account = MaxNumber + 1 },
		"denials[0].key":                   func(b *Batch) { b.Denials[0].Key = MaxNumber + 1 },
		"denials[0].endpoint":              func(b *Batch) { b.Denials[0].Endpoint = MaxNumber + 1 },
		"denials[0].limit: 9":              func(b *Batch) { b.Denials[0].Limit = MaxNumber + 1 },
		"denials[1].limit: a request":      func(b *Batch) { b.Denials[1].Limit = 1 },
		"denials[0].decision: 1":           func(b *Batch) { b.Denials[0].Decision = Allowed },
		"denials[0].decision: 6":           func(b *Batch) { b.Denials[0].Decision = 6 },
		"denials[0].retryAfterMS":          func(b *Batch) { b.Denials[0].RetryAfterMS = MaxTimeMS + 1 },
		"denials[0].requestID: length":     func(b *Batch) { b.Denials[0].RequestID = "" },
		"denials[0].requestID: not UTF-8":  func(b *Batch) { b.Denials[0].RequestID = "\xff" },
		"denials[0].method: length":        func(b *Batch) { b.Denials[0].Method = strings.Repeat("M", MaxMethodBytes+1) },
		"denials[0].path: length":          func(b *Batch) { b.Denials[0].Path = strings.Repeat("p", MaxDenialPathBytes+1) },
		"denials[0].path: a control":       func(b *Batch) { b.Denials[0].Path = "/\x1b[2J" },
		"denials[0].levels: 33":            func(b *Batch) { b.Denials[0].Levels = make([]DenialLevel, MaxDenialLevels+1) },
		"denials[0].levels[1].limit":       func(b *Batch) { b.Denials[0].Levels[1].Limit = 0 },
		"denials[0].levels[1].remaining":   func(b *Batch) { b.Denials[0].Levels[1].Remaining = MaxAmount + 1 },
		"denials[0].levels[1].amount":      func(b *Batch) { b.Denials[0].Levels[1].Amount = MaxAmount + 1 },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			b := sampleBatch()
			change(b)
			_, err := EncodeBatch(nil, b)
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHeartbeat(t *testing.T) {
	b := &Batch{Source: source, Node: "gateway-1", Snapshot: 3, SentMS: 5}
	got, err := DecodeBatch(mustEncode(t, b))
	if diff := cmp.Diff(b, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// The longest batch that a source can be asked to send has to be sendable.
func TestFullBatchFits(t *testing.T) {
	b := &Batch{Source: source, Sequence: 1, SentMS: 1_700_000_000_000}
	for i := range MaxBatchEntries {
		b.Entries = append(b.Entries, Entry{
			EntryKey: EntryKey{28_000_000, uint64(i + 1), uint64(i + 1), 3, 200, Allowed},
			Requests: 10, Cost: 10, BytesIn: 10_000, BytesOut: 100_000, DurationUS: 50_000,
			Latency: Histogram{{100, 3}, {110, 3}, {120, 3}},
		})
		b.Levels = append(b.Levels, Level{uint64(i + 1), 1, uint64(i + 1), 1000, b.SentMS - int64(i%1000)})
	}
	for i := range MaxBatchVerdicts {
		b.Verdicts = append(b.Verdicts, VerdictEntry{VerdictKey{28_000_000, uint64(i/2 + 1), 1, Verdict(1 + i%2)}, 100, 1000})
	}
	for range MaxBatchDenials {
		d := Denial{AtMS: b.SentMS, RequestID: strings.Repeat("r", MaxRequestIDBytes), Account: 1e6, Key: 1e6, Endpoint: 1e6, Limit: 1e6,
			Decision: Throttled, Method: "DELETE", Path: strings.Repeat("p", MaxDenialPathBytes), RetryAfterMS: 60_000}
		for range 8 {
			d.Levels = append(d.Levels, DenialLevel{1e6, 1e9, 1e9})
		}
		b.Denials = append(b.Denials, d)
	}
	data := mustEncode(t, b)
	t.Logf("%d entries and levels, %d verdicts, %d denials: %d bytes", MaxBatchEntries, MaxBatchVerdicts, MaxBatchDenials, len(data))
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(mustEncode(f, sampleBatch()))
	f.Add(mustEncode(f, &Batch{Source: source, Node: "gateway-1"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkBatchBytes(t, data)
		// Random bytes never carry the right checksum; give them one.
		if len(data) >= frame.SumBytes {
			checkBatchBytes(t, frame.Seal(bytes.Clone(data[:len(data)-frame.SumBytes]), 0))
		}
	})
}

// checkBatchBytes fails unless data is refused or is what its value encodes to.
func checkBatchBytes(t *testing.T, data []byte) {
	t.Helper()
	b, err := DecodeBatch(data)
	if err != nil {
		if !errors.Is(err, ErrMalformed) || b != nil {
			t.Fatalf("got %v, %v", b, err)
		}
		return
	}
	again, err := EncodeBatch(nil, b)
	if err != nil || !bytes.Equal(again, data) {
		t.Fatalf("encodes to other bytes: %v\n%x\n%x", err, data, again)
	}
}

func TestReceipt(t *testing.T) {
	r := Receipt{Accepted: 1<<64 - 1, Committed: 3}
	data := EncodeReceipt(r)
	golden(t, "receipt.bin", data)
	if got, err := DecodeReceipt(data); err != nil || got != r {
		t.Errorf("got %v, %v", got, err)
	}
	for bit := range len(data) * 8 {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeReceipt(damaged); !errors.Is(err, ErrMalformed) {
			t.Fatalf("bit %d flipped: got %v", bit, err)
		}
	}
}

func FuzzDecodeReceipt(f *testing.F) {
	f.Add(EncodeReceipt(Receipt{5, 3}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= frame.SumBytes {
			data = frame.Seal(data[:len(data)-frame.SumBytes:len(data)-frame.SumBytes], 0)
		}
		r, err := DecodeReceipt(data)
		if err == nil && !bytes.Equal(EncodeReceipt(r), data) {
			t.Fatalf("%x encodes to other bytes", data)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	batch := sampleBatch()
	data := mustEncode(b, batch)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data, _ = EncodeBatch(data[:0], batch)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeBatch(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
