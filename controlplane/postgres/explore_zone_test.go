package postgres_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
)

// What was counted before an account's time zone was changed keeps its days, and the
// totals of days are those of the days.
func TestTotalsOfDaysAreTheirSumAfterAChangeOfTimeZone(t *testing.T) {
	db := open(t)
	account, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "Acme", TimeZone: "Europe/Berlin", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	hour, sequence := func(day, hour int) time.Time { return time.Date(2026, 6, day, hour, 30, 0, 0, time.UTC) }, uint64(0)
	send := func(at time.Time, requests uint64) {
		sequence++
		b := batch(1, sequence, uint64(account.ID), requests)
		b.Entries[0].Minute = at.Unix() / 60
		commit(t, db, b)
	}
	send(hour(9, 23), 1000) // on the 10th in Berlin, on the 9th in New York
	send(hour(10, 12), 100)
	send(hour(12, 23), 10) // on the 13th in Berlin, on the 12th in New York
	name := "America/New_York"
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, TimeZone: &name}); err != nil {
		t.Fatal(err)
	}
	send(hour(13, 2), 1) // on the 12th in New York
	zone, err := explore.Zone("timeZone", name)
	if err != nil {
		t.Fatal(err)
	}
	daily, hourly := controlplane.ByDay, controlplane.ByHour
	ask := func(g *controlplane.Granularity, from, to time.Time, ownZone bool) *explore.Report {
		t.Helper()
		r, err := db.Explore(t.Context(), explore.Question{
			From: from, To: to, Granularity: g, Zone: zone, OwnZone: ownZone, GroupBy: []explore.Dimension{explore.ByKey}, Top: 5, Compare: explore.WithPreviousPeriod,
			Filter: controlplane.UsageFilter{Accounts: []controlplane.ID{account.ID}}, Want: explore.Want{Series: g != nil, Latency: true},
		}, hour(30, 0))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	from, to := time.Date(2026, 6, 10, 0, 0, 0, 0, zone), time.Date(2026, 6, 13, 0, 0, 0, 0, zone)
	days, all := ask(&daily, from, to, true), ask(nil, from, to, true)
	if diff := gocmp.Diff([]int64{1100, 0, 1}, days.Series.Requests); diff != "" {
		t.Errorf("by the day (-want +got):\n%s", diff)
	}
	if all.Totals.Requests != 1101 || all.Groups[0].Totals.Requests != 1101 || days.Totals.Requests != 1101 || all.Previous.Totals.Requests != days.Previous.Totals.Requests {
		t.Errorf("in all %d, of the group %d, of days %d; before %d and %d", all.Totals.Requests, all.Groups[0].Totals.Requests, days.Totals.Requests,
			all.Previous.Totals.Requests, days.Previous.Totals.Requests)
	}
	for text, r := range map[string]*explore.Report{
		"by the hour": ask(&hourly, from, to, true), "of no whole days": ask(nil, from, to.Add(time.Hour), true), "of any accounts": ask(nil, from, to, false),
	} {
		if r.Totals.Requests != 111 || r.Groups[0].Totals.Requests != 111 {
			t.Errorf("%s: %d requests, of the group %d", text, r.Totals.Requests, r.Groups[0].Totals.Requests)
		}
	}
	month := ask(nil, time.Date(2026, 6, 1, 0, 0, 0, 0, zone), time.Date(2026, 7, 1, 0, 0, 0, 0, zone), true)
	if month.Totals.Requests != 1111 || month.Groups[0].Totals.Latency.Count() != 1111 {
		t.Errorf("in the month %d requests, %d latencies", month.Totals.Requests, month.Groups[0].Totals.Latency.Count())
	}
}
