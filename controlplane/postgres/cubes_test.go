package postgres_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// Whoever asks while buckets are summed up, and late usage comes in for them, gets
// what was committed by then.
func TestCubesNeverAnswerWithLessOrMoreThanWasCommitted(t *testing.T) {
	db, conn := openBoth(t)
	hour, day := controlplane.ByHour, controlplane.ByDay
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
		n, err := db.BuildCubes(t.Context(), autumn.AddDate(0, 0, 10), 1000)
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
	if _, err := conn.Exec(t.Context(), `update retention set kept_from = $1 where level = 'hour'`, autumn.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := db.ForgetCubes(t.Context(), autumn.AddDate(0, 0, 10)); err != nil {
		t.Fatal(err)
	}
	var before, after int
	err := conn.QueryRow(t.Context(), `select count(*) filter (where bucket < $1), count(*) filter (where bucket >= $1) from usage_caller_hour`, autumn.AddDate(0, 0, 1)).Scan(&before, &after)
	if err != nil || before != 0 || after == 0 {
		t.Errorf("%d sums of hours that are not kept, %d of others: %v", before, after, err)
	}
	q.Granularity = &day
	if report, err := db.Explore(t.Context(), q, autumn.AddDate(0, 0, 3)); err != nil || report.Totals.Requests != want {
		t.Fatalf("without the sums of hours %v, want %d: %v", report, want, err)
	}
}

// A day that can't be summed up is named, and holds up no other.
func TestADayThatCannotBeSummedUpHoldsUpNoOther(t *testing.T) {
	db, conn := openBoth(t)
	commit(t, db, &wire.Batch{Source: wire.SourceID{1}, Sequence: 1, Node: "n", Entries: someEntries(10)})
	var days, built int
	var bad time.Time
	if err := conn.QueryRow(t.Context(), `select bucket from usage_day group by bucket having count(*) > 1 order by bucket desc limit 1`).Scan(&bad); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `update usage_day set bytes_out = 9223372036854775807 where bucket = $1`, bad); err != nil {
		t.Fatal(err)
	}
	_, err := db.BuildCubes(t.Context(), autumn.AddDate(0, 0, 10), 1000)
	if err == nil || !strings.Contains(err.Error(), bad.UTC().Format(time.RFC3339)) {
		t.Errorf("got %v, want an error that names %s", err, bad.UTC())
	}
	err = conn.QueryRow(t.Context(), `
		select (select count(distinct bucket) from usage_day), (select count(*) from cubes c where level = $1 and bucket <> $2 and exists (select from usage_day u where u.bucket = c.bucket))`,
		int16(usage.Days), bad).Scan(&days, &built)
	if err != nil || built != days-1 {
		t.Errorf("%d of %d days are summed up, %v; want all but one", built, days, err)
	}
}

// What is in a rollup and was not sent, or the other way round, shows at once for
// the day that runs and where rollups are read, and for days that were summed up
// when that is done anew.
func TestReconcileFindsWhatAnotherHandChanged(t *testing.T) {
	db, conn := openBoth(t)
	entries := someEntries(10)
	commit(t, db, &wire.Batch{Source: wire.SourceID{1}, Sequence: 1, Node: "n", Entries: entries})
	now := autumn.AddDate(0, 0, 4)
	for built := 1; built > 0; {
		var err error
		if built, err = db.BuildCubes(t.Context(), now, 1000); err != nil {
			t.Fatal(err)
		}
	}
	first, last := controlplane.ByDay.Truncate(autumn), controlplane.ByDay.Truncate(now)
	differing := func(account controlplane.ID) (n int, r *controlplane.Reconciliation) {
		t.Helper()
		r, err := db.Reconcile(t.Context(), first, last, account, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var sent, rolled int64
		for i, row := range r.Rows {
			if row.Figures.Difference() != 0 {
				n++
				if i >= r.Differing {
					t.Errorf("row %d differs and comes after one that does not", i)
				}
			}
			sent, rolled = sent+row.Figures.Sent, rolled+row.Figures.RolledUp
		}
		if n != r.Differing || sent != r.Totals.Sent || rolled != r.Totals.RolledUp || len(r.Rows) != r.RowCount {
			t.Errorf("%d of %d rows differ, sums %d and %d: %+v", n, len(r.Rows), sent, rolled, r)
		}
		return n, r
	}
	if n, r := differing(0); n != 0 || r.Totals.Sent == 0 {
		t.Fatalf("%d rows differ: %+v", n, r.Totals)
	}
	for _, day := range []time.Time{first.AddDate(0, 0, 1), last} {
		if _, err := conn.Exec(t.Context(), `update usage_day set requests = requests + 5 where ctid = (select ctid from usage_day where bucket = $1 and account_id = 2 limit 1) and bucket = $1`, day); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := differing(0); n != 1 {
		t.Errorf("%d rows differ before the sums are made anew, want that of the day that runs", n)
	}
	differingLevels := func(want int64) {
		t.Helper()
		levels, err := db.ReconcileLevels(t.Context(), first, last, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range levels {
			if want := map[controlplane.Granularity]int64{controlplane.ByDay: want}[l.Granularity]; l.From != nil && (l.Difference() != want || l.Sent == 0) {
				t.Errorf("by the %s: %d more than was sent, want %d", l.Granularity, l.Difference(), want)
			}
		}
	}
	differingLevels(5)
	if err := db.RenewCubes(t.Context(), now, time.Now().Add(time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	differingLevels(10)
	if n, r := differing(0); n != 2 || r.Totals.RolledUp-r.Totals.Sent != 10 {
		t.Errorf("%d rows differ, want 2: %+v", n, r.Totals)
	}
	if n, _ := differing(2); n != 2 {
		t.Errorf("%d rows of the account differ, want 2", n)
	}
	_, all := differing(0)
	read := all.Rows[:0:0]
	for after := (*controlplane.ReconciledPlace)(nil); ; {
		page, err := db.Reconcile(t.Context(), first, last, 0, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, page.Rows...)
		if !page.More {
			break
		}
		after = new(page.Rows[len(page.Rows)-1].Place())
		// What comes in meanwhile moves no row.
		if _, err := conn.Exec(t.Context(), `update cube_reconciled set sent = sent + account_id, by_day = by_day + account_id`); err != nil {
			t.Fatal(err)
		}
	}
	placed := func(rows []controlplane.ReconciliationRow) (places []controlplane.ReconciledPlace) {
		for i := range rows {
			places = append(places, rows[i].Place())
		}
		return places
	}
	if diff := cmp.Diff(placed(all.Rows), placed(read)); diff != "" || len(read) < 10 {
		t.Errorf("read page by page (-want +got):\n%s", diff)
	}
	beyond, err := db.Reconcile(t.Context(), first, last, 0, &controlplane.ReconciledPlace{Date: first.AddDate(-1, 0, 0)}, 5)
	if err != nil || len(beyond.Rows) != 0 || beyond.RowCount == 0 || beyond.Totals.Sent == 0 {
		t.Errorf("beyond the last page: %+v, %v", beyond, err)
	}
}
