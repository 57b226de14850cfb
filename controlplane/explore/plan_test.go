package explore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func zone(name string) *time.Location {
	z, err := explore.Zone("timeZone", name)
	if err != nil {
		panic(err)
	}
	return z
}

func by(g controlplane.Granularity) *controlplane.Granularity { return &g }

// A plan reads every minute of its range once, each from a bucket that lies in
// one point only.
func TestPartsTileTheRangeAndRespectPoints(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(60*rapid.Int64Range(20_000_000, 30_000_000).Draw(t, "from"), 0).UTC()
		q := explore.Question{
			From: from, To: from.Add(time.Duration(rapid.Int64Range(1, 70*24*60).Draw(t, "minutes")) * time.Minute),
			Zone: zone(rapid.SampledFrom(zones).Draw(t, "zone")), Top: 10,
			Compare: rapid.SampledFrom([]explore.Comparison{explore.WithPreviousPeriod, explore.WithPreviousYear}).Draw(t, "compare"),
		}
		if g := rapid.IntRange(-1, 3).Draw(t, "granularity"); g >= 0 {
			q.Granularity = by(controlplane.Granularity(g))
		}
		plan, err := q.Plan(explore.Kept{})
		if err != nil {
			if strings.Contains(err.Error(), "points") {
				return
			}
			t.Fatal(err)
		}
		checkTiles(t, plan)
		if plan.From.After(q.From) || plan.To.Before(q.To) {
			t.Fatalf("%v does not hold %v to %v", plan.Range, q.From, q.To)
		}
		previous, ok, err := q.Previous(plan, explore.Kept{}, plan.To)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		checkTiles(t, previous)
		if q.Compare == explore.WithPreviousPeriod && (!previous.To.Equal(plan.From) || len(previous.Points) != len(plan.Points)) {
			t.Fatalf("%v with %d points before %v with %d", previous.Range, len(previous.Points), plan.Range, len(plan.Points))
		}
	})
}

func checkTiles(t *rapid.T, p explore.Plan) {
	t.Helper()
	next := p.From
	starts := map[time.Time]bool{}
	for _, part := range p.Parts {
		if !part.From.Equal(next) || !part.Level.Truncate(part.From).Equal(part.From) || !part.Level.Truncate(part.To).Equal(part.To) {
			t.Fatalf("part %v does not follow %v in whole buckets", part, next)
		}
		for b := part.From; b.Before(part.To); b = part.Level.Next(b) {
			starts[b] = true
			i, _ := slices.BinarySearchFunc(p.Points, part.Level.Next(b), time.Time.Compare)
			if len(p.Points) > 0 && p.Points[i-1].After(b) {
				t.Fatalf("the %s of %v lies in two points", part.Level, b)
			}
		}
		next = part.To
	}
	if !next.Equal(p.To) {
		t.Fatalf("the parts end at %v, the range at %v", next, p.To)
	}
	for _, point := range p.Points {
		if !starts[point] {
			t.Fatalf("no bucket begins with the point %v", point)
		}
	}
}

func TestPlan(t *testing.T) {
	day, hour, month := by(controlplane.ByDay), by(controlplane.ByHour), by(controlplane.ByMonth)
	for name, tc := range map[string]struct {
		question  explore.Question
		wantHours []float64 // lengths of the points
		wantParts string
	}{
		"a day with 23 hours": {
			explore.Question{From: at("2026-03-28T00:00:00Z"), To: at("2026-03-30T12:00:00Z"), Granularity: day, Zone: zone("Europe/Berlin")},
			[]float64{24, 23, 24}, "hour 2026-03-27T23 2026-03-30T22",
		},
		"a day with 25 hours": {
			explore.Question{From: at("2026-10-25T10:00:00Z"), To: at("2026-10-25T11:00:00Z"), Granularity: day, Zone: zone("Europe/Berlin")},
			[]float64{25}, "hour 2026-10-24T22 2026-10-25T23",
		},
		"a month from days, with hours at both ends": {
			explore.Question{From: at("2026-06-15T00:00:00Z"), To: at("2026-06-16T00:00:00Z"), Granularity: month, Zone: zone("Europe/Berlin")},
			[]float64{720}, "hour 2026-05-31T22 2026-06-01T00, day 2026-06-01T00 2026-06-30T00, hour 2026-06-30T00 2026-06-30T22",
		},
		"hours between two hours, from minutes": {
			explore.Question{From: at("2026-06-15T00:45:00Z"), To: at("2026-06-15T01:15:00Z"), Granularity: hour, Zone: zone("Asia/Kolkata")},
			[]float64{1}, "minute 2026-06-15T00:30 2026-06-15T01:30",
		},
		"days of accounts in their own zone": {
			explore.Question{From: at("2026-10-24T10:00:00Z"), To: at("2026-10-25T11:00:00Z"), Granularity: day, Zone: zone("Europe/Berlin"), OwnZone: true},
			[]float64{24, 25}, "local day 2026-10-24T00 2026-10-26T00",
		},
		"months of accounts in their own zone": {
			explore.Question{From: at("2026-01-31T23:30:00Z"), To: at("2026-02-11T11:00:00Z"), Granularity: month, Zone: zone("Europe/Berlin"), OwnZone: true},
			[]float64{672}, "local month 2026-02-01T00 2026-03-01T00",
		},
		"totals of whole days of accounts in their own zone": {
			explore.Question{From: at("2026-05-30T22:00:00Z"), To: at("2026-07-02T22:00:00Z"), Zone: zone("Europe/Berlin"), OwnZone: true},
			nil, "local day 2026-05-31T00 2026-06-01T00, local month 2026-06-01T00 2026-07-01T00, local day 2026-07-01T00 2026-07-03T00",
		},
		"totals only": {
			explore.Question{From: at("2026-06-01T22:59:30Z"), To: at("2026-06-03T00:00:10Z"), Zone: time.UTC},
			nil, "minute 2026-06-01T22:59 2026-06-01T23:00, hour 2026-06-01T23 2026-06-02T00, day 2026-06-02T00 2026-06-03T00, minute 2026-06-03T00:00 2026-06-03T00:01",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := tc.question.Plan(explore.Kept{})
			if err != nil {
				t.Fatal(err)
			}
			var hours []float64
			for i, p := range plan.Points {
				end := plan.To
				if i+1 < len(plan.Points) {
					end = plan.Points[i+1]
				}
				hours = append(hours, end.Sub(p).Hours())
			}
			if diff := cmp.Diff(tc.wantHours, hours); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantParts, partsText(plan.Parts)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func partsText(parts []explore.Part) string {
	var texts []string
	for _, p := range parts {
		layout := "2006-01-02T15"
		if p.Level == controlplane.ByMinute {
			layout += ":04"
		}
		text := p.Level.String() + " " + p.From.Format(layout) + " " + p.To.Format(layout)
		if p.Local {
			text = "local " + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func TestPlanSaysWhatToDoAboutWhatIsNotKept(t *testing.T) {
	kept := explore.Kept{controlplane.ByMinute: at("2026-06-01T00:00:00Z"), controlplane.ByHour: at("2026-01-01T00:00:00Z"), controlplane.ByDay: at("2020-01-01T00:00:00Z"), controlplane.ByMonth: at("2019-01-01T00:00:00Z")}
	for name, tc := range map[string]struct {
		question  explore.Question
		field     string
		wantParts []string
	}{
		"minutes":          {explore.Question{Granularity: by(controlplane.ByMinute), From: at("2026-05-31T00:00:00Z"), Zone: time.UTC}, "input.from", []string{"2026-06-01T00:00:00Z", "HOUR"}},
		"hours":            {explore.Question{Granularity: by(controlplane.ByHour), From: at("2025-12-31T00:00:00Z"), Zone: time.UTC}, "input.from", []string{"2026-01-01T00:00:00Z", "DAY"}},
		"a zone off hours": {explore.Question{Granularity: by(controlplane.ByHour), From: at("2026-05-01T00:00:00Z"), Zone: zone("Asia/Kolkata")}, "input.timeZone", []string{"minutes", "UTC"}},
		"days of a zone":   {explore.Question{Granularity: by(controlplane.ByDay), From: at("2025-12-01T00:00:00Z"), Zone: zone("Europe/Berlin")}, "input.timeZone", []string{"hours", "accounts that have this time zone"}},
		"own days":         {explore.Question{Granularity: by(controlplane.ByDay), From: at("2019-12-31T00:00:00Z"), Zone: zone("Europe/Berlin"), OwnZone: true}, "input.from", []string{"2020-01-01T00:00:00Z", "MONTH"}},
		"a time of day":    {explore.Question{From: at("2026-05-01T00:07:00Z"), Zone: time.UTC}, "input.from", []string{"whole hour"}},
		"before all usage": {explore.Question{From: at("1970-01-01T00:00:00Z"), To: at("2026-03-29T00:30:00Z"), Zone: time.UTC}, "input.from", []string{"usage is kept since 2019-01-01T00:00:00Z", "begin then"}},
		"months":           {explore.Question{Granularity: by(controlplane.ByMonth), From: at("2018-12-01T00:00:00Z"), Zone: time.UTC}, "input.from", []string{"usage is kept since 2019-01-01T00:00:00Z", "begin then"}},
		"months of a zone": {explore.Question{Granularity: by(controlplane.ByMonth), From: at("1970-01-01T00:00:00Z"), To: at("2026-03-29T00:30:00Z"), Zone: zone("Europe/Berlin")}, "input.timeZone", []string{"hours", "accounts that have this time zone"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.question.To.IsZero() {
				tc.question.To = tc.question.From.Add(3 * time.Hour)
			}
			_, err := tc.question.Plan(kept)
			var fault *controlplane.Error
			if !errors.As(err, &fault) || fault.Field != tc.field {
				t.Fatalf("got %v, want a fault of %s", err, tc.field)
			}
			for _, want := range tc.wantParts {
				if !strings.Contains(fault.Message, want) {
					t.Errorf("%q does not say %q", fault.Message, want)
				}
			}
		})
	}
}

func TestPreviousEndsAsEarlyAsTheRangeHas(t *testing.T) {
	now := at("2026-06-15T09:30:20Z")
	for name, tc := range map[string]struct {
		question explore.Question
		kept     explore.Kept
		want     string
	}{
		"a day so far": {
			explore.Question{From: at("2026-06-15T00:00:00Z"), To: now, Granularity: by(controlplane.ByDay), Zone: time.UTC, Compare: explore.WithPreviousPeriod},
			explore.Kept{}, "2026-06-14T00:00 2026-06-14T09:31",
		},
		"a day so far, without minutes": {
			explore.Question{From: at("2026-06-15T00:00:00Z"), To: now, Granularity: by(controlplane.ByDay), Zone: time.UTC, Compare: explore.WithPreviousPeriod},
			explore.Kept{controlplane.ByMinute: at("2026-06-15T00:00:00Z")}, "2026-06-14T00:00 2026-06-14T10:00",
		},
		"whole days": {
			explore.Question{From: at("2026-06-10T00:00:00Z"), To: at("2026-06-13T00:00:00Z"), Granularity: by(controlplane.ByDay), Zone: time.UTC, Compare: explore.WithPreviousPeriod},
			explore.Kept{}, "2026-06-07T00:00 2026-06-10T00:00",
		},
		"days over a clock change, totals only": {
			explore.Question{From: at("2026-03-29T22:00:00Z"), To: at("2026-03-31T22:00:00Z"), Zone: zone("Europe/Berlin"), Compare: explore.WithPreviousPeriod},
			explore.Kept{}, "2026-03-27T23:00 2026-03-29T22:00",
		},
		"a leap day": {
			explore.Question{From: at("2024-02-29T00:00:00Z"), To: at("2024-03-01T00:00:00Z"), Granularity: by(controlplane.ByDay), Zone: time.UTC, Compare: explore.WithPreviousYear},
			explore.Kept{}, "2023-02-28T00:00 2023-03-01T00:00",
		},
		"a month a year before": {
			explore.Question{From: at("2026-05-10T00:00:00Z"), To: at("2026-05-12T00:00:00Z"), Granularity: by(controlplane.ByMonth), Zone: zone("Europe/Berlin"), Compare: explore.WithPreviousYear},
			explore.Kept{}, "2025-04-30T22:00 2025-05-31T22:00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := tc.question.Plan(tc.kept)
			if err != nil {
				t.Fatal(err)
			}
			previous, ok, err := tc.question.Previous(plan, tc.kept, now)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			const layout = "2006-01-02T15:04"
			if got := previous.From.Format(layout) + " " + previous.To.Format(layout); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestHeatMapCountsHoursAsTheClockShowsThem(t *testing.T) {
	// A week with the hour of 2 to 3 on Sunday left out, and one with it twice.
	for from, want := range map[string]int{"2026-03-22T23:00:00Z": 0, "2026-10-18T22:00:00Z": 2, "2026-06-07T22:00:00Z": 1} {
		start := at(from)
		heat, plan, err := explore.NewHeatMap(controlplane.Range{From: start, To: start.AddDate(0, 0, 6).Add(20 * time.Hour)}, zone("Europe/Berlin"), explore.Requests, explore.Kept{})
		if err != nil {
			t.Fatal(err)
		}
		sunday := 6*24 + 2
		if got := heat.Cells[sunday]; got.Occurrences != want || got.Weekday != 7 || got.Hour != 2 {
			t.Errorf("from %s: %+v, want %d occurrences", from, got, want)
		}
		if len(plan.Parts) != 1 || plan.Parts[0].Level != controlplane.ByHour {
			t.Errorf("parts %v", plan.Parts)
		}
		for b := plan.From; b.Before(plan.To); b = b.Add(time.Hour) {
			heat.Add(b, 3)
		}
		if mean := heat.Cells[sunday].Mean(); (mean == nil) != (want == 0) || mean != nil && *mean != 3 {
			t.Errorf("from %s: mean %v", from, mean)
		}
	}
}
