package wire

import (
	"bytes"
	"errors"
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
		BeganMS: minute*60_000 - 7000, Counted: 1000,
		Entries: []Entry{
			{EntryKey: EntryKey{minute - 1, 0, 0, 0, 0, 401, Unauthenticated}, Requests: 1, BytesIn: 90, BytesOut: 200, DurationUS: 40},
			{EntryKey: EntryKey{minute, 11, 21, 31, 2, 200, Allowed}, Requests: 3, Shadowed: 2, Cost: 6, BytesIn: 300, BytesOut: 9000, DurationUS: 3100,
				Latency: Histogram{{1, 1}, {100, 2}}},
			{EntryKey: EntryKey{minute, 11, 21, 31, 2, 429, Throttled}, Requests: 2, Cost: 4, BytesIn: 200, BytesOut: 800, DurationUS: 90},
			{EntryKey: EntryKey{minute, 11, 22, 0, 0, 0, Allowed}, Requests: 1, Cost: 1, BytesIn: 100},
			{EntryKey: EntryKey{minute, 12, 1, 5, 3, 200, Allowed}, Requests: 1, Cost: 1, BytesIn: 100, Latency: Histogram{{483, 1}}},
		},
		Meters: []MeterEntry{
			{MeterKey{minute - 1, 11, 21, 31, 2, 1}, 3, 0},
			{MeterKey{minute, 11, 21, 31, 2, 1}, 2, 1 << 40},
			{MeterKey{minute, 11, 21, 31, 2, 4}, 1, 77},
			{MeterKey{minute, 12, 1, 5, 3, 1}, 1, 5},
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
		Unmatched: []Unmatched{{"GET", "/v1/users/7"}, {"DELETE", "/"}, {"GET", "/v1/users/7"}},
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
		b := append(bytes.Clone(head), 1, 0, 0, 0, 0, 0, 1, 5, 6, 7, 8, 9) // … one entry: minute, account, key, endpoint, tier
		return append(b, status...)
	}
	const decision, requests, zero, lists = 1, 1, 0, 0
	rest := []byte{decision, requests, zero, zero, zero, zero, zero, zero, lists, lists, lists, lists, lists}
	tests := map[string]struct {
		bytes []byte
		ok    bool
	}{
		"as it has to be":             {append(key(0xc8, 0x01), rest...), true},
		"a varint longer than needed": {append(key(0xc8, 0x81, 0x00), rest...), false},
		"a status above 16 bits":      {append(key(0xc8, 0x81, 0x04), rest...), false},
		"bytes after the end":         {append(append(key(0xc8, 0x01), rest...), 0), false},
		"a varint above 64 bits":      {append(key(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), rest...), false},
		"more entries than bytes":     {append(bytes.Clone(head), 1, 0, 0, 0, 0, 0, 0xff, 0xff, 3), false},
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
			EntryKey: EntryKey{28_000_000, uint64(i + 1), uint64(i + 1), 3, 2, 200, Allowed},
			Requests: 10, Cost: 10, BytesIn: 10_000, BytesOut: 100_000, DurationUS: 50_000,
			Latency: Histogram{{100, 3}, {110, 3}, {120, 3}},
		})
		b.Levels = append(b.Levels, Level{uint64(i + 1), 1, uint64(i + 1), 1000, b.SentMS - int64(i%1000)})
	}
	for i := range MaxBatchMeters {
		b.Meters = append(b.Meters, MeterEntry{MeterKey{28_000_000, uint64(i/2 + 1), uint64(i + 1), 3, 2, uint64(1 + i%2)}, 100, 100_000})
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
	for range MaxBatchUnmatched {
		b.Unmatched = append(b.Unmatched, Unmatched{strings.Repeat("M", MaxMethodBytes), strings.Repeat("/", MaxUnmatchedPathBytes)})
	}
	data := mustEncode(t, b)
	t.Logf("%d entries and levels, %d meters and verdicts, %d denials: %d bytes", MaxBatchEntries, MaxBatchMeters, MaxBatchDenials, len(data))
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(mustEncode(f, sampleBatch()))
	f.Add(mustEncode(f, &Batch{Source: source, Node: "gateway-1"}))
	f.Add(appendCounts(nil, sampleBatch()))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkBatchBytes(t, data)
		if b, err := DecodeCounts(data, true); err == nil {
			if again, err := EncodeCounts(nil, b); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("counts encode to other bytes: %v\n%x\n%x", err, data, again)
			}
		}
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
