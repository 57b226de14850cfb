package postgres_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/preview"
)

// Quotas go on from what accounts had used, each in its own time zone and from its own
// billing day; a draft is played beside what accounts have today.
func TestAPreviewGoesOnFromWhatWasUsed(t *testing.T) {
	db, conn := openBoth(t)
	quota := func(name string, amount int64, period controlplane.Period) controlplane.Limit {
		return controlplane.Limit{Name: name, Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
			Kind: controlplane.Quota, Amount: amount, Period: period, Mode: controlplane.Enforce}
	}
	tier, _, err := db.CreateTier(t.Context(), "Basic", []controlplane.Limit{quota("monthly", 1000, controlplane.Month)})
	if err != nil {
		t.Fatal(err)
	}
	tier, _, err = db.SaveTierDraft(t.Context(), controlplane.TierDraft{TierID: tier.ID, Limits: []controlplane.Limit{quota("billed", 500, controlplane.Billing)}})
	if err != nil {
		t.Fatal(err)
	}
	drafts, err := db.DraftsByTier(t.Context(), []controlplane.ID{tier.ID})
	if err != nil || len(drafts) != 1 {
		t.Fatalf("%d drafts: %v", len(drafts), err)
	}
	account := func(zone string) controlplane.ID {
		a, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: zone, TierID: tier.ID, TimeZone: zone, BillingDay: 10})
		if err != nil {
			t.Fatal(err)
		}
		return a.ID
	}
	utc, kolkata := account("UTC"), account("Asia/Kolkata")
	sequence := uint64(0)
	send := func(at time.Time, requests uint64) {
		for _, id := range []controlplane.ID{utc, kolkata} {
			sequence++
			b := batch(1, sequence, uint64(id), requests)
			b.Entries[0].Minute = at.Unix() / 60
			commit(t, db, b)
		}
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 6, day, hour, minute, 0, 0, time.UTC) }
	send(at(5, 12, 0), 580)   // this month, but not this billing period
	send(at(9, 18, 29), 1)    // the minute before it begins in Kolkata, and in the hour
	send(at(9, 18, 30), 100)  // in it in Kolkata only
	send(at(12, 3, 0), 200)   // in it
	send(at(20, 15, 45), 30)  // on the day, and in the hour
	send(at(20, 16, 10), 250) // played
	ask := func() *preview.Report {
		t.Helper()
		r, err := db.Preview(t.Context(), postgres.PreviewQuestion{VersionID: drafts[0].ID, Range: controlplane.Range{From: at(20, 16, 0), To: at(20, 18, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	figures := func(r *preview.Report) map[controlplane.ID][2]preview.Figures {
		all := map[controlplane.ID][2]preview.Figures{}
		for _, a := range r.Accounts {
			all[a.AccountID] = [2]preview.Figures{a.Figures, a.Today}
		}
		return all
	}
	same := func(n int64) preview.Figures { return preview.Figures{AtLeast: n, AtMost: n} }
	report := ask()
	month := same(580 + 1 + 100 + 200 + 30 + 250 - 1000)
	want := map[controlplane.ID][2]preview.Figures{utc: {{}, month}, kolkata: {same(100 + 200 + 30 + 250 - 500), month}}
	if diff := gocmp.Diff(want, figures(report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := report.Points[10]; p.Today != same(2*month.AtMost) || p.AtMost != 80 || p.Requests != 500 {
		t.Errorf("the minute that is played: %+v", p)
	}
	// Where minutes and hours of the start are gone, what may lie in the period counts
	// for the worst only.
	if _, err := conn.Exec(t.Context(), `update retention set kept_from = '2026-06-20' where level = 'minute'`); err != nil {
		t.Fatal(err)
	}
	want[kolkata] = [2]preview.Figures{{AtLeast: 0, AtMost: 81}, month}
	if diff := gocmp.Diff(want, figures(ask())); diff != "" {
		t.Errorf("without the minutes of the start (-want +got):\n%s", diff)
	}
	// Whose requests are refused whatever the limits is left out.
	updateAccount(t, db, controlplane.AccountEdit{ID: kolkata, Status: controlplane.AccountClosed})
	delete(want, kolkata)
	if diff := gocmp.Diff(want, figures(ask())); diff != "" {
		t.Errorf("with a closed account (-want +got):\n%s", diff)
	}
}
