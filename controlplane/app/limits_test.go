package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const limitFields = `{name subject selector endpoint{template} group{name} measure kind amount period burst mode
	gracePercent graceSeconds failMode refundErrors adaptive{errorPercent slowMs slowPercent floorPercent}}`

// made creates something and returns its id.
func (p *plane) made(mutation string) string {
	p.t.Helper()
	var answer map[string]map[string]json.RawMessage
	p.must(mutation, &answer)
	for _, payload := range answer {
		for _, part := range payload {
			var noun struct{ ID string }
			if json.Unmarshal(part, &noun) == nil && noun.ID != "" {
				return noun.ID
			}
		}
	}
	p.t.Fatalf("%s: no id in %v", mutation, answer)
	return ""
}

func TestEveryKindOfLimitIsAsItWasGiven(t *testing.T) {
	p := open(t)
	group := p.made(`mutation{createEndpointGroup(name:"orders"){group{id}}}`)
	endpoint := p.made(fmt.Sprintf(`mutation{createEndpoint(input:{method:"POST",template:"/v1/orders",groupId:%q}){endpoint{id}}}`, group))
	for name, tc := range map[string]struct{ input, want string }{
		"nothing but an amount": {
			`amount:100,period:MINUTE`,
			`{"subject":"ACCOUNT","selector":"ALL","endpoint":null,"group":null,"measure":"REQUESTS","kind":"RATE","amount":100,"period":"MINUTE","burst":100,
			"mode":"ENFORCE","gracePercent":null,"graceSeconds":null,"failMode":"OPEN","refundErrors":false,"adaptive":null}`,
		},
		"an endpoint by its id alone": {
			fmt.Sprintf(`amount:5,period:SECOND,burst:9,endpointId:%q`, endpoint),
			`{"subject":"ACCOUNT","selector":"ENDPOINT","endpoint":{"template":"/v1/orders"},"group":null,"measure":"REQUESTS","kind":"RATE","amount":5,"period":"SECOND","burst":9,
			"mode":"ENFORCE","gracePercent":null,"graceSeconds":null,"failMode":"OPEN","refundErrors":false,"adaptive":null}`,
		},
		"a soft quota of each key": {
			fmt.Sprintf(`subject:KEY,selector:GROUP,groupId:%q,measure:COST,kind:QUOTA,amount:1000000000000,period:BILLING,mode:SOFT,gracePercent:10,graceSeconds:60,refundErrors:true`, group),
			`{"subject":"KEY","selector":"GROUP","endpoint":null,"group":{"name":"orders"},"measure":"COST","kind":"QUOTA","amount":1000000000000,"period":"BILLING","burst":null,
			"mode":"SOFT","gracePercent":10,"graceSeconds":60,"failMode":"CLOSED","refundErrors":true,"adaptive":null}`,
		},
		"an adaptive shadow window": {
			`selector:WRITES,measure:BYTES,kind:WINDOW,amount:7,period:DAY,mode:SHADOW,failMode:CLOSED,adaptive:{errorPercent:5,slowMs:100,slowPercent:6,floorPercent:20}`,
			`{"subject":"ACCOUNT","selector":"WRITES","endpoint":null,"group":null,"measure":"BYTES","kind":"WINDOW","amount":7,"period":"DAY","burst":null,
			"mode":"SHADOW","gracePercent":null,"graceSeconds":null,"failMode":"CLOSED","refundErrors":false,"adaptive":{"errorPercent":5,"slowMs":100,"slowPercent":6,"floorPercent":20}}`,
		},
		"addresses": {
			`subject:ADDRESS,selector:READS,amount:3,period:HOUR,failMode:OPEN`,
			`{"subject":"ADDRESS","selector":"READS","endpoint":null,"group":null,"measure":"REQUESTS","kind":"RATE","amount":3,"period":"HOUR","burst":3,
			"mode":"ENFORCE","gracePercent":null,"graceSeconds":null,"failMode":"OPEN","refundErrors":false,"adaptive":null}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tier := p.made(fmt.Sprintf(`mutation{createTier(input:{name:%q,limits:[{name:"only",%s}]}){tier{id}}}`, name, tc.input))
			var read struct {
				Tier struct{ Limits []map[string]any }
			}
			p.must(fmt.Sprintf(`{tier(id:%q){limits%s}}`, tier, limitFields), &read)
			var want map[string]any
			if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			want["name"] = "only"
			if diff := cmp.Diff([]map[string]any{want}, read.Tier.Limits); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMistakesInLimitsNameTheField(t *testing.T) {
	p := open(t)
	for limit, want := range map[string]string{
		`amount:1,period:MONTH`:                                                    "VALIDATION limits.0.period",
		`kind:WINDOW,amount:1,period:DAY,burst:2`:                                  "VALIDATION limits.0.burst",
		`amount:1,period:DAY,burst:0`:                                              "VALIDATION limits.0.burst",
		`kind:QUOTA,subject:ADDRESS,amount:1,period:DAY`:                           "VALIDATION limits.0.kind",
		`amount:1,period:DAY,gracePercent:5`:                                       "VALIDATION limits.0.gracePercent",
		`amount:1,period:DAY,mode:SOFT,graceSeconds:0`:                             "VALIDATION limits.0.graceSeconds",
		`amount:1,period:DAY,selector:ENDPOINT`:                                    "VALIDATION limits.0.endpointId",
		`amount:1,period:DAY,selector:ALL,endpointId:"end_1"`:                      "VALIDATION limits.0.endpointId",
		`amount:1,period:DAY,endpointId:"end_999"`:                                 "NOT_FOUND limits.0.endpointId",
		`amount:1,period:DAY,groupId:"grp_999"`:                                    "NOT_FOUND limits.0.groupId",
		`amount:1,period:DAY,groupId:"end_1"`:                                      "VALIDATION limits.0.groupId",
		`amount:1,period:DAY,adaptive:{floorPercent:50}`:                           "VALIDATION limits.0.adaptive.errorPercent",
		`amount:1,period:DAY,adaptive:{errorPercent:0,floorPercent:50}`:            "VALIDATION limits.0.adaptive.errorPercent",
		`amount:1,period:DAY,adaptive:{errorPercent:5,floorPercent:0}`:             "VALIDATION limits.0.adaptive.floorPercent",
		`kind:QUOTA,amount:1,period:HOUR,adaptive:{errorPercent:5,floorPercent:5}`: "VALIDATION limits.0.adaptive",
		`amount:1,period:DAY},{name:"other",subject:ADDRESS,amount:1,period:DAY`:   "VALIDATION limits.1.subject",
		`kind:SOMETIMES,amount:1,period:DAY`:                                       "GRAPHQL_VALIDATION_FAILED ",
	} {
		t.Run(limit, func(t *testing.T) {
			p.t = t
			p.wantErrors(`mutation{createTier(input:{name:"Basic",limits:[{name:"only",`+limit+`}]}){tier{id}}}`, want)
		})
	}
}

// wantErrors runs an operation that must fail with these codes and fields.
func (p *plane) wantErrors(operation string, want ...string) {
	p.t.Helper()
	var got []string
	for _, e := range p.query(operation, nil) {
		got = append(got, e.Extensions.Code+" "+e.Extensions.Field)
		if e.Message == "" || strings.Contains(e.Message, "SQLSTATE") {
			p.t.Errorf("message %q", e.Message)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("%s (-want +got):\n%s", operation, diff)
	}
}

func TestDefaultsOverGraphQL(t *testing.T) {
	p := open(t)
	type defaults struct {
		Tier          struct{ ID, Name string }
		AnonymousTier *struct{ ID string }
	}
	var read struct{ Defaults defaults }
	p.must(`{defaults{tier{id name} anonymousTier{id}}}`, &read)
	if read.Defaults.Tier.Name != "Default" || read.Defaults.AnonymousTier != nil {
		t.Errorf("at first the defaults are %+v", read.Defaults)
	}
	first := read.Defaults.Tier.ID
	p.wantErrors(fmt.Sprintf(`mutation{deleteTier(id:%q){id}}`, first), "CONFLICT id")
	account := p.made(`mutation{createAccount(input:{name:"Birch"}){account{id}}}`)
	other := p.made(`mutation{createTier(input:{name:"Other",limits:[]}){tier{id}}}`)
	addresses := p.made(`mutation{createTier(input:{name:"Addresses",limits:[{name:"all",subject:ADDRESS,amount:1,period:SECOND}]}){tier{id}}}`)
	set := func(input string) defaults {
		t.Helper()
		var set struct {
			SetDefaults struct {
				Defaults defaults
				Snapshot int64
			}
		}
		p.must(`mutation{setDefaults(input:{`+input+`}){snapshot defaults{tier{id name} anonymousTier{id}}}}`, &set)
		if set.SetDefaults.Snapshot == 0 {
			t.Error("no snapshot carries the change")
		}
		return set.SetDefaults.Defaults
	}
	if d := set(fmt.Sprintf(`tierId:%q,anonymousTierId:%q`, other, addresses)); d.Tier.ID != other || d.AnonymousTier == nil {
		t.Errorf("both set: %+v", d)
	}
	if d := set(fmt.Sprintf(`tierId:%q`, first)); d.Tier.ID != first || d.AnonymousTier == nil {
		t.Errorf("one left out: %+v", d)
	}
	if d := set(`anonymousTierId:null`); d.Tier.ID != first || d.AnonymousTier != nil {
		t.Errorf("one cleared: %+v", d)
	}
	p.wantErrors(fmt.Sprintf(`mutation{setDefaults(input:{tierId:%q}){snapshot}}`, addresses), "VALIDATION tierId")
	p.wantErrors(fmt.Sprintf(`mutation{setDefaults(input:{anonymousTierId:%q}){snapshot}}`, first), "VALIDATION anonymousTierId")
	var on struct {
		Account struct {
			OnDefaultTier bool
			Tier          struct {
				ID           string
				AccountCount int
			}
		}
	}
	p.must(fmt.Sprintf(`{account(id:%q){onDefaultTier tier{id accountCount}}}`, account), &on)
	if a := on.Account; !a.OnDefaultTier || a.Tier.ID != first || a.Tier.AccountCount != 1 {
		t.Errorf("an account without a tier is %+v", a)
	}
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,tierId:%q}){snapshot}}`, account, other), nil)
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,useDefaultTier:true}){snapshot}}`, account), nil)
	p.wantErrors(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,tierId:%q}){snapshot}}`, account, addresses), "VALIDATION tierId")
	p.wantErrors(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,tierId:%q,useDefaultTier:true}){snapshot}}`, account, other), "VALIDATION useDefaultTier")
}

func TestAccountsKeysAndIdentitiesOverGraphQL(t *testing.T) {
	p := open(t)
	p.wantErrors(`mutation{createAccount(input:{name:"Birch",timeZone:"Mars/Base",billingDay:32}){account{id}}}`, "VALIDATION timeZone", "VALIDATION billingDay")
	account := p.made(`mutation{createAccount(input:{name:"Birch",timeZone:"Asia/Kathmandu",billingDay:31}){account{id}}}`)
	p.wantErrors(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"late",expiresAt:"2020-01-01T00:00:00Z"}){snapshot}}`, account), "VALIDATION expiresAt")
	key := p.made(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci",expiresAt:"2090-01-01T00:00:00.9875Z"}){key{id}}}`, account))
	var read struct {
		Account struct {
			TimeZone   string
			BillingDay int
			Keys       nodes[struct {
				Status    string
				ExpiresAt *time.Time
			}]
			Identities nodes[struct{ ID, Kind, Value string }]
		}
	}
	look := func() {
		t.Helper()
		p.must(fmt.Sprintf(`{account(id:%q){timeZone billingDay keys{nodes{status expiresAt}} identities{nodes{id kind value}}}}`, account), &read)
	}
	look()
	if a := read.Account; a.TimeZone != "Asia/Kathmandu" || a.BillingDay != 31 || a.Keys.Nodes[0].Status != "LIVE" || a.Keys.Nodes[0].ExpiresAt.Nanosecond() != 987_000_000 {
		t.Errorf("account %+v", a)
	}
	for _, step := range []struct{ change, want string }{
		{`suspended:true`, "SUSPENDED"}, {`expiresAt:"2020-01-01T00:00:00Z"`, "EXPIRED"}, {`suspended:false,neverExpires:true`, "LIVE"},
	} {
		p.must(fmt.Sprintf(`mutation{updateKey(input:{id:%q,%s}){snapshot}}`, key, step.change), nil)
		if look(); read.Account.Keys.Nodes[0].Status != step.want {
			t.Errorf("after %s the key is %s", step.change, read.Account.Keys.Nodes[0].Status)
		}
	}
	p.wantErrors(fmt.Sprintf(`mutation{updateKey(input:{id:%q,expiresAt:"2090-01-01T00:00:00Z",neverExpires:true}){snapshot}}`, key), "VALIDATION neverExpires")
	p.must(fmt.Sprintf(`mutation{revokeKey(id:%q){snapshot}}`, key), nil)
	if look(); read.Account.Keys.Nodes[0].Status != "REVOKED" {
		t.Errorf("revoked, the key is %s", read.Account.Keys.Nodes[0].Status)
	}
	p.wantErrors(fmt.Sprintf(`mutation{updateKey(input:{id:%q,suspended:false}){snapshot}}`, key), "CONFLICT id")

	add := fmt.Sprintf(`mutation{addIdentity(input:{accountId:%q,kind:CERTIFICATE,value:"spiffe://mesh/birch"}){snapshot account{id}}}`, account)
	p.must(add, nil)
	p.wantErrors(add, "VALIDATION value")
	p.wantErrors(`mutation{addIdentity(input:{accountId:"acc_999",kind:JWT_SUBJECT,value:"x"}){snapshot}}`, "NOT_FOUND accountId")
	p.wantErrors(`mutation{addIdentity(input:{accountId:"x",kind:JWT_SUBJECT,value:""}){snapshot}}`, "VALIDATION accountId", "VALIDATION value")
	if look(); len(read.Account.Identities.Nodes) != 1 || read.Account.Identities.Nodes[0].Kind != "CERTIFICATE" {
		t.Fatalf("identities %+v", read.Account.Identities)
	}
	p.must(fmt.Sprintf(`mutation{removeIdentity(id:%q){snapshot account{identities{nodes{id}}}}}`, read.Account.Identities.Nodes[0].ID), nil)
	p.wantErrors(fmt.Sprintf(`mutation{removeIdentity(id:%q){snapshot}}`, read.Account.Identities.Nodes[0].ID), "NOT_FOUND id")
	p.wantErrors(`mutation{resetAccount(id:"acc_999"){snapshot}}`, "NOT_FOUND id")
	p.must(fmt.Sprintf(`mutation{resetAccount(id:%q){snapshot account{id}}}`, account), nil)
}

func TestOverridesOverGraphQL(t *testing.T) {
	p := open(t)
	_, limit, account, _ := p.tierWithAccount()
	set := func(rest string) string {
		return fmt.Sprintf(`mutation{setOverride(input:{accountId:%q,limitId:%q,%s}){account{overrides{nodes{id amount burst mode until note ended inForce limit{name amount}}} levels{capacity remaining}}}}`, account, limit, rest)
	}
	var made struct {
		SetOverride struct {
			Account struct {
				Overrides nodes[struct {
					ID             string
					Amount         int64
					Burst          *int64
					Mode           *string
					Until          *time.Time
					Note           string
					Ended, InForce bool
					Limit          struct{ Amount int64 }
				}]
				Levels []struct{ Capacity, Remaining int64 }
			}
		}
	}
	p.must(set(`amount:7,burst:70,mode:SHADOW,until:"2090-01-01T00:00:00Z",note:"a trial"`), &made)
	a := made.SetOverride.Account
	if o := a.Overrides.Nodes[0]; o.Amount != 7 || *o.Burst != 70 || *o.Mode != "SHADOW" || o.Until == nil || o.Note != "a trial" || o.Ended || !o.InForce || o.Limit.Amount != 100 {
		t.Errorf("override %+v", o)
	}
	if a.Levels[0].Capacity != 70 || a.Levels[0].Remaining != 70 {
		t.Errorf("levels %+v", a.Levels)
	}
	p.wantErrors(set(`amount:0,burst:0,until:"2020-01-01T00:00:00Z"`), "VALIDATION burst")
	p.wantErrors(set(`amount:0,until:"2020-01-01T00:00:00Z"`), "VALIDATION amount", "VALIDATION until")
	p.wantErrors(fmt.Sprintf(`mutation{setOverride(input:{accountId:%q,limitId:"lim_1",amount:1}){snapshot}}`, account), "NOT_FOUND limitId")
	p.must(fmt.Sprintf(`mutation{deleteOverride(id:%q){account{overrides{nodes{id}}} snapshot}}`, a.Overrides.Nodes[0].ID), nil)
	p.wantErrors(fmt.Sprintf(`mutation{deleteOverride(id:%q){snapshot}}`, a.Overrides.Nodes[0].ID), "NOT_FOUND id")
}

func TestEndpointGroupsOverGraphQL(t *testing.T) {
	p := open(t)
	group := p.made(`mutation{createEndpointGroup(name:"orders"){group{id}}}`)
	p.wantErrors(`mutation{createEndpointGroup(name:"orders"){snapshot}}`, "VALIDATION name")
	p.wantErrors(`mutation{createEndpointGroup(name:" "){snapshot}}`, "VALIDATION name")
	endpoint := p.made(`mutation{createEndpoint(input:{method:"POST",template:"/v1/orders"}){endpoint{id}}}`)
	p.must(fmt.Sprintf(`mutation{updateEndpoint(input:{id:%q,cost:3,groupId:%q}){snapshot endpoint{cost}}}`, endpoint, group), nil)
	var read struct {
		EndpointGroups nodes[struct {
			Name      string
			Endpoints nodes[struct {
				Cost  int
				Group *struct{ Name string }
			}]
		}]
	}
	p.must(`{endpointGroups{nodes{name endpoints{nodes{cost group{name}}}}}}`, &read)
	if g := read.EndpointGroups.Nodes; len(g) != 1 || len(g[0].Endpoints.Nodes) != 1 || g[0].Endpoints.Nodes[0].Cost != 3 || g[0].Endpoints.Nodes[0].Group.Name != "orders" {
		t.Errorf("groups %+v", g)
	}
	p.wantErrors(fmt.Sprintf(`mutation{updateEndpoint(input:{id:%q,cost:0}){snapshot}}`, endpoint), "VALIDATION cost")
	p.wantErrors(fmt.Sprintf(`mutation{updateEndpoint(input:{id:%q,groupId:"grp_99"}){snapshot}}`, endpoint), "NOT_FOUND groupId")
	p.wantErrors(fmt.Sprintf(`mutation{updateEndpoint(input:{id:%q,groupId:%q,ungroup:true}){snapshot}}`, endpoint, group), "VALIDATION ungroup")
	p.must(fmt.Sprintf(`mutation{deleteEndpointGroup(id:%q){id snapshot}}`, group), nil)
	p.must(`{endpoints{nodes{group{name}}}}`, nil)
	p.wantErrors(fmt.Sprintf(`mutation{deleteEndpointGroup(id:%q){id}}`, group), "NOT_FOUND id")
}
