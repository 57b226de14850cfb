package postgres_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// Whoever asks while buckets are summed up, and late usage comes in for them, gets
// what was committed by then.
func TestCubesNeverAnswerWithLessOrMoreThanWasCommitted(t *testing.T) {
	db := open(t)
	hour := controlplane.ByHour
	q := explore.Question{From: autumn, To: autumn.AddDate(0, 0, 2), Zone: time.UTC, Granularity: &hour, GroupBy: []explore.Dimension{explore.ByAccount}, Top: 3, Want: explore.Want{Series: true}}
	random := rand.New(rand.NewPCG(5, 6))
	stop := make(chan struct{})
	var builders sync.WaitGroup
	for range 2 {
		builders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.BuildCubes(t.Context(), autumn.AddDate(0, 0, 3), 7); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var want int64
	for sequence := range uint64(60) {
		b := &wire.Batch{Source: wire.SourceID{1}, Sequence: sequence + 1, Node: "n"}
		seen := map[wire.EntryKey]bool{}
		for range 5 {
			k := wire.EntryKey{Minute: autumn.Unix()/60 + random.Int64N(48*60), Account: 1 + random.Uint64N(5), Decision: wire.Allowed}
			if !seen[k] {
				seen[k] = true
				b.Entries = append(b.Entries, wire.Entry{EntryKey: k, Requests: 3})
				want += 3
			}
		}
		commit(t, db, b)
		report, err := db.Explore(t.Context(), q, autumn.AddDate(0, 0, 3))
		if err != nil {
			t.Fatal(err)
		}
		var series int64
		for _, n := range report.Series.Requests {
			series += n
		}
		groups := int64(0)
		for _, g := range report.Groups {
			groups += g.Totals.Requests
		}
		if report.Other != nil {
			groups += report.Other.Totals.Requests
		}
		if report.Totals.Requests != want || series != want || groups != want {
			t.Fatalf("%d requests in all, %d in the series, %d in groups; want %d", report.Totals.Requests, series, groups, want)
		}
	}
	close(stop)
	builders.Wait()
	for {
		n, err := db.BuildCubes(t.Context(), autumn.AddDate(1, 0, 0), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if report, err := db.Explore(t.Context(), q, autumn.AddDate(0, 0, 3)); err != nil || report.Totals.Requests != want {
		t.Fatalf("%v, want %d: %v", report, want, err)
	}
	if err := db.ForgetCubes(t.Context(), autumn.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if report, err := db.Explore(t.Context(), q, autumn.AddDate(0, 0, 3)); err != nil || report.Totals.Requests != want {
		t.Fatalf("without cubes %v, want %d: %v", report, want, err)
	}
}
