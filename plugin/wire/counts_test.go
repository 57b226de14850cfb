package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestABatchOfCountsIsTheBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		want, err := EncodeBatch(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := EncodeCounts([]byte("prefix"), b)
		if err != nil {
			t.Fatal(err)
		}
		counts = counts[len("prefix"):]
		rest := *b
		rest.Entries, rest.Meters, rest.Verdicts = nil, nil, nil
		if got, err := EncodeBatchOf(nil, &rest, counts); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: other bytes than the batch's", err)
		}
		latencies := rapid.Bool().Draw(t, "latencies")
		got, err := DecodeCounts(counts, latencies)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Entries {
			if !latencies {
				b.Entries[i].Latency = nil
			}
		}
		if diff := cmp.Diff(&Batch{Entries: b.Entries, Meters: b.Meters, Verdicts: b.Verdicts}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded counts differ (-want +got):\n%s", diff)
		}
	})
}

func TestCountsAreRefused(t *testing.T) {
	counts, err := EncodeCounts(nil, sampleBatch())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("cut off anywhere, or longer", func(t *testing.T) {
		for n := range counts {
			if _, err := DecodeCounts(counts[:n], false); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%d bytes: got %v", n, err)
			}
		}
		if _, err := DecodeCounts(append(bytes.Clone(counts), 0), true); !errors.Is(err, ErrMalformed) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("unsorted", func(t *testing.T) {
		b := sampleBatch()
		b.Verdicts[0], b.Verdicts[1] = b.Verdicts[1], b.Verdicts[0]
		if _, err := EncodeCounts(nil, b); !errors.Is(err, ErrInvalid) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("given twice, or to a heartbeat", func(t *testing.T) {
		for _, b := range []*Batch{sampleBatch(), {Source: source}, {Source: source, Sequence: MaxNumber + 1}} {
			if _, err := EncodeBatchOf(nil, b, counts); !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
	})
}
