package postgres_test

import (
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// amount of a group in the meters of a report.
type amount struct {
	Account  int64
	Total    int64
	Along    []int64
	Before   []int64
	Share    float64
	Requests []int64
}

func TestMetersAlongPointsAndByGroup(t *testing.T) {
	db := open(t)
	tokens, _, err := db.CreateMeter(t.Context(), controlplane.Meter{Name: "Tokens", Unit: "tokens", Header: "x-tokens"})
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	sent := uint64(0)
	send := func(account uint64, at time.Time, requests, tokensUsed uint64) {
		sent++
		b := batch(1, sent, account, requests)
		b.Entries[0].Minute = at.Unix() / 60
		if tokensUsed > 0 {
			b.Meters = []wire.MeterEntry{{MeterKey: wire.MeterKey{Minute: at.Unix() / 60, Account: account, Meter: uint64(tokens.ID)}, Requests: requests, Amount: tokensUsed}}
		}
		commit(t, db, b)
	}
	send(1, hour.Add(-time.Hour), 1, 7)
	send(1, hour, 10, 100)
	send(1, hour.Add(time.Hour+5*time.Minute), 1, 50)
	send(2, hour.Add(time.Minute), 1, 1000)
	send(3, hour.Add(time.Hour), 500, 0)
	send(4, hour.Add(time.Hour), 1, 2)

	hourly := controlplane.ByHour
	ask := func(q explore.Question) *explore.Report {
		t.Helper()
		q.From, q.To, q.Zone, q.Meters = hour, hour.Add(2*time.Hour), time.UTC, []controlplane.ID{tokens.ID}
		q.GroupBy = []explore.Dimension{explore.ByAccount}
		report, err := db.Explore(t.Context(), q, hour.Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	amounts := func(r *explore.Report) (all []amount) {
		for _, g := range r.Groups {
			a := amount{Account: g.Key[0], Total: g.Totals.Meters[0].Amount, Share: g.Share}
			if g.Series != nil {
				a.Along, a.Requests = g.Series.Meters[0].Amount, g.Series.Meters[0].Requests
			}
			if g.PreviousSeries != nil {
				a.Before = g.PreviousSeries.Meters[0].Amount
			}
			all = append(all, a)
		}
		return all
	}
	t.Run("ranked by the meter, with the points of each", func(t *testing.T) {
		r := ask(explore.Question{Granularity: &hourly, OrderByMeter: tokens.ID, Top: 2, Compare: explore.WithPreviousPeriod, Want: explore.Want{Series: true}})
		want := []amount{
			{Account: 2, Total: 1000, Along: []int64{1000, 0}, Requests: []int64{1, 0}, Before: []int64{0, 0}, Share: 1000. / 1152},
			{Account: 1, Total: 150, Along: []int64{100, 50}, Requests: []int64{10, 1}, Before: []int64{0, 7}, Share: 150. / 1152},
		}
		if diff := gocmp.Diff(want, amounts(r)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff([]int64{1100, 52}, r.Series.Meters[0].Amount); diff != "" {
			t.Errorf("in all (-want +got):\n%s", diff)
		}
		if o := r.Other; r.GroupCount != 4 || o == nil || o.Totals.Meters[0].Amount != 2 || o.Totals.Requests != 501 || o.Series.Meters[0].Amount[1] != 2 {
			t.Errorf("%d groups, the rest %+v", r.GroupCount, o)
		}
		if diff := gocmp.Diff([]int64{0, 7}, r.Previous.Series.Meters[0].Amount); diff != "" {
			t.Errorf("before, in all (-want +got):\n%s", diff)
		}
	})
	t.Run("ranked by requests, in all", func(t *testing.T) {
		got := amounts(ask(explore.Question{Top: 2}))
		want := []amount{{Account: 3, Share: 500. / 513}, {Account: 1, Total: 150, Share: 11. / 513}}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("by one that isn't asked for", func(t *testing.T) {
		_, err := db.Explore(t.Context(), explore.Question{From: hour, To: hour.Add(time.Hour), Zone: time.UTC, Top: 1, OrderByMeter: tokens.ID}, hour)
		wantFault(t, err, controlplane.CodeValidation, "input.orderByMeterId")
	})
}

// An export reads usage from sums and meters from rollups, and has both as questions
// have them, at each granularity.
func TestExportHasTheMetersOfExplore(t *testing.T) {
	db := open(t)
	commitSummed(t, db, someEntries(10))
	b := &wire.Batch{Source: wire.SourceID{2}, Sequence: 1, Node: "n"}
	for i := range uint64(300) {
		b.Meters = append(b.Meters, wire.MeterEntry{
			MeterKey: wire.MeterKey{Minute: autumn.Unix()/60 + int64(i*13%4200), Account: i % 4, Endpoint: 21 + i%2, Tier: 5, Meter: 1 + i%2}, Requests: 1 + i%3, Amount: 1 + i*i,
		})
	}
	slices.SortFunc(b.Meters, func(x, y wire.MeterEntry) int { return x.Compare(y.MeterKey) })
	commit(t, db, b)
	type figures struct{ Requests, First, Second, Declared int64 }
	for _, name := range []string{"UTC", "Asia/Kolkata"} {
		zone, err := explore.Zone("timeZone", name)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range controlplane.Granularities {
			q := explore.Question{
				From: autumn, To: autumn.AddDate(0, 0, 3), Granularity: &g, Zone: zone, GroupBy: []explore.Dimension{explore.ByAccount}, Top: 10,
				Meters: []controlplane.ID{2, 1}, Want: explore.Want{Series: true},
			}
			if g == controlplane.ByMinute {
				q.To = autumn.Add(6 * time.Hour)
			}
			report, err := db.Explore(t.Context(), q, q.To)
			if err != nil {
				t.Fatal(err)
			}
			want, got := map[[2]int64]figures{}, map[[2]int64]figures{}
			for _, group := range report.Groups {
				for i, at := range report.Points {
					f := figures{group.Series.Requests[i], group.Series.Meters[0].Amount[i], group.Series.Meters[1].Amount[i], group.Series.Meters[0].Requests[i]}
					if f != (figures{}) {
						want[[2]int64{at.Unix(), group.Key[0]}] = f
					}
				}
			}
			e := explore.Export{From: q.From, To: q.To, Granularity: &g, Zone: zone, GroupBy: q.GroupBy, Meters: q.Meters}
			err = db.Export(t.Context(), e, func() error { return nil }, func(rows []explore.ExportRow) error {
				for _, r := range rows {
					got[[2]int64{r.At.Unix(), r.Values[0]}] = figures{r.Totals.Requests, r.Meters[0].Amount, r.Meters[1].Amount, r.Meters[0].Requests}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("by the %s in %s (-explored +exported):\n%s", g, name, diff)
			}
		}
	}
}
