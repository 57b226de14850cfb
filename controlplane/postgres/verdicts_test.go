package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

func verdicts(source byte, sequence uint64, entries ...wire.VerdictEntry) *wire.Batch {
	return &wire.Batch{Source: wire.SourceID{source}, Sequence: sequence, Node: "gateway-1", Verdicts: entries}
}

func verdict(account uint64, limit controlplane.ID, v wire.Verdict, n, amount uint64) wire.VerdictEntry {
	return wire.VerdictEntry{
		VerdictKey: wire.VerdictKey{Minute: noon.Unix() / 60, Account: account, Limit: uint64(limit), Verdict: v}, Requests: n, Amount: amount,
	}
}

func TestVerdictsCountOnceInEveryRollup(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100), rate("burst", 5, controlplane.Second, 5))
	limit, other := tier.Limits[0].ID, tier.Limits[1].ID
	b := verdicts(1, 1, verdict(7, limit, wire.Denied, 5, 5), verdict(7, limit, wire.Over, 2, 9), verdict(8, limit, wire.Shadowed, 1, 1), verdict(8, other, wire.FailedOpen, 4, 4))
	commit(t, db, b, b)
	commit(t, db, b, verdicts(2, 1, verdict(8, limit, wire.Denied, 1, 1)))
	want := controlplane.VerdictTotals{Denied: 6, Over: 2, OverAmount: 9, Shadowed: 1}
	for _, g := range controlplane.Granularities {
		r, err := controlplane.BucketRange(noon, noon.Add(time.Minute), g)
		if err != nil {
			t.Fatal(err)
		}
		series, err := db.LimitSeries(t.Context(), limit, g, r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[time.Time]controlplane.VerdictTotals{r.From: want}, series); diff != "" {
			t.Errorf("by the %v (-want +got):\n%s", g, diff)
		}
	}
	r := controlplane.Range{From: noon.Add(-48 * time.Hour), To: noon.Add(48 * time.Hour)}
	accounts, err := db.LimitAccounts(t.Context(), limit, r, 20)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]controlplane.AccountEffect{
		{AccountID: 7, Totals: controlplane.VerdictTotals{Denied: 5, Over: 2, OverAmount: 9}},
		{AccountID: 8, Totals: controlplane.VerdictTotals{Denied: 1, Shadowed: 1}},
	}, accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	all := []controlplane.LimitActivity{
		{LimitID: limit, Totals: want, Accounts: 2},
		{LimitID: other, Totals: controlplane.VerdictTotals{FailedOpen: 4}, Accounts: 1},
	}
	for name, tc := range map[string]struct {
		tier, account controlplane.ID
		want          []controlplane.LimitActivity
	}{
		"everywhere":     {0, 0, all},
		"of the tier":    {tier.ID, 0, all},
		"of another one": {tier.ID + 1, 0, []controlplane.LimitActivity{}},
		"to an account":  {0, 7, []controlplane.LimitActivity{{LimitID: limit, Totals: controlplane.VerdictTotals{Denied: 5, Over: 2, OverAmount: 9}, Accounts: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := db.LimitActivity(t.Context(), r, tc.tier, tc.account, 100)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func denial(id string, account uint64, at time.Time) wire.Denial {
	return wire.Denial{
		AtMS: at.UnixMilli(), RequestID: id, Account: account, Key: 2, Endpoint: 3, Limit: 4, Decision: wire.Throttled,
		Method: "GET", Path: "/v1/users/7", RetryAfterMS: 1500,
		Levels: []wire.DenialLevel{{Limit: 4, Remaining: -3, Amount: 100}, {Limit: 5, Remaining: 7, Amount: 9}},
	}
}

func TestDenialsAreFoundByRequestNewestFirst(t *testing.T) {
	db := open(t)
	b := &wire.Batch{Source: wire.SourceID{1}, Sequence: 1, Node: "gateway-1"}
	for i := range 5 {
		b.Denials = append(b.Denials, denial(fmt.Sprintf("request-%d", i), uint64(1+i%2), noon.Add(time.Duration(i)*time.Second)))
	}
	commit(t, db, b)
	commit(t, db, b)
	find := func(filter controlplane.DenialFilter, first int) (ids []string, more bool) {
		t.Helper()
		var after controlplane.ID
		for {
			page, further, err := db.Denials(t.Context(), filter, after, first)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				ids = append(ids, d.RequestID)
				after = d.ID
			}
			if !further {
				return ids, more
			}
			more = true
		}
	}
	if ids, more := find(controlplane.DenialFilter{}, 2); !more || !cmp.Equal(ids, []string{"request-4", "request-3", "request-2", "request-1", "request-0"}) {
		t.Errorf("page by page: %v", ids)
	}
	if ids, _ := find(controlplane.DenialFilter{AccountID: 2}, 50); !cmp.Equal(ids, []string{"request-3", "request-1"}) {
		t.Errorf("of an account: %v", ids)
	}
	if ids, _ := find(controlplane.DenialFilter{RequestID: "request-9"}, 50); ids != nil {
		t.Errorf("of an unknown request: %v", ids)
	}
	got, _, err := db.Denials(t.Context(), controlplane.DenialFilter{RequestID: "request-3"}, 0, 50)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	want := controlplane.Denial{
		ID: got[0].ID, At: noon.Add(3 * time.Second), RequestID: "request-3", AccountID: 2, KeyID: 2, EndpointID: 3, LimitID: 4,
		Decision: wire.Throttled, Method: "GET", Path: "/v1/users/7", RetryAfter: 1500 * time.Millisecond,
		Levels: []controlplane.DenialLevel{{LimitID: 4, Remaining: -3, Amount: 100}, {LimitID: 5, Remaining: 7, Amount: 9}},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOldAndTooManyDenialsAreForgotten(t *testing.T) {
	db := open(t)
	b := &wire.Batch{Source: wire.SourceID{1}, Sequence: 1, Node: "gateway-1"}
	for i := range 10 {
		b.Denials = append(b.Denials, denial(fmt.Sprintf("request-%d", i), 1, noon.Add(time.Duration(i)*time.Second)))
	}
	commit(t, db, b)
	for _, step := range []struct {
		before             time.Duration
		most, atOnce, gone int
	}{{2 * time.Second, 100, 1, 1}, {2 * time.Second, 100, 50, 1}, {0, 5, 50, 3}, {0, 5, 50, 0}} {
		gone, err := db.ForgetDenials(t.Context(), noon.Add(step.before), step.most, step.atOnce)
		if err != nil || gone != step.gone {
			t.Errorf("%+v: %d were forgotten, %v", step, gone, err)
		}
	}
	left, _, err := db.Denials(t.Context(), controlplane.DenialFilter{}, 0, 50)
	if err != nil || len(left) != 5 || left[4].RequestID != "request-5" {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
