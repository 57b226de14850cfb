package usage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

func drawBatches(t *rapid.T) []*wire.Batch {
	entry := rapid.Custom(func(t *rapid.T) wire.Entry {
		n := rapid.Uint64Range(1, 1000).Draw(t, "requests")
		var latency wire.Histogram
		latency.Add(rapid.Uint64Range(0, 1<<32).Draw(t, "latency"))
		return wire.Entry{
			EntryKey: wire.EntryKey{
				// Close to the turn of a month and of a year, where buckets differ most.
				Minute:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()/60 + rapid.Int64Range(-3000, 50_000).Draw(t, "minute"),
				Account:  rapid.Uint64Range(0, 2).Draw(t, "account"),
				Status:   rapid.SampledFrom([]uint16{0, 200, 503}).Draw(t, "status"),
				Decision: rapid.SampledFrom([]wire.Decision{wire.Allowed, wire.Throttled}).Draw(t, "decision"),
			},
			Requests: n, Cost: 2 * n, BytesIn: 3 * n, BytesOut: 5 * n, DurationUS: 7 * n, Latency: latency,
		}
	})
	batch := rapid.Custom(func(t *rapid.T) *wire.Batch {
		return &wire.Batch{Sequence: 1, Entries: rapid.SliceOfN(entry, 0, 20).Draw(t, "entries")}
	})
	return rapid.SliceOfN(batch, 0, 5).Draw(t, "batches")
}

func TestFoldCountsEverythingOnceInEveryGranularity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := drawBatches(t)
		var want wire.Entry
		for _, b := range batches {
			for _, e := range b.Entries {
				want.Requests += e.Requests
				want.Cost += e.Cost
				want.BytesIn += e.BytesIn
				want.BytesOut += e.BytesOut
				want.DurationUS += e.DurationUS
				want.Latency.Merge(e.Latency)
			}
		}
		got := map[controlplane.Granularity]*wire.Entry{}
		for _, g := range controlplane.Granularities {
			got[g] = &wire.Entry{}
		}
		for _, r := range usage.Fold(batches) {
			if !r.Granularity.Truncate(r.Bucket).Equal(r.Bucket) {
				t.Fatalf("%v is not the beginning of a %v", r.Bucket, r.Granularity)
			}
			sum := got[r.Granularity]
			sum.Requests += r.Requests
			sum.Cost += r.Cost
			sum.BytesIn += r.BytesIn
			sum.BytesOut += r.BytesOut
			sum.DurationUS += r.DurationUS
			sum.Latency.Merge(r.Latency)
		}
		for g, sum := range got {
			if diff := cmp.Diff(want, *sum); diff != "" {
				t.Fatalf("by the %v (-batches +rows):\n%s", g, diff)
			}
		}
	})
}

func TestFoldGivesEachKeyOneRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			g controlplane.Granularity
			wire.EntryKey
		}
		seen := map[key]bool{}
		for _, r := range usage.Fold(drawBatches(t)) {
			k := key{r.Granularity, r.EntryKey}
			if seen[k] {
				t.Fatalf("two rows for %+v", k)
			}
			seen[k] = true
		}
	})
}

func TestFoldLeavesItsInputAlone(t *testing.T) {
	var latency wire.Histogram
	latency.Add(10)
	entry := wire.Entry{EntryKey: wire.EntryKey{Minute: 1, Decision: wire.Allowed}, Requests: 1, Latency: latency}
	batches := []*wire.Batch{{Entries: []wire.Entry{entry}}, {Entries: []wire.Entry{entry}}}
	usage.Fold(batches)
	if n := batches[0].Entries[0].Latency.Count(); n != 1 {
		t.Errorf("the first batch now counts %d latencies, want 1", n)
	}
}

func TestLastLevelsKeepsTheNewest(t *testing.T) {
	got := usage.LastLevels([]*wire.Batch{
		{Levels: []wire.Level{{Account: 1, Limit: 2, Remaining: 5, AtMS: 2000}, {Account: 1, Limit: 1, Remaining: 9, AtMS: 1000}}},
		{Levels: []wire.Level{{Account: 1, Limit: 2, Remaining: 7, AtMS: 1999}}},
	})
	want := []controlplane.Level{
		{AccountID: 1, LimitID: 1, Remaining: 9, ObservedAt: time.UnixMilli(1000).UTC()},
		{AccountID: 1, LimitID: 2, Remaining: 5, ObservedAt: time.UnixMilli(2000).UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
