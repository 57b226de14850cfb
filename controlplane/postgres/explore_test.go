package postgres_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// The clocks of Berlin are put back on the 25th, those of Lord Howe forward by
// half an hour on the 4th.
var autumn = time.Date(2026, 10, 24, 10, 0, 0, 0, time.UTC)

// someEntries draws usage over four days around autumn, and a little a year before.
func someEntries(seed uint64) []wire.Entry {
	draw := rand.New(rand.NewPCG(seed, 1))
	pick := func(n ...uint64) uint64 { return n[draw.IntN(len(n))] }
	entries := map[wire.EntryKey]wire.Entry{}
	for range 1500 {
		at := autumn.Add(time.Duration(draw.IntN(4*24*60)) * time.Minute)
		if draw.IntN(8) == 0 {
			at = at.AddDate(-1, 0, 0)
		}
		k := wire.EntryKey{
			Minute: at.Unix() / 60, Account: pick(0, 1, 2, 3), Key: pick(0, 11, 12, 13), Endpoint: pick(0, 21, 22),
			Tier: pick(0, 5, 6), Status: uint16(pick(0, 200, 429, 500, 503)), Decision: wire.Decision(pick(1, 1, 1, 2, 3, 4, 5)),
		}
		e := wire.Entry{
			EntryKey: k, Requests: 1 + pick(0, 1, 9), Cost: pick(0, 1, 7), BytesIn: pick(10, 999), BytesOut: pick(0, 1<<33), DurationUS: pick(1, 10_000),
		}
		e.Shadowed = pick(0, e.Requests)
		e.Latency.Add(uint64(draw.IntN(2_000_000)))
		entries[k] = e
	}
	return slices.SortedFunc(maps.Values(entries), func(a, b wire.Entry) int { return a.Compare(b.EntryKey) })
}

func totalsOf(e wire.Entry) controlplane.Totals {
	n := int64(e.Requests)
	t := controlplane.Totals{
		Requests: n, Shadowed: int64(e.Shadowed), Cost: int64(e.Cost), BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut),
	}
	switch e.Decision {
	case wire.Allowed:
		t.Allowed, t.AllowedDurationUS, t.Latency = n, int64(e.DurationUS), slices.Clone(e.Latency)
		if e.Status >= 500 {
			t.Errors = n
		}
	case wire.Throttled:
		t.Throttled = n
	default:
		t.Refused = n
	}
	return t
}

func valueOf(e wire.Entry, d explore.Dimension) int64 {
	return [...]int64{int64(e.Account), int64(e.Key), int64(e.Endpoint), int64(e.Status), int64(e.Decision), int64(e.Tier)}[d]
}

func counts(f controlplane.UsageFilter, e wire.Entry) bool {
	has := func(ids []controlplane.ID, id uint64) bool {
		return len(ids) == 0 || slices.Contains(ids, controlplane.ID(id))
	}
	return has(f.Accounts, e.Account) && has(f.Keys, e.Key) && has(f.Endpoints, e.Endpoint) && has(f.Tiers, e.Tier) &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, int(e.Status))) &&
		(len(f.Decisions) == 0 || slices.Contains(f.Decisions, e.Decision))
}

// expected sums up entries as a report of the same range, points and question has
// them.
type expected struct {
	totals controlplane.Totals
	points []controlplane.Totals
	keys   map[uint64]bool
}

func expect(entries []wire.Entry, q explore.Question, r controlplane.Range, points []time.Time) (all *expected, groups map[explore.GroupKey]*expected) {
	fresh := func() *expected {
		return &expected{points: make([]controlplane.Totals, len(points)), keys: map[uint64]bool{}}
	}
	all, groups = fresh(), map[explore.GroupKey]*expected{}
	for _, e := range entries {
		at := time.Unix(e.Minute*60, 0)
		if at.Before(r.From) || !at.Before(r.To) || !counts(q.Filter, e) {
			continue
		}
		var k explore.GroupKey
		for i, d := range q.GroupBy {
			k[i] = valueOf(e, d)
		}
		if groups[k] == nil {
			groups[k] = fresh()
		}
		for _, x := range []*expected{all, groups[k]} {
			x.totals.Add(totalsOf(e))
			if e.Key != 0 {
				x.keys[e.Key] = true
			}
			if i := sort.Search(len(points), func(i int) bool { return points[i].After(at) }) - 1; i >= 0 {
				x.points[i].Add(totalsOf(e))
			}
		}
	}
	return all, groups
}

// bare leaves out what only the commit knows.
func bare(t controlplane.Totals) controlplane.Totals {
	t.Late = 0
	if len(t.Latency) == 0 {
		t.Latency = nil
	}
	return t
}

func drawQuestion(t *rapid.T) explore.Question {
	sample := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	zone, err := explore.Zone("timeZone", sample("zone", "UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Los_Angeles"))
	if err != nil {
		t.Fatal(err)
	}
	minutes := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 5*24*60).Draw(t, name)) * time.Minute
	}
	from := autumn.Add(-12*time.Hour + minutes("from"))
	q := explore.Question{
		From: from, To: from.Add(time.Minute + minutes("length")), Zone: zone,
		GroupBy: rapid.SampledFrom([][]explore.Dimension{
			nil, {explore.ByAccount}, {explore.ByKey, explore.ByStatus}, {explore.ByEndpoint, explore.ByTier, explore.ByDecision}, {explore.ByDecision},
		}).Draw(t, "by"),
		OrderBy: explore.Measure(rapid.IntRange(0, 7).Draw(t, "measure")),
		Top:     rapid.IntRange(1, 12).Draw(t, "top"),
		Compare: explore.Comparison(rapid.IntRange(0, 2).Draw(t, "compare")),
		Want:    explore.Want{Latency: true, UniqueKeys: true},
	}
	if g := rapid.IntRange(-1, 3).Draw(t, "granularity"); g >= 0 {
		granularity := controlplane.Granularity(g)
		q.Granularity, q.Want.Series = &granularity, true
	}
	switch rapid.IntRange(0, 4).Draw(t, "filter") {
	case 4:
		q.Filter.Accounts, q.OwnZone = []controlplane.ID{2}, zone.String() == "Europe/Berlin"
	case 1:
		q.Filter.Accounts = []controlplane.ID{0, 2}
	case 2:
		q.Filter = controlplane.UsageFilter{Keys: []controlplane.ID{11, 12}, Statuses: []int{200, 500}}
	case 3:
		q.Filter = controlplane.UsageFilter{Endpoints: []controlplane.ID{0, 21}, Tiers: []controlplane.ID{5}, Decisions: []wire.Decision{wire.Allowed, wire.Throttled}}
	}
	return q
}

// What is answered is what adding up the entries one by one gives.
func TestExploreIsTheSumOfWhatWasCounted(t *testing.T) {
	db := open(t)
	for i, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
		if _, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: strconv.Itoa(i), TimeZone: zone, BillingDay: 1}); err != nil {
			t.Fatal(err)
		}
	}
	entries := someEntries(7)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	for i := 0; i < len(entries); i += 400 {
		commit(t, db, &wire.Batch{Source: wire.SourceID{1}, Sequence: uint64(1 + i/400), Node: "n", Entries: entries[i:min(i+400, len(entries))]})
		// Some buckets are summed up, some were and got more since.
		most := 60
		if i+800 >= len(entries) && i+400 < len(entries) {
			most = 100_000
		}
		if _, err := db.BuildCubes(t.Context(), autumn.AddDate(0, 0, 4), most); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, db, &wire.Batch{Source: wire.SourceID{2}, Sequence: 1, Node: "n", Entries: entries[:3]})
	entries = append(entries, entries[:3]...)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		report, err := db.Explore(t.Context(), q, autumn.AddDate(1, 0, 0))
		if err != nil {
			if len(controlplane.Faults(err)) > 0 && q.Granularity != nil && *q.Granularity == controlplane.ByMinute {
				return // too many points
			}
			t.Fatal(err)
		}
		all, groups := expect(entries, q, report.Range, report.Points)
		same := func(what string, got explore.Figures, want *expected) {
			t.Helper()
			if diff := gocmp.Diff(bare(want.totals), bare(got.Totals)); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", what, diff)
			}
			if what != "other" && got.UniqueKeys != int64(len(want.keys)) {
				t.Fatalf("%s: %d keys, want %d", what, got.UniqueKeys, len(want.keys))
			}
		}
		same("totals", report.Totals, all)
		if q.Want.Series {
			var requests []int64
			for _, p := range all.points {
				requests = append(requests, p.Requests)
			}
			if diff := gocmp.Diff(requests, report.Series.Requests); diff != "" {
				t.Fatalf("series (-want +got):\n%s", diff)
			}
		}
		checkGroups(t, q, report, groups, same)
		if q.Compare != explore.WithNothing {
			before, earlier := expect(entries, q, report.Previous.Range, report.Previous.Points)
			same("previous", report.Previous.Totals, before)
			for _, g := range report.Groups {
				want := earlier[g.Key]
				if want == nil {
					want = &expected{}
				}
				same("a group before", *g.Previous, want)
				for p := range want.points {
					if got := g.PreviousSeries.Requests[p]; q.Want.Series && got != want.points[p].Requests {
						t.Fatalf("point %d before: %d requests, want %d", p, got, want.points[p].Requests)
					}
				}
			}
		}
	})
}

func checkGroups(t *rapid.T, q explore.Question, report *explore.Report, groups map[explore.GroupKey]*expected, same func(string, explore.Figures, *expected)) {
	t.Helper()
	if len(q.GroupBy) == 0 {
		if len(report.Groups) > 0 || report.Other != nil {
			t.Fatalf("%d groups of nothing", len(report.Groups))
		}
		return
	}
	order := slices.SortedFunc(maps.Keys(groups), func(a, b explore.GroupKey) int {
		return cmp.Or(cmp.Compare(q.OrderBy.Of(&groups[b].totals), q.OrderBy.Of(&groups[a].totals)), slices.Compare(a[:], b[:]))
	})
	top := min(q.Top, len(order))
	if report.GroupCount != len(order) || len(report.Groups) != top || (report.Other == nil) != (top == len(order)) {
		t.Fatalf("%d groups of %d, want %d of %d", len(report.Groups), report.GroupCount, top, len(order))
	}
	for i, g := range report.Groups {
		if g.Key != order[i] {
			t.Fatalf("group %d is %v, want %v", i, g.Key, order[i])
		}
		same("a group", g.Totals, groups[g.Key])
		if q.Want.Series {
			for p, want := range groups[g.Key].points {
				if g.Series.Requests[p] != want.Requests || g.Series.BytesOut[p] != want.BytesOut {
					t.Fatalf("group %d, point %d: %d requests, want %d", i, p, g.Series.Requests[p], want.Requests)
				}
			}
		}
	}
	if report.Other != nil {
		rest := &expected{}
		for _, k := range order[top:] {
			rest.totals.Add(groups[k].totals)
		}
		same("other", report.Other.Totals, rest)
	}
}

// commitSummed commits entries, of which all but some have been summed up, and
// returns all.
func commitSummed(t *testing.T, db *postgres.DB, entries []wire.Entry) []wire.Entry {
	t.Helper()
	entries = slices.DeleteFunc(entries, func(e wire.Entry) bool { return e.Minute*60 < autumn.Unix() })
	commit(t, db, &wire.Batch{Source: wire.SourceID{1}, Sequence: 1, Node: "n", Entries: entries})
	if built, err := db.BuildCubes(t.Context(), autumn.AddDate(0, 0, 4), 100_000); built == 0 || err != nil {
		t.Fatalf("%d buckets are summed up: %v", built, err)
	}
	late := slices.Clone(entries[:2])
	commit(t, db, &wire.Batch{Source: wire.SourceID{1}, Sequence: 2, Node: "n", Entries: late})
	return append(entries, late...)
}

func TestHeatMapIsTheSumOfWhatWasCounted(t *testing.T) {
	db := open(t)
	entries := commitSummed(t, db, someEntries(8))
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"} {
		zone, err := explore.Zone("timeZone", name)
		if err != nil {
			t.Fatal(err)
		}
		span := controlplane.Range{From: autumn, To: autumn.AddDate(0, 0, 5)}
		heat, err := db.HeatMap(t.Context(), span, zone, explore.Cost, controlplane.UsageFilter{Accounts: []controlplane.ID{1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		var want [explore.HoursOfWeek]int64
		for _, e := range entries {
			at := time.Unix(e.Minute*60, 0).In(zone)
			if !at.Before(heat.From) && at.Before(heat.To) && (e.Account == 1 || e.Account == 2) {
				want[(int(at.Weekday())+6)%7*24+at.Hour()] += int64(e.Cost)
			}
		}
		occurrences := 0
		for i, cell := range heat.Cells {
			occurrences += cell.Occurrences
			if cell.Total != want[i] {
				t.Errorf("%s, weekday %d, hour %d: %d, want %d", name, cell.Weekday, cell.Hour, cell.Total, want[i])
			}
		}
		if occurrences < 5*24 || occurrences > 5*24+2 {
			t.Errorf("%s: %d hours in five days", name, occurrences)
		}
	}
}

// An export has what questions are answered with, row by row.
func TestExportHasTheSeriesOfExplore(t *testing.T) {
	db := open(t)
	commitSummed(t, db, someEntries(9))
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
		zone, err := explore.Zone("timeZone", name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range controlplane.Granularities {
			from, to := autumn, autumn.AddDate(0, 0, 3)
			report, err := db.Explore(t.Context(), explore.Question{From: from, To: to, Granularity: &g, Zone: zone, Top: 1, Want: explore.Want{Series: true}}, to)
			if err != nil {
				t.Fatal(err)
			}
			e := explore.Export{From: from, To: to, Granularity: &g, Zone: zone, GroupBy: explore.Dimensions[:]}
			sums, durations := map[int64]int64{}, uint64(0)
			last := explore.ExportRow{}
			err = db.Export(t.Context(), e, func() error { return nil }, func(rows []explore.ExportRow) error {
				for _, r := range rows {
					if order := cmp.Or(last.At.Compare(r.At), slices.Compare(last.Values, r.Values)); order >= 0 {
						t.Errorf("%v %v after %v %v", r.At, r.Values, last.At, last.Values)
					}
					last = r
					sums[r.At.Unix()] += r.Totals.Requests
					durations += r.Totals.Latency.Count()
				}
				return nil
			})
			if err != nil || durations == 0 {
				t.Fatalf("%d durations, %v", durations, err)
			}
			for i, at := range report.Points {
				if sums[at.Unix()] != report.Series.Requests[i] {
					t.Errorf("%s by the %s at %v: %d requests, want %d", name, g, at, sums[at.Unix()], report.Series.Requests[i])
				}
			}
		}
	}
}
