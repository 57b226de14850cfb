package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodes is a connection, of which only they are of interest.
type nodes[T any] struct{ Nodes []T }

func TestTiersAccountsAndKeysOverGraphQL(t *testing.T) {
	p := open(t)
	var endpoint struct {
		CreateEndpoint struct{ Endpoint struct{ ID string } }
	}
	p.must(`mutation{createEndpoint(input:{method:"GET",template:"/v1/users/{id}"}){endpoint{id cost}}}`, &endpoint)
	var tier struct {
		CreateTier struct {
			Snapshot int64
			Tier     struct {
				ID       string
				Revision int
				Limits   []struct {
					ID, Name, Selector string
					Burst              int64
				}
			}
		}
	}
	p.must(fmt.Sprintf(`mutation{createTier(input:{name:"Basic",limits:[
		{name:"per-minute",amount:100,period:MINUTE},
		{name:"users",amount:5,period:SECOND,burst:9,endpointId:%q}]}){snapshot tier{id revision limits{id name selector burst}}}}`,
		endpoint.CreateEndpoint.Endpoint.ID), &tier)
	limits := tier.CreateTier.Tier.Limits
	if len(limits) != 2 || limits[0].Selector != "ALL" || limits[0].Burst != 100 || limits[1].Selector != "ENDPOINT" || limits[1].Burst != 9 {
		t.Errorf("limits %+v", limits)
	}
	var account struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	p.must(fmt.Sprintf(`mutation{createAccount(input:{name:"Birch",tierId:%q}){account{id}}}`, tier.CreateTier.Tier.ID), &account)
	id := account.CreateAccount.Account.ID
	var key struct {
		CreateKey struct {
			Secret string
			Key    struct{ ID, Prefix string }
		}
	}
	p.must(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci"}){secret key{id prefix}}}`, id), &key)
	if !strings.HasPrefix(key.CreateKey.Secret, key.CreateKey.Key.Prefix) || !strings.HasPrefix(key.CreateKey.Secret, "wk_live_") {
		t.Errorf("key %+v", key)
	}
	var read struct {
		Account struct {
			Name, Status string
			Tier         struct{ AccountCount int }
			Keys         nodes[struct{ Prefix string }]
			Levels       []struct{ Remaining, Used int64 }
		}
	}
	p.must(fmt.Sprintf(`{account(id:%q){name status tier{accountCount} keys{nodes{prefix}} levels{remaining used}}}`, id), &read)
	if read.Account.Status != "ACTIVE" || read.Account.Tier.AccountCount != 1 || len(read.Account.Keys.Nodes) != 1 || read.Account.Levels[0].Remaining != 100 {
		t.Errorf("account %+v", read)
	}
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,status:SUSPENDED}){account{status} snapshot}}`, id), nil)
	p.must(fmt.Sprintf(`mutation{revokeKey(id:%q){key{revokedAt} snapshot}}`, key.CreateKey.Key.ID), nil)
}

func TestLimitsAreReorderedOverGraphQL(t *testing.T) {
	p := open(t)
	type tier struct {
		ID       string
		Revision int
		Limits   []struct{ ID, Name string }
	}
	var made struct{ CreateTier struct{ Tier tier } }
	p.must(`mutation{createTier(input:{name:"Basic",limits:[{name:"a",amount:1,period:DAY},{name:"b",amount:2,period:DAY}]}){tier{id revision limits{id name}}}}`, &made)
	was := made.CreateTier.Tier
	order := fmt.Sprintf(`mutation{reorderLimits(input:{tierId:%q,revision:%d,limitIds:[%q,%q]}){snapshot tier{id revision limits{id name}}}}`,
		was.ID, was.Revision, was.Limits[1].ID, was.Limits[0].ID)
	var moved struct {
		ReorderLimits struct {
			Snapshot int64
			Tier     tier
		}
	}
	p.must(order, &moved)
	want := tier{was.ID, was.Revision + 1, []struct{ ID, Name string }{was.Limits[1], was.Limits[0]}}
	if diff := cmp.Diff(want, moved.ReorderLimits.Tier); diff != "" || moved.ReorderLimits.Snapshot == 0 {
		t.Errorf("in snapshot %d (-want +got):\n%s", moved.ReorderLimits.Snapshot, diff)
	}
	p.wantErrors(order, "CONFLICT revision")
	p.wantErrors(fmt.Sprintf(`mutation{reorderLimits(input:{tierId:%q,limitIds:["tier_1"]}){snapshot}}`, was.ID), "VALIDATION limitIds.0")
	p.wantErrors(fmt.Sprintf(`mutation{reorderLimits(input:{tierId:%q,limitIds:[]}){snapshot}}`, was.ID), "VALIDATION limitIds")
	p.wantErrors(`mutation{reorderLimits(input:{tierId:"tier_99",limitIds:[]}){snapshot}}`, "NOT_FOUND tierId")
}

func TestRetentionOverGraphQL(t *testing.T) {
	p := open(t)
	type retention struct {
		Revision int
		Levels   []struct {
			Granularity string
			Days        int
		}
	}
	days := func(r retention) (days []string) {
		for _, l := range r.Levels {
			days = append(days, fmt.Sprint(l.Granularity, " ", l.Days))
		}
		return days
	}
	var at struct{ Retention retention }
	p.must(`{retention{revision levels{granularity days keptFrom storedFrom rows bytes}}}`, &at)
	if diff := cmp.Diff([]string{"MINUTE 30", "HOUR 365", "DAY 0", "MONTH 0"}, days(at.Retention)); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	var plan struct {
		RetentionPlan struct {
			Levels []struct {
				Granularity string
				Days        int
				Drop        *struct{ Rows int64 }
			}
		}
	}
	p.must(`{retentionPlan(input:{minutes:7,days:800}){levels{granularity days drop{from until rows bytes} nextDropAt}}}`, &plan)
	if l := plan.RetentionPlan.Levels; len(l) != 4 || l[0].Days != 7 || l[1].Days != 365 || l[2].Days != 800 || l[0].Drop != nil {
		t.Errorf("planned %+v", l)
	}
	set := fmt.Sprintf(`mutation{setRetention(input:{revision:%d,minutes:7}){retention{revision levels{granularity days}}}}`, at.Retention.Revision)
	var after struct{ SetRetention struct{ Retention retention } }
	p.must(set, &after)
	if diff := cmp.Diff([]string{"MINUTE 7", "HOUR 365", "DAY 0", "MONTH 0"}, days(after.SetRetention.Retention)); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	p.wantErrors(set, "CONFLICT revision")
	p.wantErrors(`mutation{setRetention(input:{hours:6}){retention{revision}}}`, "VALIDATION hours")
	p.wantErrors(`{retentionPlan(input:{minutes:-1}){levels{days}}}`, "VALIDATION minutes")
}

func TestMetersOverGraphQL(t *testing.T) {
	p := open(t)
	var endpoint struct {
		CreateEndpoint struct{ Endpoint struct{ ID string } }
	}
	p.must(`mutation{createEndpoint(input:{method:"GET",template:"/v1/rows"}){endpoint{id}}}`, &endpoint)
	id := endpoint.CreateEndpoint.Endpoint.ID
	type meter struct {
		ID, Name, Unit, Header string
		Hidden                 bool
		Endpoint               *struct{ ID string }
	}
	var made struct {
		CreateMeter struct {
			Snapshot int64
			Meter    meter
		}
	}
	p.must(fmt.Sprintf(`mutation{createMeter(input:{name:"Rows",unit:"rows",header:"x-rows",endpointId:%q,hidden:true}){snapshot meter{id name unit header hidden endpoint{id}}}}`, id), &made)
	want := meter{made.CreateMeter.Meter.ID, "Rows", "rows", "x-rows", true, &struct{ ID string }{id}}
	if diff := cmp.Diff(want, made.CreateMeter.Meter); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	c := core(t, p.latest(made.CreateMeter.Snapshot))
	if got := c.Meter(0); c.Meters() != 1 || got.Header != "x-rows" || !got.Hidden || got.Endpoint == 0 {
		t.Errorf("%d meters in the snapshot, the first %+v", c.Meters(), got)
	}
	var edited struct{ UpdateMeter struct{ Meter meter } }
	p.must(fmt.Sprintf(`mutation{updateMeter(input:{id:%q,header:"x-count",allEndpoints:true,hidden:false}){meter{id name unit header hidden endpoint{id}}}}`, want.ID), &edited)
	want.Header, want.Hidden, want.Endpoint = "x-count", false, nil
	if diff := cmp.Diff(want, edited.UpdateMeter.Meter); diff != "" {
		t.Errorf("edited (-want +got):\n%s", diff)
	}
	p.must(fmt.Sprintf(`mutation{deleteMeter(id:%q){id snapshot}}`, want.ID), nil)
	var left struct{ Meters nodes[meter] }
	if p.must(`{meters{nodes{id}}}`, &left); len(left.Meters.Nodes) != 0 {
		t.Errorf("%d meters are left", len(left.Meters.Nodes))
	}
}

func TestMistakesNameTheField(t *testing.T) {
	p := open(t)
	p.must(`mutation{createTier(input:{name:"Basic",limits:[]}){tier{id}}}`, nil)
	for name, tc := range map[string]struct {
		operation string
		want      []string // code and field
	}{
		"several at once": {
			`mutation{createTier(input:{name:"",limits:[{name:"A b",amount:0,period:MINUTE},{name:"ok",amount:1,period:HOUR,burst:-1}]}){tier{id}}}`,
			[]string{"VALIDATION name", "VALIDATION limits.0.name", "VALIDATION limits.0.amount", "VALIDATION limits.1.burst"},
		},
		"a name in use":           {`mutation{createTier(input:{name:"Basic",limits:[]}){tier{id}}}`, []string{"VALIDATION name"}},
		"an id of another kind":   {`mutation{updateTier(input:{id:"acc_1"}){tier{id}}}`, []string{"VALIDATION id"}},
		"an id of nothing":        {`mutation{updateTier(input:{id:"tier_99"}){tier{id}}}`, []string{"NOT_FOUND id"}},
		"an old revision":         {`mutation{updateTier(input:{id:"tier_1",revision:7,name:"X"}){tier{id}}}`, []string{"CONFLICT revision"}},
		"a tier that is not":      {`mutation{createAccount(input:{name:"A",tierId:"tier_99"}){account{id}}}`, []string{"NOT_FOUND tierId"}},
		"no account, no name":     {`mutation{createKey(input:{accountId:"x",name:" "}){secret}}`, []string{"VALIDATION accountId", "VALIDATION name"}},
		"a path with a query":     {`mutation{createEndpoint(input:{method:"FETCH!",template:"/a?b"}){endpoint{id}}}`, []string{"VALIDATION method", "VALIDATION template"}},
		"a bulk change's tier":    {`mutation{changeAccounts(input:{filter:{},set:{tierId:"tier_99"}}){matched}}`, []string{"NOT_FOUND set.tierId"}},
		"a page too large":        {`{accounts(first:1000){totalCount}}`, []string{"VALIDATION first"}},
		"too many points":         {`{usage(from:"2020-01-01T00:00:00Z",granularity:MINUTE){totals{requests}}}`, []string{"VALIDATION from"}},
		"an end before the start": {`{usage(from:"2026-01-01T00:00:00Z",to:"2025-01-01T00:00:00Z",granularity:DAY){totals{requests}}}`, []string{"VALIDATION to"}},
		"a time that is none":     {`{usage(from:"yesterday",granularity:DAY){totals{requests}}}`, []string{"VALIDATION from"}},
		"a status that is none":   {`{topConsumers(from:"2026-01-01T00:00:00Z",filter:{statuses:[200,7]}){share}}`, []string{"VALIDATION filter.statuses.1"}},
		"a fraction of a request": {`mutation{createTier(input:{name:"T",limits:[{name:"a",amount:1.5,period:DAY}]}){tier{id}}}`, []string{"VALIDATION limits.0.amount"}},
		"a control character":     {`{accounts(filter:{text:"a\u0000"}){totalCount}}`, []string{"VALIDATION filter.text"}},
		"many checks of the log":  {`{a:auditVerify{whole} b:auditVerify{whole} c:auditVerify{whole} d:auditVerify{whole}}`, []string{"COMPLEXITY_LIMIT_EXCEEDED "}},
		"many long series":        {manySeries(20), []string{"COMPLEXITY_LIMIT_EXCEEDED "}},
		"a meter of HTTP's own":   {`mutation{createMeter(input:{name:"",unit:"u",header:"content-length"}){meter{id}}}`, []string{"VALIDATION name", "VALIDATION header"}},
		"a meter of no endpoint":  {`mutation{createMeter(input:{name:"m",unit:"u",header:"x-m",endpointId:"end_99"}){meter{id}}}`, []string{"NOT_FOUND endpointId"}},
		"a meter that is not":     {`mutation{updateMeter(input:{id:"mtr_99"}){meter{id}}}`, []string{"NOT_FOUND id"}},
		"both one and all":        {`mutation{updateMeter(input:{id:"mtr_1",endpointId:"end_1",allEndpoints:true}){meter{id}}}`, []string{"VALIDATION allEndpoints"}},
		"a cost beyond bounds":    {`mutation{createEndpoint(input:{method:"GET",template:"/",cost:0}){endpoint{id}}}`, []string{"VALIDATION cost"}},
		"a field that is none":    {`{viewer{age}}`, []string{"GRAPHQL_VALIDATION_FAILED "}},
		"too much at once":        {`{accounts(first:200){nodes{` + manyAliases(1300) + `}}}`, []string{"COMPLEXITY_LIMIT_EXCEEDED "}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range p.query(tc.operation, nil) {
				got = append(got, e.Extensions.Code+" "+e.Extensions.Field)
				if e.Message == "" || strings.Contains(e.Message, "SQLSTATE") {
					t.Errorf("message %q", e.Message)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func manySeries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` s%d:usage(from:"2026-01-01T00:00:00Z",to:"2026-01-04T00:00:00Z",granularity:MINUTE){points{totals{requests}}}`, i)
	}
	return "{" + b.String() + "}"
}

func manyAliases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " n%d:name", i)
	}
	return b.String()
}

func TestErrorsAndAnswersCarryTheRequestsID(t *testing.T) {
	p := open(t)
	for name, query := range map[string]string{
		"a caller's mistake": `mutation{deleteTier(id:"tier_99"){snapshot}}`, "one in the operation": `{nothing}`, "one in the body": ``,
	} {
		t.Run(name, func(t *testing.T) {
			got := p.send("POST", "http://"+p.HTTPAddr()+"/graphql", fmt.Sprintf(`{"query":%q}`, query),
				"Content-Type", "application/json", "Authorization", "Bearer "+p.token, "X-Request-Id", "mine-1")
			if got.Header.Get("X-Request-Id") != "mine-1" || !strings.Contains(got.Body, `"requestId":"mine-1"`) {
				t.Errorf("it answers %+v", got)
			}
		})
	}
}

// A version of the past may name what was deleted since: it has none of that, and says
// what is gone when it is to come back.
func TestAnEarlierVersionMayNameWhatIsGone(t *testing.T) {
	p := open(t)
	endpoint := p.made(`mutation{createEndpoint(input:{method:"GET",template:"/v1/users"}){endpoint{id}}}`)
	group := p.made(`mutation{createEndpointGroup(name:"reports"){group{id}}}`)
	tier := p.made(fmt.Sprintf(`mutation{createTier(input:{name:"Basic",limits:[{name:"users",amount:1,period:DAY,endpointId:%q},
		{name:"reports",amount:1,period:DAY,groupId:%q}]}){tier{id}}}`, endpoint, group))
	p.must(fmt.Sprintf(`mutation{publishTier(input:{tierId:%q,limits:[],move:{when:NOW}}){snapshot} deleteEndpoint(id:%q){id} deleteEndpointGroup(id:%q){id}}`, tier, endpoint, group), nil)
	type limits []struct {
		ID, Selector    string
		Endpoint, Group *struct{ ID string }
	}
	var seen struct {
		Tiers nodes[struct {
			Versions nodes[struct{ Limits limits }]
		}]
	}
	p.must(`{tiers{nodes{versions{nodes{limits{id selector endpoint{id} group{id}}}}}}}`, &seen)
	old := seen.Tiers.Nodes[0].Versions.Nodes[1].Limits
	if len(old) != 2 || old[0].Endpoint != nil || old[0].Selector != "ENDPOINT" || old[1].Group != nil {
		t.Fatalf("%+v", seen)
	}
	if errs := p.query(fmt.Sprintf(`{a:node(id:%q){... on Limit{group{id} endpoint{id}}} b:node(id:%q){... on Limit{group{id} endpoint{id}}}}`, old[0].ID, old[1].ID), nil); errs != nil {
		t.Errorf("%+v", errs)
	}
	errs := p.query(fmt.Sprintf(`mutation{publishTier(input:{tierId:%q,fromVersion:1,move:{when:NOW}}){snapshot}}`, tier), nil)
	if len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" || !strings.Contains(errs[0].Message, endpoint+" GET /v1/users") || !strings.Contains(errs[0].Message, group+" reports") {
		t.Errorf("%+v, want a CONFLICT that names %s and %s", errs, endpoint, group)
	}
}
