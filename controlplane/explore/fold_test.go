package explore_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// rows draws rows of a rollup.
func rows(random *rand.Rand, n int) (all []explore.Row) {
	for range n {
		var values [len(explore.Dimensions)]int64
		for d := range values {
			values[d] = random.Int64N(3)
		}
		values[explore.ByDecision] = 1 + random.Int64N(7)
		values[explore.ByStatus] = []int64{0, 200, 429, 503}[random.IntN(4)]
		var h wire.Histogram
		h.Add(random.Uint64N(1 << 30))
		all = append(all, explore.RollupRow(values, 1+random.Int64N(9), 1, 0, 3, 4, 5, 6, usage.AppendLatency(nil, h)))
	}
	return all
}

func rolled(t *testing.T, c explore.Cube, from []explore.Row) []explore.Row {
	t.Helper()
	r := explore.NewRoller(c)
	for i := range from {
		if err := r.Add(&from[i]); err != nil {
			t.Fatal(err)
		}
	}
	sums, err := r.Rows()
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func packed(part explore.Part, bucket time.Time, sums []explore.Row) explore.Packed {
	p := explore.Packed{Part: part, Bucket: bucket}
	p.Sums, p.Latency = explore.Pack(sums, true)
	return p
}

// totalsOf folds packs into what everything has at each point.
func totalsOf(t *testing.T, p explore.Plan, packs ...explore.Packed) []controlplane.Totals {
	t.Helper()
	fold := explore.NewFold(p, nil, controlplane.UsageFilter{}, nil, true)
	for _, pack := range packs {
		if err := fold.Add(pack); err != nil {
			t.Fatal(err)
		}
	}
	totals := make([]controlplane.Totals, max(1, len(p.Points)))
	fold.Each(func(_, point int, sum controlplane.Totals) { totals[point] = sum })
	return totals
}

func TestEveryCubeHasTheSumOfItsRollup(t *testing.T) {
	base := rows(rand.New(rand.NewPCG(1, 2)), 500)
	want := totalsOf(t, explore.Plan{}, packed(explore.Part{}, at("2026-06-01T00:00:00Z"), rolled(t, explore.WholeCube, base)))
	if want[0].Requests == 0 || want[0].Latency.Count() == 0 || want[0].Errors == 0 {
		t.Fatalf("nothing to sum up: %+v", want)
	}
	for _, g := range controlplane.Granularities {
		for _, c := range explore.PackedCubes(g) {
			got := totalsOf(t, explore.Plan{}, packed(explore.Part{}, at("2026-06-01T00:00:00Z"), rolled(t, c, base)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of the %s (-rollup +cube):\n%s", c, g, diff)
			}
		}
	}
}

func TestASumThatNoColumnHoldsIsAnError(t *testing.T) {
	large := explore.RollupRow([len(explore.Dimensions)]int64{explore.ByDecision: 1}, 1, 0, 0, 0, 0, math.MaxInt64, 0, nil)
	r := explore.NewRoller(explore.TotalCube)
	if err := r.Add(&large); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(&large); err == nil || !strings.Contains(err.Error(), "largest") {
		t.Errorf("rolled up: %v", err)
	}
	fold := explore.NewFold(explore.Plan{}, nil, controlplane.UsageFilter{}, nil, false)
	pack := packed(explore.Part{}, at("2026-06-01T00:00:00Z"), []explore.Row{large})
	if err := fold.Add(pack); err != nil {
		t.Fatal(err)
	}
	if err := fold.Add(pack); err == nil {
		t.Error("folded without an error")
	}
}

// A year by the day of a zone is read from days in UTC, and says what its hours do.
func TestDaysOfAnotherZoneAreReadFromDaysInUTC(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Pacific/Auckland", "Etc/GMT+12"} {
		t.Run(name, func(t *testing.T) {
			q := explore.Question{From: at("2026-02-20T09:00:00Z"), To: at("2026-04-20T09:00:00Z"), Granularity: by(controlplane.ByDay), Zone: zone(name)}
			plan, err := q.Plan(explore.Kept{})
			if err != nil {
				t.Fatal(err)
			}
			var built explore.Built
			for _, g := range controlplane.Granularities {
				built[g] = map[int64]bool{}
			}
			hours, days := map[int64][]explore.Row{}, map[int64][]explore.Row{}
			first := controlplane.ByDay.Truncate(plan.From)
			for h := first; h.Before(plan.To.Add(48 * time.Hour)); h = h.Add(time.Hour) {
				some, day := rows(random, 3), controlplane.ByDay.Truncate(h).Unix()
				hours[h.Unix()], days[day] = some, append(days[day], some...)
				built[controlplane.ByHour][h.Unix()], built[controlplane.ByDay][day] = true, true
			}
			// One day, and one hour of another, have not been summed up.
			delete(built[controlplane.ByDay], at("2026-03-10T00:00:00Z").Unix())
			delete(built[controlplane.ByHour], plan.Points[40].Unix())

			want := make([]controlplane.Totals, len(plan.Points))
			for h := plan.From; h.Before(plan.To); h = h.Add(time.Hour) {
				sum := totalsOf(t, explore.Plan{}, packed(explore.Part{}, h, rolled(t, explore.TotalCube, hours[h.Unix()])))
				want[plan.PointOf(h)].Add(sum[0])
			}
			read := plan.UseCubes(built, explore.Kept{}, explore.NeedOf(nil, controlplane.UsageFilter{}, true))
			var packs []explore.Packed
			wholeDays := 0
			for _, part := range read.Parts {
				for b := part.From; b.Before(part.To); b = part.Level.Next(b) {
					from := hours
					if part.Level == controlplane.ByDay {
						from = days
						wholeDays++
					}
					packs = append(packs, packed(part, b, rolled(t, explore.TotalCube, from[b.Unix()])))
				}
			}
			if got := totalsOf(t, read, packs...); cmp.Diff(want, got) != "" {
				t.Errorf("(-hours +days):\n%s", cmp.Diff(want, got))
			}
			if wholeDays < len(plan.Points)-6 {
				t.Errorf("%d days are read, of %d", wholeDays, len(plan.Points))
			}
		})
	}
}

func TestPiecesOfAnExportBeginWithOnePointAndLeaveOutNothing(t *testing.T) {
	for name, e := range map[string]explore.Export{
		"days":           {From: at("2026-01-01T00:00:00Z"), To: at("2026-03-01T05:00:00Z"), Granularity: by(controlplane.ByDay), Zone: time.UTC},
		"days of a zone": {From: at("2026-01-01T00:00:00Z"), To: at("2026-03-01T05:00:00Z"), Granularity: by(controlplane.ByDay), Zone: zone("Europe/Berlin")},
		"own days":       {From: at("2026-01-01T00:00:00Z"), To: at("2026-03-01T05:00:00Z"), Granularity: by(controlplane.ByDay), Zone: zone("Europe/Berlin"), OwnZone: true},
		"a sum":          {From: at("2026-01-01T00:30:00Z"), To: at("2026-03-01T05:00:00Z"), Zone: time.UTC},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := e.Plan(explore.Kept{})
			if err != nil {
				t.Fatal(err)
			}
			length := func(p explore.Plan) (sum time.Duration) {
				for _, part := range p.Parts {
					sum += part.To.Sub(part.From)
				}
				return sum
			}
			pieces := e.Pieces(plan)
			var all time.Duration
			for i, p := range pieces {
				all += length(p)
				if i > 0 && p.Parts[0].From.Before(pieces[i-1].Parts[0].From) {
					t.Errorf("piece %d begins before the last one", i)
				}
			}
			if all != length(plan) {
				t.Errorf("the pieces are %v long, of %v", all, length(plan))
			}
			if first := length(pieces[0]); e.Granularity != nil && first > 25*time.Hour {
				t.Errorf("the first piece is %v long", first)
			}
		})
	}
}
