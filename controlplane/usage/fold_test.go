package usage_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
				Tier:     rapid.Uint64Range(0, 1).Draw(t, "tier"),
				Status:   rapid.SampledFrom([]uint16{0, 200, 503}).Draw(t, "status"),
				Decision: rapid.SampledFrom([]wire.Decision{wire.Allowed, wire.Throttled}).Draw(t, "decision"),
			},
			Requests: n, Shadowed: n / 2, Cost: 2 * n, BytesIn: 3 * n, BytesOut: 5 * n, DurationUS: 7 * n, Latency: latency,
		}
	})
	batch := rapid.Custom(func(t *rapid.T) *wire.Batch {
		return &wire.Batch{Sequence: 1, Entries: rapid.SliceOfN(entry, 0, 20).Draw(t, "entries")}
	})
	return rapid.SliceOfN(batch, 0, 5).Draw(t, "batches")
}

// sums are what a level has in all.
type sums struct {
	usage.Sums
	Latency wire.Histogram
}

func sumOf(rows []usage.Row) (all sums) {
	for _, r := range rows {
		all.Requests += r.Requests
		all.Shadowed += r.Shadowed
		all.Late += r.Late
		all.Cost += r.Cost
		all.BytesIn += r.BytesIn
		all.BytesOut += r.BytesOut
		all.DurationUS += r.DurationUS
		all.Latency = merged(all.Latency, r.Latency)
	}
	return all
}

// merged adds histograms of which the counts may be negative.
func merged(a wire.Histogram, b wire.Histogram) (sum wire.Histogram) {
	counts := map[uint16]uint64{}
	for _, bin := range slices.Concat(a, b) {
		counts[bin.Index] += bin.Count
	}
	for _, index := range slices.Sorted(maps.Keys(counts)) {
		if counts[index] != 0 {
			sum = append(sum, wire.Bin{Index: index, Count: counts[index]})
		}
	}
	return sum
}

func TestFoldCountsEverythingOnceInEveryLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := drawBatches(t)
		var want sums
		for _, b := range batches {
			for _, e := range b.Entries {
				want.Requests += int64(e.Requests)
				want.Shadowed += int64(e.Shadowed)
				want.Cost += int64(e.Cost)
				want.BytesIn += int64(e.BytesIn)
				want.BytesOut += int64(e.BytesOut)
				want.DurationUS += int64(e.DurationUS)
				want.Latency.Merge(e.Latency)
			}
		}
		for l, rows := range usage.Fold(batches, usage.Terms{Zones: zones}).Usage {
			for _, r := range rows {
				if got := usage.Level(l).Begin(r.Minute); got != r.Minute {
					t.Fatalf("minute %d is not the beginning of a %v, which is %d", r.Minute, usage.Level(l), got)
				}
			}
			want := want
			if usage.Level(l) >= usage.DayShifts {
				want = sums{} // they only move it
			}
			if diff := cmp.Diff(want, sumOf(rows)); diff != "" {
				t.Fatalf("by the %v (-batches +rows):\n%s", usage.Level(l), diff)
			}
		}
	})
}

func TestFoldGivesEachKeyOneRowInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for l, rows := range usage.Fold(drawBatches(t), usage.Terms{Zones: zones}).Usage {
			for i := range rows {
				if i > 0 && rows[i-1].Compare(rows[i].EntryKey) >= 0 {
					t.Fatalf("by the %v: %+v is not after %+v", usage.Level(l), rows[i].EntryKey, rows[i-1].EntryKey)
				}
			}
		}
	})
}

func TestFoldLeavesItsInputAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := drawBatches(t)
		var before []wire.Histogram
		for _, b := range batches {
			for _, e := range b.Entries {
				before = append(before, slices.Clone(e.Latency))
			}
		}
		usage.Fold(batches, usage.Terms{})
		for _, b := range batches {
			for _, e := range b.Entries {
				if diff := cmp.Diff(before[0], e.Latency); diff != "" {
					t.Fatalf("a batch's latencies changed (-before +after):\n%s", diff)
				}
				before = before[1:]
			}
		}
	})
}

// zones are those of accounts 1 and 2; account 0 has none.
var zones = map[controlplane.ID]*time.Location{1: mustLoad("America/New_York"), 2: mustLoad("Asia/Kathmandu")}

func mustLoad(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func at(account uint64, when time.Time) *wire.Batch {
	return &wire.Batch{Sequence: 1, Entries: []wire.Entry{{
		EntryKey: wire.EntryKey{Minute: when.Unix() / 60, Account: account, Decision: wire.Allowed}, Requests: 1,
	}}}
}

func TestLocalDaysFollowTheAccountsZone(t *testing.T) {
	newYork := zones[1]
	for name, tc := range map[string]struct {
		account uint64
		at      time.Time
		day     string
	}{
		"before midnight in winter":             {1, time.Date(2026, 1, 2, 4, 59, 0, 0, time.UTC), "2026-01-01"},
		"at midnight in winter":                 {1, time.Date(2026, 1, 2, 5, 0, 0, 0, time.UTC), "2026-01-02"},
		"before midnight in summer":             {1, time.Date(2026, 7, 2, 3, 59, 0, 0, time.UTC), "2026-07-01"},
		"at midnight in summer":                 {1, time.Date(2026, 7, 2, 4, 0, 0, 0, time.UTC), "2026-07-02"},
		"the first minute of a day of 23 hours": {1, time.Date(2026, 3, 8, 0, 0, 0, 0, newYork), "2026-03-08"},
		"the last minute of a day of 23 hours":  {1, time.Date(2026, 3, 8, 23, 59, 0, 0, newYork), "2026-03-08"},
		"the last minute of a day of 25 hours":  {1, time.Date(2026, 11, 1, 23, 59, 0, 0, newYork), "2026-11-01"},
		"a zone of 45 minutes":                  {2, time.Date(2026, 5, 31, 18, 15, 0, 0, time.UTC), "2026-06-01"},
		"without a zone":                        {0, time.Date(2026, 5, 31, 23, 59, 0, 0, time.UTC), "2026-05-31"},
	} {
		t.Run(name, func(t *testing.T) {
			levels := usage.Fold([]*wire.Batch{at(tc.account, tc.at)}, usage.Terms{Zones: zones}).Usage
			for _, at := range []struct {
				level, shift usage.Level
				want         string
			}{{usage.Days, usage.DayShifts, tc.day}, {usage.Months, usage.MonthShifts, tc.day[:7] + "-01"}} {
				got := map[string]int64{}
				for _, r := range slices.Concat(levels[at.level], levels[at.shift]) {
					got[time.Unix(r.Minute*60, 0).UTC().Format(time.DateOnly)] += r.Requests
				}
				maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
				if diff := cmp.Diff(map[string]int64{at.want: 1}, got); diff != "" {
					t.Errorf("by the %v with its shifts (-want +got):\n%s", at.level, diff)
				}
			}
		})
	}
}

// Whatever the zones and the minutes, days and their shifts are what one gets by
// asking the calendar of each minute's account.
func TestDaysWithShiftsAreDaysOfTheZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := drawBatches(t)
		type key struct {
			day string
			wire.EntryKey
		}
		want, got := map[key]int64{}, map[key]int64{}
		for _, b := range batches {
			for _, e := range b.Entries {
				k := key{EntryKey: e.EntryKey}
				zone := time.UTC
				if z := zones[controlplane.ID(e.Account)]; z != nil {
					zone = z
				}
				k.day, k.Minute = time.Unix(e.Minute*60, 0).In(zone).Format(time.DateOnly), 0
				want[k] += int64(e.Requests)
			}
		}
		levels := usage.Fold(batches, usage.Terms{Zones: zones}).Usage
		for _, r := range slices.Concat(levels[usage.Days], levels[usage.DayShifts]) {
			k := key{time.Unix(r.Minute*60, 0).UTC().Format(time.DateOnly), r.EntryKey}
			k.Minute = 0
			got[k] += r.Requests
		}
		maps.DeleteFunc(got, func(_ key, n int64) bool { return n == 0 })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-by the calendar +levels):\n%s", diff)
		}
	})
}

func TestWhatALevelDoesNotKeepIsInTheCoarserOnes(t *testing.T) {
	kept, gone := time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 14, 23, 59, 0, 0, time.UTC)
	var terms usage.Terms
	terms.Kept[usage.Minutes] = usage.Span{From: kept.Unix() / 60, Until: kept.Add(48*time.Hour).Unix() / 60}
	levels := usage.Fold([]*wire.Batch{at(7, kept), at(7, gone), at(7, kept.Add(48*time.Hour))}, terms).Usage
	for l, want := range map[usage.Level]int64{usage.Minutes: 1, usage.Hours: 3, usage.Days: 3, usage.Months: 3} {
		if got := sumOf(levels[l]).Requests; got != want {
			t.Errorf("by the %v: %d requests, want %d", l, got, want)
		}
	}
}

func TestWhatIsCommittedTenMinutesAfterItsMinuteIsLate(t *testing.T) {
	end := time.Date(2026, 6, 15, 12, 1, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		now  time.Time
		late int64
	}{
		"nine minutes after":   {end.Add(9*time.Minute + 59*time.Second), 0},
		"eleven minutes after": {end.Add(11 * time.Minute), 1},
		"before":               {end.Add(-time.Hour), 0},
	} {
		t.Run(name, func(t *testing.T) {
			for l, rows := range usage.Fold([]*wire.Batch{at(7, end.Add(-time.Minute))}, usage.Terms{Now: tc.now}).Usage {
				if usage.Level(l) >= usage.DayShifts {
					continue
				}
				if got := sumOf(rows); got.Late != tc.late || got.Requests != 1 {
					t.Errorf("by the %v: %d of %d requests are late, want %d", usage.Level(l), got.Late, got.Requests, tc.late)
				}
			}
		})
	}
}

func TestVerdictsAndMetersCountOnceInEveryLevel(t *testing.T) {
	minute := time.Date(2026, 1, 31, 23, 59, 0, 0, time.UTC).Unix() / 60
	b := &wire.Batch{
		Verdicts: []wire.VerdictEntry{
			{VerdictKey: wire.VerdictKey{Minute: minute, Account: 1, Limit: 2, Verdict: wire.Denied}, Requests: 3, Amount: 5},
			{VerdictKey: wire.VerdictKey{Minute: minute + 1, Account: 1, Limit: 2, Verdict: wire.Denied}, Requests: 1, Amount: 1},
		},
		Meters: []wire.MeterEntry{{MeterKey: wire.MeterKey{Minute: minute, Account: 1, Meter: 9}, Requests: 2, Amount: 700}},
	}
	r := usage.Fold([]*wire.Batch{b, b}, usage.Terms{})
	for l := range r.Verdicts {
		var requests, amount int64
		for _, v := range r.Verdicts[l] {
			requests += v.Requests
			amount += v.Amount
		}
		if requests != 8 || amount != 12 || len(r.Verdicts[l]) != 2 {
			t.Errorf("by the %v: %d verdicts with %d units in %d rows, want 8 with 12 in 2", usage.Level(l), requests, amount, len(r.Verdicts[l]))
		}
		m := r.Meters[l]
		if len(m) != 1 || m[0].Requests != 4 || m[0].Amount != 1400 || m[0].Meter != 9 {
			t.Errorf("by the %v: %+v", usage.Level(l), m)
		}
	}
}

func TestSentByCountsEachSourceAccountAndDay(t *testing.T) {
	day := time.Date(2026, 6, 14, 0, 0, 0, 0, time.UTC)
	b := &wire.Batch{Source: wire.SourceID{2}, Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: day.Unix() / 60, Account: 7, Status: 200}, Requests: 3},
		{EntryKey: wire.EntryKey{Minute: day.Unix()/60 + 1439, Account: 7, Status: 404}, Requests: 4},
		{EntryKey: wire.EntryKey{Minute: day.Unix()/60 + 1440, Account: 7}, Requests: 5},
	}}
	other := &wire.Batch{Source: wire.SourceID{1}, Entries: b.Entries[:1]}
	want := []usage.Sent{
		{Day: day, Account: 7, Source: wire.SourceID{1}, Requests: 3},
		{Day: day, Account: 7, Source: wire.SourceID{2}, Requests: 7},
		{Day: day.AddDate(0, 0, 1), Account: 7, Source: wire.SourceID{2}, Requests: 5},
	}
	if diff := cmp.Diff(want, usage.SentBy([]*wire.Batch{b, other})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLatenciesAddUpByJoining(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want wire.Histogram
		var stored []byte
		for range rapid.IntRange(0, 5).Draw(t, "parts") {
			var part wire.Histogram
			for _, us := range rapid.SliceOfN(rapid.Uint64Range(0, 2*wire.MaxLatencyUS), 0, 20).Draw(t, "durations") {
				part.Add(us)
			}
			want.Merge(part)
			stored = usage.AppendLatency(stored, part)
		}
		got, err := usage.ReadLatency(stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestReadLatencyRefusesWhatIsNone(t *testing.T) {
	for name, stored := range map[string][]byte{
		"a bin without a count":   {0, 1},
		"a bin that is not there": {0, 0xff, 0xff, 0x03, 1},
		"a bin beyond the last":   {0, 0xf0, 0x04, 1, 0xf0, 0x04, 1},
		"a number that goes on":   {0, 0x80},
		"a bin before a zero":     {1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if h, err := usage.ReadLatency(stored); err == nil {
				t.Errorf("got %v", h)
			}
		})
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
