package app_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/wire"
)

// counted is a control plane with an account, two endpoints of which one is
// deleted, and usage of an hour ago.
func counted(t *testing.T) (p *plane, account string, hour time.Time) {
	t.Helper()
	p = open(t)
	var made struct {
		CreateAccount struct{ Account struct{ ID string } }
		A, B          struct{ Endpoint struct{ ID string } }
	}
	p.must(`mutation{createAccount(input:{name:"Acme",timeZone:"Europe/Berlin"}){account{id}}
		a:createEndpoint(input:{method:"GET",template:"/v1/users"}){endpoint{id}} b:createEndpoint(input:{method:"GET",template:"/gone"}){endpoint{id}}}`, &made)
	p.must(fmt.Sprintf(`mutation{deleteEndpoint(id:%q){id}}`, made.B.Endpoint.ID), nil)
	hour = time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	entry := func(account, endpoint, n uint64, status uint16, d wire.Decision) wire.Entry {
		e := wire.Entry{EntryKey: wire.EntryKey{Minute: hour.Unix()/60 + 7, Account: account, Endpoint: endpoint, Status: status, Decision: d}, Requests: n}
		e.Latency.Add(10_000)
		return e
	}
	_, err := p.DB().CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{1}, Sequence: 1, Node: "edge-1", Counted: 20, Entries: []wire.Entry{
		entry(0, 0, 2, 401, wire.Unauthenticated), entry(1, 1, 10, 200, wire.Allowed), entry(1, 2, 5, 503, wire.Allowed), entry(1, 1, 3, 429, wire.Throttled),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return p, made.CreateAccount.Account.ID, hour
}

type group struct {
	Label   string
	Values  []string
	Share   float64
	Account *struct{ Name string }
	Totals  struct{ Requests, Errors int64 }
	Series  *struct {
		Requests []int64
		P95      []*float64
	}
	Previous *struct{ Requests int64 }
}

func TestExploreThroughGraphQL(t *testing.T) {
	p, account, hour := counted(t)
	ask := func(input string) (groups []group) {
		t.Helper()
		var got struct {
			Explore struct {
				Points []time.Time
				Groups []group
				Other  *group
				Totals struct {
					Requests, UniqueKeys int64
					Latency              struct{ P95 *float64 }
				}
			}
		}
		p.must(fmt.Sprintf(`{explore(input:{from:%q,%s}){points groups{label values share account{name} totals{requests errors} series{requests p95} previous{requests}}
			other{label values} totals{requests uniqueKeys latency{p95}}}}`, hour.Format(time.RFC3339), input), &got)
		if got.Explore.Totals.Requests != 20 && !strings.Contains(input, "filter") {
			t.Errorf("%s: %d requests in all", input, got.Explore.Totals.Requests)
		}
		return got.Explore.Groups
	}
	labels := func(groups []group) (texts []string) {
		for _, g := range groups {
			texts = append(texts, fmt.Sprintf("%s %v %d", g.Label, g.Values, g.Totals.Requests))
		}
		return texts
	}
	for input, want := range map[string][]string{
		`groupBy:[ACCOUNT]`:                                 {"Acme [" + account + "] 18", "nobody [NONE] 2"},
		`groupBy:[ENDPOINT,STATUS]`:                         {"GET /v1/users · 200 [end_1 200] 10", "end_2 (deleted) · 503 [end_2 503] 5", "GET /v1/users · 429 [end_1 429] 3", "no endpoint · 401 [NONE 401] 2"},
		`groupBy:[ENDPOINT],orderBy:ERRORS,top:1`:           {"end_2 (deleted) [end_2] 5"},
		`groupBy:[DECISION],filter:{accountIds:["NONE"]}`:   {"UNAUTHENTICATED [UNAUTHENTICATED] 2"},
		`groupBy:[KEY,TIER],filter:{endpointIds:["end_1"]}`: {"no key · no tier [NONE NONE] 13"},
	} {
		if diff := cmp.Diff(want, labels(ask(input))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
	acme := ask(`groupBy:[ACCOUNT],granularity:HOUR,timeZone:"Europe/Berlin",compare:PREVIOUS_PERIOD`)[0]
	if acme.Account == nil || acme.Account.Name != "Acme" || acme.Share != 0.9 || acme.Previous == nil || acme.Previous.Requests != 0 {
		t.Errorf("%+v", acme)
	}
	if s := acme.Series; s == nil || s.Requests[0] != 18 || s.P95[0] == nil || *s.P95[0] < 9.8 || *s.P95[0] > 10.2 || s.P95[1] != nil {
		t.Errorf("series %+v", s)
	}
	if own := ask(`groupBy:[ACCOUNT],granularity:DAY,timeZone:"Europe/Berlin",filter:{accountIds:["` + account + `"]}`); own[0].Totals.Requests != 18 {
		t.Errorf("in its own zone %+v", own)
	}
}

func TestGroupsAreReadPageByPage(t *testing.T) {
	p, _, hour := counted(t)
	var labels []string
	for after, more := "null", true; more; {
		var got struct {
			Explore struct {
				Groups     []group
				Other      *group
				GroupCount int
				PageInfo   struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		p.must(fmt.Sprintf(`{explore(input:{from:%q,groupBy:[ENDPOINT,STATUS],top:3,after:%s}){groupCount groups{label totals{requests}} other{totals{requests}} pageInfo{hasNextPage endCursor}}}`,
			hour.Format(time.RFC3339), after), &got)
		r := got.Explore
		if r.GroupCount != 4 || len(r.Groups) == 0 || r.PageInfo.EndCursor == nil || r.Other == nil || len(labels) > 3 {
			t.Fatalf("after %s: %+v", after, r)
		}
		sum := r.Other.Totals.Requests
		for _, g := range r.Groups {
			labels, sum = append(labels, fmt.Sprintf("%s %d", g.Label, g.Totals.Requests)), sum+g.Totals.Requests
		}
		if sum != 20 {
			t.Errorf("after %s: %d requests in all", after, sum)
		}
		after, more = strconv.Quote(*r.PageInfo.EndCursor), r.PageInfo.HasNextPage
	}
	want := []string{"GET /v1/users · 200 10", "end_2 (deleted) · 503 5", "GET /v1/users · 429 3", "no endpoint · 401 2"}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExploreSaysWhatToNarrow(t *testing.T) {
	p := open(t)
	for input, want := range map[string]string{
		`from:"2026-01-02T00:00:00Z",to:"2026-01-01T00:00:00Z"`:                                            "VALIDATION input.to",
		`from:"2026-01-01T00:00:00Z",timeZone:"Mars/Base"`:                                                 "VALIDATION input.timeZone",
		`from:"2026-01-01T00:00:00Z",top:101`:                                                              "VALIDATION input.top",
		`from:"2026-01-01T00:00:00Z",groupBy:[KEY],after:"0m0d2_5_7"`:                                      "VALIDATION input.after",
		`from:"2026-01-01T00:00:00Z",after:"0m0_5"`:                                                        "VALIDATION input.after",
		`from:"2026-01-01T00:00:00Z",groupBy:[KEY,KEY]`:                                                    "VALIDATION input.groupBy",
		`from:"2026-01-01T00:00:00Z",groupBy:[KEY,TIER,STATUS,DECISION]`:                                   "VALIDATION input.groupBy",
		`from:"2026-01-01T00:00:00Z",filter:{keyIds:["acc_1"]}`:                                            "VALIDATION input.filter.keyIds.0",
		`from:"2026-01-01T00:00:00Z",groupBy:[STATUS],meterIds:["mtr_1"]`:                                  "VALIDATION input.meterIds",
		`from:"2020-01-01T00:00:00Z",to:"2026-01-01T00:00:00Z",granularity:HOUR`:                           "VALIDATION input.from",
		`from:"2026-01-01T00:00:00Z",to:"2026-03-01T00:00:00Z",granularity:HOUR,groupBy:[ACCOUNT],top:100`: "VALIDATION input.top",
	} {
		var got []string
		for _, e := range p.query(`{explore(input:{`+input+`}){groups{series{requests}} totals{requests}}}`, nil) {
			got = append(got, e.Extensions.Code+" "+e.Extensions.Field)
		}
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
}

func TestHeatMapThroughGraphQL(t *testing.T) {
	p, _, hour := counted(t)
	var got struct {
		HeatMap struct {
			Total int64
			Cells []struct {
				Weekday, Hour, Occurrences int
				Total                      int64
				Mean                       *float64
			}
		}
	}
	p.must(fmt.Sprintf(`{heatMap(input:{from:%q,to:%q}){total cells{weekday hour occurrences total mean}}}`,
		hour.AddDate(0, 0, -13).Format(time.RFC3339), hour.Add(time.Hour).Format(time.RFC3339)), &got)
	if len(got.HeatMap.Cells) != 168 || got.HeatMap.Total != 20 {
		t.Fatalf("%+v", got)
	}
	for _, c := range got.HeatMap.Cells {
		if c.Total == 0 {
			continue
		}
		if c.Total != 20 || c.Hour != hour.Hour() || c.Weekday != (int(hour.Weekday())+6)%7+1 || *c.Mean != 20/float64(c.Occurrences) {
			t.Errorf("%+v", c)
		}
	}
}

func TestReconciliationFindsWhatDiffers(t *testing.T) {
	p, account, hour := counted(t)
	read := func() (r struct {
		Matches             bool
		RowCount, Differing int
		Totals              struct{ Sent, RolledUp, Difference int64 }
		Rows                []struct {
			Account *struct{ ID string }
			Figures struct{ Sent, RolledUp, Difference int64 }
		}
		Levels []struct {
			Granularity                string
			Sent, RolledUp, Difference int64
		}
		Sources []struct {
			Node                        string
			Sent, Committed, Difference int64
		}
	}) {
		t.Helper()
		day := hour.Format(time.DateOnly)
		p.must(fmt.Sprintf(`{reconciliation(from:%q,to:%q){matches rowCount differing totals{sent rolledUp difference} rows{account{id} figures{sent rolledUp difference}}
			levels{granularity sent rolledUp difference} sources{node sent committed difference}}}`, day, day), &struct{ Reconciliation any }{&r})
		return r
	}
	r := read()
	if !r.Matches || r.RowCount != 2 || r.Totals.Sent != 20 || r.Totals.RolledUp != 20 || r.Rows[0].Account.ID != account || r.Rows[1].Account != nil {
		t.Errorf("%+v", r)
	}
	for _, l := range r.Levels {
		if l.Difference != 0 || l.Granularity != "MONTH" && l.Sent != 20 {
			t.Errorf("%+v", l)
		}
	}
	if len(r.Sources) != 1 || r.Sources[0].Node != "edge-1" || r.Sources[0].Sent != 20 || r.Sources[0].Difference != 0 {
		t.Errorf("%+v", r.Sources)
	}
}
