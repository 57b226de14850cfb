package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// quotaPlane is a control plane with an account that has a quota and a rate.
type quotaPlane struct {
	*plane
	account, quota, rate string
}

func openQuota(t *testing.T) *quotaPlane {
	t.Helper()
	q := &quotaPlane{plane: open(t)}
	var tier struct {
		CreateTier struct {
			Tier struct {
				ID     string
				Limits []struct{ ID string }
			}
		}
	}
	q.must(`mutation{createTier(input:{name:"Basic",limits:[
		{name:"monthly",kind:QUOTA,amount:100,period:MONTH},{name:"per-minute",amount:10,period:MINUTE}]}){tier{id limits{id}}}}`, &tier)
	var account struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	q.must(fmt.Sprintf(`mutation{createAccount(input:{name:"Birch",tierId:%q}){account{id}}}`, tier.CreateTier.Tier.ID), &account)
	q.account, q.quota, q.rate = account.CreateAccount.Account.ID, tier.CreateTier.Tier.Limits[0].ID, tier.CreateTier.Tier.Limits[1].ID
	return q
}

func number(t *testing.T, kind controlplane.Kind, id string) uint64 {
	t.Helper()
	n, err := kind.Parse("id", id)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(n)
}

// report reports leases to the edge, as a filter does.
func (q *quotaPlane) report(process byte, held ...wire.HeldLease) wire.LeaseReply {
	q.t.Helper()
	body, err := wire.EncodeLeaseReport(nil, &wire.LeaseReport{Process: wire.ProcessID{process}, Node: "gateway-1", Held: held})
	if err != nil {
		q.t.Fatal(err)
	}
	got := q.send("POST", q.edge("/edge/v1/leases"), string(body), "Authorization", "Bearer "+nodeToken)
	reply, err := wire.DecodeLeaseReply([]byte(got.Body))
	if err != nil || got.Status != http.StatusOK || got.Header.Get("Content-Type") != "application/vnd.weir.leases" {
		q.t.Fatalf("%d %q, %v", got.Status, got.Body, err)
	}
	return *reply
}

func TestLeasesOverTheEdgeAndStandingsOverGraphQL(t *testing.T) {
	q := openQuota(t)
	key := wire.LeaseKey{Account: number(t, controlplane.KindAccount, q.account), Limit: number(t, controlplane.KindLimit, q.quota)}
	reply := q.report(1, wire.HeldLease{LeaseKey: key, Born: 1, Asks: true, Recent: 1000})
	if len(reply.Leases) != 1 || reply.Leases[0].Granted != 100 || reply.TTLSeconds != 30 {
		t.Fatalf("%+v", reply)
	}
	l := reply.Leases[0]
	q.report(1, wire.HeldLease{LeaseKey: key, Born: 1, Start: l.Start, Granted: l.Granted, Revision: l.Revision, Used: 50, Refunded: 10, Recent: 1000})
	q.report(2, wire.HeldLease{LeaseKey: key, Born: 1, Used: 7}) // let through
	type standing struct {
		Limit                                                           struct{ Name string }
		Amount, Consumed, Outstanding, Remaining, WrittenOff, Overspent int64
		PeriodStart, PeriodEnd                                          time.Time
		Key, Identity                                                   *struct{ ID string }
	}
	var read struct {
		Account struct{ Quotas []standing }
	}
	operation := fmt.Sprintf(`{account(id:%q){quotas{limit{name} amount consumed outstanding remaining writtenOff overspent periodStart periodEnd key{id} identity{id}}}}`, q.account)
	q.must(operation, &read)
	if len(read.Account.Quotas) != 1 {
		t.Fatalf("%+v", read)
	}
	got := read.Account.Quotas[0]
	want := standing{Amount: 100, Consumed: 40, Outstanding: 60, Overspent: 7, PeriodStart: time.Unix(l.Start, 0).UTC(), PeriodEnd: time.Unix(l.End, 0).UTC()}
	want.Limit.Name = "monthly"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q.must(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot}}`, q.account), nil)
	q.must(operation, &read)
	if got := read.Account.Quotas[0]; got.Consumed != 0 || got.Remaining != 100 {
		t.Errorf("after the reset: %+v", got)
	}
}

// A process that holds what another one lacks is told so by the answer to its poll.
func TestAPollTellsOfARecall(t *testing.T) {
	q := openQuota(t)
	key := wire.LeaseKey{Account: number(t, controlplane.KindAccount, q.account), Limit: number(t, controlplane.KindLimit, q.quota)}
	l := q.report(1, wire.HeldLease{LeaseKey: key, Born: 1, Asks: true, Recent: 1000}).Leases[0]
	poll := q.edge(fmt.Sprintf("/edge/v1/snapshot?have=%d&process=01%030d", q.update(0).Version, 0))
	answered := make(chan int, 1)
	go func() { answered <- q.send("GET", poll, "", "Authorization", "Bearer "+nodeToken).Status }()
	for waiting := true; waiting; { // the first may come before the poll, or before the edge listens
		q.report(2, wire.HeldLease{LeaseKey: key, Born: 1, Asks: true, Wants: 30})
		select {
		case status := <-answered:
			if status != http.StatusNoContent {
				t.Fatalf("the poll was answered %d, want 204", status)
			}
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	recall := q.report(1).Leases
	if len(recall) != 1 || recall[0].Born != 0 || recall[0].Granted != 50 || recall[0].Revision <= l.Revision {
		t.Fatalf("%+v, want half of it recalled", recall)
	}
	q.report(1, wire.HeldLease{LeaseKey: key, Born: 1, Start: l.Start, Granted: 50, Revision: recall[0].Revision})
	if got := q.report(2, wire.HeldLease{LeaseKey: key, Born: 1, Asks: true, Wants: 30}).Leases[0]; got.Granted != 30 {
		t.Errorf("%+v, want what it waits for", got)
	}
}

func TestTheEdgeRefusesLeaseReportsItCanNotUse(t *testing.T) {
	p := open(t)
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"nothing":   {"", http.StatusBadRequest},
		"no report": {"not a report at all", http.StatusBadRequest},
		"too much":  {strings.Repeat("x", wire.MaxLeaseReportBytes+1), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.send("POST", p.edge("/edge/v1/leases"), tc.body, "Authorization", "Bearer "+nodeToken)
			if got.Status != tc.want || got.Body == "" {
				t.Errorf("got %d %q, want %d", got.Status, got.Body, tc.want)
			}
		})
	}
	if got := p.send("POST", p.edge("/edge/v1/leases"), ""); got.Status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", got.Status)
	}
}

func TestWhyARequestWasLimited(t *testing.T) {
	q := openQuota(t)
	account, rate := number(t, controlplane.KindAccount, q.account), number(t, controlplane.KindLimit, q.rate)
	at := time.Now().Truncate(time.Millisecond).UTC()
	b := usageBatch(1, account, 3, wire.Throttled)
	minute := b.Entries[0].Minute
	b.Verdicts = []wire.VerdictEntry{
		{VerdictKey: wire.VerdictKey{Minute: minute, Account: account, Limit: rate, Verdict: wire.Denied}, Requests: 3, Amount: 3},
		{VerdictKey: wire.VerdictKey{Minute: minute, Account: account, Limit: rate, Verdict: wire.Over}, Requests: 2, Amount: 5},
	}
	b.Denials = []wire.Denial{
		{AtMS: at.UnixMilli(), RequestID: "abc-1", Account: account, Limit: rate, Decision: wire.Throttled, Method: "GET", Path: "/v1/users/7",
			RetryAfterMS: 6000, Levels: []wire.DenialLevel{{Limit: rate, Remaining: 0, Amount: 10}, {Limit: 999, Remaining: 4, Amount: 5}}},
		{AtMS: at.UnixMilli() + 1, RequestID: "abc-2", Decision: wire.Unauthenticated, Method: "GET", Path: "/"},
	}
	if got := q.post(b); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	heartbeat := &wire.Batch{Source: b.Source, Node: "gateway-1", SentMS: at.UnixMilli()}
	for {
		r, err := wire.DecodeReceipt([]byte(q.post(heartbeat).Body))
		if err != nil {
			t.Fatal(err)
		}
		if r.Committed == 1 {
			break
		}
	}

	type denial struct {
		RequestID, Decision, Method, Path, Explanation string
		At                                             time.Time
		Account, Limit                                 *struct{ Name string }
		Key, Identity, Endpoint                        *struct{ ID string }
		RetryAfterMs                                   *int64
		Levels                                         []struct {
			Limit             *struct{ Name string }
			LimitID           string
			Remaining, Amount int64
		}
	}
	type page struct {
		Denials struct {
			Nodes    []denial
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
	const fields = `{nodes{requestId decision method path explanation at account{name} limit{name} key{id} identity{id} endpoint{id} retryAfterMs
		levels{limit{name} limitId remaining amount}} pageInfo{hasNextPage endCursor}}`
	var one page
	q.must(`{denials(requestId:"abc-1")`+fields+`}`, &one)
	if len(one.Denials.Nodes) != 1 {
		t.Fatalf("%+v", one)
	}
	d := one.Denials.Nodes[0]
	explained := "The limit per-minute allows 10 requests a minute to the whole account: none of 10 left; a retry would have succeeded after 6 s, at " +
		at.Add(6*time.Second).Format(time.RFC3339) + "."
	if d.Explanation != explained || d.Account.Name != "Birch" || d.Limit.Name != "per-minute" || *d.RetryAfterMs != 6000 || !d.At.Equal(at) || d.Decision != "THROTTLED" {
		t.Errorf("%+v", d)
	}
	if l := d.Levels; len(l) != 2 || l[0].Limit.Name != "per-minute" || l[0].Amount != 10 || l[1].Limit != nil || l[1].LimitID != "lim_999" || l[1].Remaining != 4 {
		t.Errorf("levels %+v", d.Levels)
	}
	var first, second page
	q.must(`{denials(first:1)`+fields+`}`, &first)
	q.must(fmt.Sprintf(`{denials(first:1,after:%q)`, *first.Denials.PageInfo.EndCursor)+fields+`}`, &second)
	if !first.Denials.PageInfo.HasNextPage || first.Denials.Nodes[0].RequestID != "abc-2" || second.Denials.PageInfo.HasNextPage || second.Denials.Nodes[0].RequestID != "abc-1" {
		t.Errorf("pages %+v, %+v", first, second)
	}
	q.wantEffect(at)
}

// wantEffect checks what the verdicts of TestWhyARequestWasLimited add up to.
func (q *quotaPlane) wantEffect(at time.Time) {
	q.t.Helper()
	type totals struct{ Denied, Over, OverAmount, Shadowed, FailedOpen int64 }
	want := totals{Denied: 3, Over: 2, OverAmount: 5}
	var read struct {
		LimitEffect struct {
			Limit    struct{ Name string }
			Totals   totals
			Points   []struct{ Totals totals }
			Accounts []struct {
				Account struct{ Name string }
				Totals  totals
			}
		}
		LimitActivity []struct {
			Limit    struct{ Name string }
			Totals   totals
			Accounts int
		}
	}
	const all = `totals{denied over overAmount shadowed failedOpen}`
	from := at.Add(-10 * time.Minute).Format(time.RFC3339)
	q.must(fmt.Sprintf(`{limitEffect(limitId:%q,from:%q,granularity:MINUTE){limit{name} points{at `+all+`} accounts{account{name} `+all+`} `+all+`}
		limitActivity(from:%q){limit{name} accounts `+all+`}}`, q.rate, from, from), &read)
	e := read.LimitEffect
	if e.Totals != want || len(e.Points) < 10 || len(e.Accounts) != 1 || e.Accounts[0].Account.Name != "Birch" || e.Accounts[0].Totals != want {
		q.t.Errorf("effect %+v", e)
	}
	if a := read.LimitActivity; len(a) != 1 || a[0].Totals != want || a[0].Accounts != 1 || a[0].Limit.Name != "per-minute" {
		q.t.Errorf("activity %+v", a)
	}
}

func TestMistakesInQuestionsAboutLimits(t *testing.T) {
	p := open(t)
	for name, tc := range map[string]struct{ operation, want string }{
		"a page too large":       {`{denials(first:201){nodes{id}}}`, "VALIDATION first"},
		"an empty request id":    {`{denials(requestId:""){nodes{id}}}`, "VALIDATION requestId"},
		"a long request id":      {`{denials(requestId:"` + strings.Repeat("x", 65) + `"){nodes{id}}}`, "VALIDATION requestId"},
		"a cursor of accounts":   {`{denials(after:"acc_1"){nodes{id}}}`, "VALIDATION after"},
		"a limit that is not":    {`{limitEffect(limitId:"lim_99",from:"2026-01-01T00:00:00Z",granularity:DAY){totals{over}}}`, "NOT_FOUND limitId"},
		"too many points":        {`{limitEffect(limitId:"lim_1",from:"2020-01-01T00:00:00Z",granularity:MINUTE){totals{over}}}`, "VALIDATION from"},
		"an end before a start":  {`{limitActivity(from:"2026-01-01T00:00:00Z",to:"2025-01-01T00:00:00Z"){accounts}}`, "VALIDATION to"},
		"a tier of another kind": {`{limitActivity(from:"2026-01-01T00:00:00Z",tierId:"acc_1"){accounts}}`, "VALIDATION tierId"},
	} {
		t.Run(name, func(t *testing.T) {
			errs := p.query(tc.operation, nil)
			if len(errs) != 1 || errs[0].Extensions.Code+" "+errs[0].Extensions.Field != tc.want {
				t.Errorf("%+v", errs)
			}
		})
	}
}
