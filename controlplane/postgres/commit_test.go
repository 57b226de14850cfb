package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

var noon = time.Date(2026, 1, 31, 23, 59, 0, 0, time.UTC)

// batch counts n requests of an account in the minute of noon.
func batch(source byte, sequence uint64, account, n uint64) *wire.Batch {
	var latency wire.Histogram
	for range n {
		latency.Add(1000)
	}
	return &wire.Batch{
		Source: wire.SourceID{source}, Sequence: sequence, Node: "gateway-1",
		Entries: []wire.Entry{{
			EntryKey: wire.EntryKey{Minute: noon.Unix() / 60, Account: account, Key: 9, Endpoint: 4, Status: 200, Decision: wire.Allowed},
			Requests: n, Cost: n, BytesIn: 10 * n, BytesOut: 100 * n, DurationUS: 1000 * n, Latency: latency,
		}},
	}
}

func commit(t *testing.T, db *postgres.DB, batches ...*wire.Batch) int {
	t.Helper()
	fresh, err := db.CommitBatches(t.Context(), batches)
	if err != nil {
		t.Fatal(err)
	}
	return len(fresh)
}

// requests returns the sum of one granularity's rollup.
func requests(t *testing.T, db *postgres.DB, g controlplane.Granularity) controlplane.Totals {
	t.Helper()
	r, err := controlplane.BucketRange(noon, noon.Add(time.Minute), g)
	if err != nil {
		t.Fatal(err)
	}
	series, err := db.Series(t.Context(), g, r, controlplane.UsageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var sum controlplane.Totals
	for _, totals := range series {
		sum.Add(totals)
	}
	return sum
}

func wantRequests(t *testing.T, db *postgres.DB, want int64) {
	t.Helper()
	for _, g := range controlplane.Granularities {
		got := requests(t, db, g)
		if got.Requests != want || got.Allowed != want || got.BytesOut != 100*want || int64(got.Latency.Count()) != want {
			t.Errorf("by the %v: %d requests, %d allowed, %d bytes out, %d latencies; want %d requests",
				g, got.Requests, got.Allowed, got.BytesOut, got.Latency.Count(), want)
		}
	}
}

func TestABatchCountsOnceInEveryRollup(t *testing.T) {
	db := open(t)
	if n := commit(t, db, batch(1, 1, 7, 5), batch(1, 1, 7, 5), batch(1, 2, 7, 3), batch(2, 1, 8, 2)); n != 3 {
		t.Errorf("%d batches were new, want 3", n)
	}
	if n := commit(t, db, batch(1, 2, 7, 3), batch(2, 1, 8, 2)); n != 0 {
		t.Errorf("%d batches were new the second time, want 0", n)
	}
	wantRequests(t, db, 10)
}

func TestBatchesOutOfOrderCountOnce(t *testing.T) {
	db := open(t)
	for _, step := range []struct{ sequence, fresh, committed uint64 }{
		{3, 1, 0}, {3, 0, 0}, {1, 1, 1}, {2, 1, 3}, {1, 0, 3}, {3, 0, 3}, {5, 1, 3}, {4, 1, 5}, {5, 0, 5},
	} {
		if n := commit(t, db, batch(1, step.sequence, 7, 1)); uint64(n) != step.fresh {
			t.Errorf("sequence %d: %d new, want %d", step.sequence, n, step.fresh)
		}
		committed, err := db.Committed(t.Context(), wire.SourceID{1})
		if err != nil || committed != step.committed {
			t.Errorf("after sequence %d: committed through %d, %v; want %d", step.sequence, committed, err, step.committed)
		}
	}
	wantRequests(t, db, 5)
}

// A standby that lagged takes over: batches 3 and 4 are gone, from here and from
// the filter, which was told that they are committed.
func TestALostCommitDoesNotHoldUpWhatFollows(t *testing.T) {
	db := open(t)
	commit(t, db, batch(1, 1, 7, 1), batch(1, 2, 7, 1))
	const last = 5 + wire.MaxFrozen
	for sequence := uint64(5); sequence <= last; sequence++ {
		commit(t, db, batch(1, sequence, 7, 1))
	}
	committed, err := db.Committed(t.Context(), wire.SourceID{1})
	if err != nil || committed != last {
		t.Errorf("committed through %d, %v; want %d", committed, err, last)
	}
	wantRequests(t, db, last-2)
}

func TestWritersSideBySideCountEveryBatchOnce(t *testing.T) {
	db := open(t)
	const writers, sequences = 6, 2 * wire.MaxFrozen
	var all []*wire.Batch
	for n := uint64(1); n <= sequences; n++ {
		all = append(all, batch(1, n, n%3, 1), batch(2, n, n%3, 1))
	}
	var wg sync.WaitGroup
	fresh := make([]int, writers)
	for w := range writers {
		wg.Go(func() {
			// Each writer has every batch, those that may be under way at the same
			// time in an order of its own, and some of them twice.
			const window = 2 * wire.MaxFrozen
			for i := range all {
				first := i / window * window
				b, again := all[first+(i*(2*w+1)+w)%window], all[first+(i+w)%window]
				got, err := db.CommitBatches(t.Context(), []*wire.Batch{b, again})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				fresh[w] += len(got)
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range fresh {
		total += n
	}
	if total != len(all) {
		t.Errorf("%d batches were new to somebody, want %d", total, len(all))
	}
	wantRequests(t, db, int64(len(all)))
}

func TestACommitThatDoesNotEndLeavesNothing(t *testing.T) {
	db := open(t)
	// A cancelled context stands for a crash at any point before the commit.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.CommitBatches(ctx, []*wire.Batch{batch(1, 1, 7, 5)}); err == nil {
		t.Fatal("a cancelled commit went through")
	}
	wantRequests(t, db, 0)
	if n := commit(t, db, batch(1, 1, 7, 5)); n != 1 {
		t.Errorf("the batch was taken for committed")
	}
	wantRequests(t, db, 5)
}

func TestLatenciesMerge(t *testing.T) {
	db := open(t)
	var want wire.Histogram
	for n, us := range []uint64{50, 900, 900, 12_000, 3_000_000, 50} {
		b := batch(1, uint64(n+1), 7, 1)
		b.Entries[0].Latency = nil
		b.Entries[0].Latency.Add(us)
		want.Add(us)
		commit(t, db, b)
	}
	if diff := cmp.Diff(want, requests(t, db, controlplane.ByMonth).Latency); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLevelsKeepTheNewest(t *testing.T) {
	db := open(t)
	for n, l := range []wire.Level{
		{Account: 1, Limit: 2, Remaining: 10, AtMS: noon.UnixMilli()},
		{Account: 1, Limit: 2, Remaining: -3, AtMS: noon.UnixMilli() + 5},
		{Account: 1, Limit: 2, Remaining: 99, AtMS: noon.UnixMilli() + 1},
	} {
		b := batch(1, uint64(n+1), 1, 1)
		b.Levels = []wire.Level{l}
		commit(t, db, b)
	}
	got, err := db.Levels(t.Context(), []controlplane.ID{1})
	if err != nil {
		t.Fatal(err)
	}
	want := []controlplane.Level{{AccountID: 1, LimitID: 2, Remaining: -3, ObservedAt: noon.Add(5 * time.Millisecond)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConsumersAreRankedOverTheWholeRange(t *testing.T) {
	db := open(t)
	commit(t, db, batch(1, 1, 7, 5), batch(1, 2, 8, 9), batch(1, 3, 0, 6))
	r := controlplane.Range{From: noon.AddDate(-1, 0, 0).Add(17 * time.Minute), To: noon.AddDate(0, 2, 3)}
	report, err := db.Explore(t.Context(), explore.Question{From: r.From, To: r.To, Zone: time.UTC, GroupBy: []explore.Dimension{explore.ByAccount}, Top: 2}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if g := report.Groups; report.Totals.Requests != 20 || len(g) != 2 || g[0].Key[0] != 8 || g[0].Totals.Requests != 9 || g[1].Key[0] != 0 {
		t.Errorf("got %+v of %d", g, report.Totals.Requests)
	}
	totals, err := db.TotalsByAccount(t.Context(), r, []controlplane.ID{7, 99})
	if err != nil {
		t.Fatal(err)
	}
	if totals[7].Requests != 5 || totals[99].Requests != 0 {
		t.Errorf("got %+v", totals)
	}
}
