package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// policyText is all that a deletion may tear a hole into, as the API tells it.
func (p *plane) policyText() string {
	p.t.Helper()
	var seen json.RawMessage
	p.must(`{
		endpoints{nodes{id method template cost group{id} source{id}}} endpointGroups{nodes{id name endpoints{nodes{id}}}}
		meters{nodes{id name unit header hidden endpoint{id}}} managedObjects{id manager}
		tiers{nodes{id name version{id number} draft{limits{id}} pilot{id state} move{id version{id} when state percent accounts moved startedAt endedAt} limits{id name} versions{nodes{id number limits{id name endpoint{id} group{id}}}}}}
		accounts{nodes{identities{nodes{id value}} overrides{nodes{id amount limit{name}}} keys{nodes{scope{endpoints{id} groups{id}}}}}}
	}`, &seen)
	return string(seen)
}

// revertDeletion reverts the newest deletion of a kind, and wants it to fail as said; with
// nothing to be done.
func (p *plane) revertDeletion(action string, force bool, want string) {
	p.t.Helper()
	errs := p.query(fmt.Sprintf(`mutation{revertChange(input:{seq:%d,force:%v}){snapshot}}`, p.recorded(action), force), nil)
	switch {
	case want == "" && len(errs) == 0:
	case want == "" || len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" || !strings.Contains(errs[0].Message, want):
		p.t.Errorf("revert %s: %+v, want %q", action, errs, want)
	}
}

func TestDeletionsAreReverted(t *testing.T) {
	p := open(t)
	made := func(format string, args ...any) string { return p.made(fmt.Sprintf("mutation{"+format+"}", args...)) }
	run := func(format string, args ...any) { p.must(fmt.Sprintf("mutation{"+format+"}", args...), nil) }
	group := made(`createEndpointGroup(name:"reads"){group{id}}`)
	endpoint := made(`createEndpoint(input:{method:"GET",template:"/v1/users",cost:3,groupId:%q}){endpoint{id}}`, group)
	meter := made(`createMeter(input:{name:"rows",unit:"row",header:"x-rows",endpointId:%q}){meter{id}}`, endpoint)
	limits := `limits:[{name:"plain",amount:5,period:DAY},{name:"one",amount:5,period:DAY,selector:ENDPOINT,endpointId:%q},{name:"some",amount:5,period:DAY,selector:GROUP,groupId:%q}]`
	tier := made(`createTier(input:{name:"Basic",`+limits+`}){tier{id}}`, endpoint, group)
	other := made(`createTier(input:{name:"Other",`+limits+`}){tier{id}}`, endpoint, group)
	for _, id := range []string{tier, other} {
		run(`updateTier(input:{id:%q,limits:[{name:"plain",amount:7,period:DAY}]}){snapshot}`, id)
	}
	leaver := made(`createAccount(input:{name:"Leaver",tierId:%q}){account{id}}`, other)
	run(`publishTier(input:{tierId:%q,fromVersion:2,move:{when:PERIOD_END}}){snapshot}`, other)
	run(`moveAccount(input:{accountId:%q,tierId:%q,when:NOW}){snapshot}`, leaver, tier)
	run(`saveTierDraft(input:{tierId:%q,limits:[{name:"later",amount:9,period:DAY}]}){snapshot}`, other)
	account := made(`createAccount(input:{name:"Birch",tierId:%q}){account{id}}`, tier)
	run(`createKey(input:{accountId:%q,name:"ci",scope:{endpointIds:[%q],groupIds:[%q]}}){key{id}}`, account, endpoint, group)
	run(`addIdentity(input:{accountId:%q,kind:JWT_SUBJECT,value:"svc"}){snapshot}`, account)
	for _, id := range []string{group, endpoint, meter, other} {
		run(`setManager(input:{id:%q,manager:"files"}){id}`, id)
	}
	var seen struct {
		Account struct {
			Tier       struct{ Limits []struct{ ID string } }
			Identities struct{ Nodes []struct{ ID string } }
			Overrides  struct{ Nodes []struct{ ID string } }
		}
	}
	look := func() {
		p.must(fmt.Sprintf(`{account(id:%q){tier{limits{id}} identities{nodes{id}} overrides{nodes{id}}}}`, account), &seen)
	}
	look()
	run(`setOverride(input:{accountId:%q,limitId:%q,amount:9}){snapshot}`, account, seen.Account.Tier.Limits[0].ID)
	look()
	for _, d := range []struct{ action, mutation, id string }{
		{"DELETE_METER", "deleteMeter", meter},
		{"DELETE_ENDPOINT", "deleteEndpoint", endpoint},
		{"DELETE_ENDPOINT_GROUP", "deleteEndpointGroup", group},
		{"DELETE_TIER", "deleteTier", other},
		{"REMOVE_IDENTITY", "removeIdentity", seen.Account.Identities.Nodes[0].ID},
		{"DELETE_OVERRIDE", "deleteOverride", seen.Account.Overrides.Nodes[0].ID},
	} {
		t.Run(d.action+" comes back as it was, and once", func(t *testing.T) {
			before := p.policyText()
			run(`%s(id:%q){snapshot}`, d.mutation, d.id)
			if p.policyText() == before {
				t.Fatal("nothing is gone")
			}
			p.revertDeletion(d.action, false, "")
			if after := p.policyText(); after != before {
				t.Errorf("it is\n%s\nand was\n%s", after, before)
			}
			p.revertDeletion(d.action, true, "it is there again")
		})
	}
	t.Run("an earlier deletion leaves what lives on by now as it is", func(t *testing.T) {
		earlier := p.recorded("DELETE_ENDPOINT")
		run(`updateMeter(input:{id:%q,allEndpoints:true,name:"all rows"}){snapshot}`, meter)
		run(`deleteEndpoint(id:%q){snapshot}`, endpoint)
		errs := p.query(fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){snapshot}}`, earlier), nil)
		if len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" || !strings.Contains(errs[0].Message, "its meter rows is there by now") {
			t.Errorf("got %+v", errs)
		}
		run(`revertChange(input:{seq:%d,force:true}){snapshot}`, earlier)
		run(`updateMeter(input:{id:%q,endpointId:%q,name:"rows"}){snapshot}`, meter, endpoint)
	})
	t.Run("what can't come back whole is named, and left out with force", func(t *testing.T) {
		run(`deleteEndpointGroup(id:%q){snapshot}`, group)
		elsewhere := made(`createEndpointGroup(name:"writes"){group{id}}`)
		run(`updateEndpoint(input:{id:%q,groupId:%q}){snapshot}`, endpoint, elsewhere)
		p.revertDeletion("DELETE_ENDPOINT_GROUP", false, "GET /v1/users is in another group by now")
		p.revertDeletion("DELETE_ENDPOINT_GROUP", true, "")
		run(`deleteEndpoint(id:%q){snapshot}`, endpoint)
		run(`deleteEndpointGroup(id:%q){snapshot}`, elsewhere)
		run(`createMeter(input:{name:"rows",unit:"row",header:"x-rows"}){meter{id}}`)
		p.revertDeletion("DELETE_ENDPOINT", false, "its group "+elsewhere+" writes was deleted since")
		p.revertDeletion("DELETE_ENDPOINT", true, "")
		p.must(fmt.Sprintf(`{node(id:%q){id}}`, endpoint), nil)
	})
	t.Run("a name that was taken is told", func(t *testing.T) {
		run(`deleteTier(id:%q){snapshot}`, other)
		run(`createTier(input:{name:"Other",limits:[]}){tier{id}}`)
		p.revertDeletion("DELETE_TIER", true, "another tier has this name")
	})
}
