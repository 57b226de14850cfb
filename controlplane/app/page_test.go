package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

// connection is one as Relay has it.
type connection struct {
	Edges []struct {
		Cursor string
		Node   struct{ ID string }
	}
	Nodes    []struct{ ID string }
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int
}

const connectionFields = `{edges{cursor node{id}} nodes{id} pageInfo{hasNextPage hasPreviousPage startCursor endCursor} totalCount}`

func TestListsAreReadPageByPage(t *testing.T) {
	p := open(t)
	account := p.made(`mutation{createAccount(input:{name:"Acme"}){account{id}}}`)
	group := p.made(`mutation{createEndpointGroup(name:"all"){group{id}}}`)
	tier := p.made(`mutation{createTier(input:{name:"t0",limits:[{name:"a",amount:1,period:DAY},{name:"b",amount:1,period:DAY},{name:"c",amount:1,period:DAY}]}){tier{id}}}`)
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,tierId:%q}){snapshot}}`, account, tier), nil)
	var limits struct {
		Tier struct{ Limits []struct{ ID string } }
	}
	p.must(fmt.Sprintf(`{tier(id:%q){limits{id}}}`, tier), &limits)
	for i := range 3 {
		p.must(fmt.Sprintf(`mutation{
			createAccount(input:{name:"a%[1]d"}){snapshot} createTier(input:{name:"t%[1]d ü",limits:[]}){snapshot}
			createEndpoint(input:{method:"GET",template:"/e%[1]d",groupId:%[2]q}){snapshot} createEndpointGroup(name:"g%[1]d"){snapshot}
			createMeter(input:{name:"m%[1]d",unit:"u",header:"x-m%[1]d"}){snapshot} createApiToken(input:{name:"k%[1]d",scopes:[POLICY_READ]}){secret}
			inviteMember(input:{email:"m%[1]d@example.com",role:VIEWER}){url} createKey(input:{accountId:%[3]q,name:"k%[1]d"}){snapshot}
			addIdentity(input:{accountId:%[3]q,kind:JWT_SUBJECT,value:"i%[1]d"}){snapshot}
			setOverride(input:{accountId:%[3]q,limitId:%[4]q,amount:2}){snapshot}}`, i, group, account, limits.Tier.Limits[i].ID), nil)
	}
	of := func(field string) string { return fmt.Sprintf(`account(id:%q){%s}`, account, field) }
	for name, list := range map[string]struct {
		ask  string // with %s for the arguments and the fields
		want int
	}{
		"accounts":   {"accounts%s", 4},
		"tiers":      {"tiers%s", 5},
		"endpoints":  {"endpoints%s", 3},
		"groups":     {"endpointGroups%s", 4},
		"meters":     {"meters%s", 3},
		"tokens":     {"apiTokens%s", 4},
		"members":    {"members%s", 3},
		"keys":       {of("keys%s"), 3},
		"identities": {of("identities%s"), 3},
		"overrides":  {of("overrides%s"), 3},
		"grouped":    {fmt.Sprintf(`node(id:%q){...on EndpointGroup{endpoints%%s}}`, group), 3},
	} {
		t.Run(name, func(t *testing.T) { p.readsAll(t, list.ask, list.want) })
	}
}

// readsAll reads a list by twos, and checks that it is the whole one in its order.
func (p *plane) readsAll(t *testing.T, ask string, want int) {
	t.Helper()
	whole := p.connection(t, ask, `(first:50)`)
	if len(whole.Nodes) != want || whole.TotalCount != want || whole.PageInfo.HasNextPage || whole.PageInfo.HasPreviousPage {
		t.Fatalf("want %d, got %+v", want, whole)
	}
	var ids []string
	after := ""
	for page := 0; ; page++ {
		got := p.connection(t, ask, `(first:2`+after+`)`)
		for i, n := range got.Nodes {
			ids = append(ids, n.ID)
			if got.Edges[i].Node != n {
				t.Errorf("the edges are of other nodes: %+v", got)
			}
		}
		info := got.PageInfo
		if n := len(got.Edges); got.TotalCount != want || info.HasPreviousPage != (page > 0) || *info.StartCursor != got.Edges[0].Cursor || *info.EndCursor != got.Edges[n-1].Cursor {
			t.Errorf("page %d: %+v", page, got)
		}
		if !info.HasNextPage {
			break
		}
		after = fmt.Sprintf(`,after:%q`, *info.EndCursor)
	}
	if len(ids) != want || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != want {
		t.Errorf("by twos: %q", ids)
	}
	for i, n := range whole.Nodes {
		if ids[i] != n.ID {
			t.Errorf("by twos: %q, at once: %+v", ids, whole.Nodes)
			break
		}
	}
	for _, bad := range []string{`(after:"x")`, `(after:"")`, `(after:"YXVkaXRMb2cgMQ")`} {
		p.wantErrors("{"+fmt.Sprintf(ask, bad+"{nodes{id}}")+"}", "VALIDATION after")
	}
	p.wantErrors("{"+fmt.Sprintf(ask, "(first:0){nodes{id}}")+"}", "VALIDATION first")
}

// connection runs a query of one connection, however deep that lies in its answer.
func (p *plane) connection(t *testing.T, ask, arguments string) connection {
	t.Helper()
	var c connection
	query := "{" + fmt.Sprintf(ask, arguments+connectionFields) + "}"
	if depth := strings.Count(ask, "{"); depth == 0 {
		var data map[string]connection
		p.must(query, &data)
		for _, c = range data {
		}
	} else {
		var data map[string]map[string]connection
		p.must(query, &data)
		for _, inner := range data {
			for _, c = range inner {
			}
		}
	}
	return c
}

func TestNodesAreForThoseWhoMayReadThem(t *testing.T) {
	p := open(t)
	own, other := p.twoAccounts()
	key, others := controlplane.KindKey.Format(p.keyOf(own)), controlplane.KindKey.Format(p.keyOf(other))
	account := controlplane.KindAccount.Format(own)
	type typed struct {
		Typename string `json:"__typename"`
		ID       string
	}
	var read struct{ Nodes []*typed }
	ask := fmt.Sprintf(`{nodes(ids:[%q,%q,%q,"acc_999"]){__typename id}}`, key, others, account)
	t.Run("in their order, null where there is none", func(t *testing.T) {
		p.must(ask, &read)
		if n := read.Nodes; len(n) != 4 || n[0].ID != key || n[0].Typename != "Key" || n[1].ID != others || n[2].Typename != "Account" || n[3] != nil {
			t.Errorf("%+v", n)
		}
	})
	t.Run("a customer sees what is of their account", func(t *testing.T) {
		errs := p.asInto(string(controlplane.RoleCustomer), own, ask, &read)
		if n := read.Nodes; errs != nil || n[0] == nil || n[1] != nil || n[2] == nil || n[3] != nil {
			t.Errorf("%+v, %+v", errs, n)
		}
	})
	t.Run("a permission that is missing is named", func(t *testing.T) {
		errs := p.as(string(controlplane.RoleViewer), 0, `{node(id:"mem_1"){id}}`)
		if len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%+v", errs)
		}
	})
	p.wantErrors(`{node(id:"x_1"){id}}`, "VALIDATION id")
	p.wantErrors(`{nodes(ids:["acc_1","key_0"]){id}}`, "VALIDATION ids.1")
}
