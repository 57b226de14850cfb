package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

// recorded is the newest record of an action.
func (p *plane) recorded(action string) int {
	p.t.Helper()
	var log struct {
		AuditLog struct{ Nodes []struct{ Seq int } }
	}
	p.must(fmt.Sprintf(`{auditLog(first:1,filter:{actions:[%q]}){nodes{seq}}}`, action), &log)
	return log.AuditLog.Nodes[0].Seq
}

func TestChangesAreReverted(t *testing.T) {
	p := open(t)
	tier := p.made(`mutation{createTier(input:{name:"Basic",limits:[{name:"a",amount:5,period:DAY},{name:"b",amount:7,period:DAY,mode:SOFT,gracePercent:10}]}){tier{id}}}`)
	account := p.made(fmt.Sprintf(`mutation{createAccount(input:{name:"Acme",tierId:%q,labels:[{key:"a",value:"b"}]}){account{id}}}`, tier))
	var limits struct {
		Tier struct{ Limits []struct{ ID string } }
	}
	p.must(fmt.Sprintf(`{tier(id:%q){limits{id}}}`, tier), &limits)
	limit := limits.Tier.Limits[0].ID
	endpoint := p.made(`mutation{createEndpoint(input:{method:"GET",template:"/v1/users",cost:3}){endpoint{id}}}`)
	state := func() string {
		t.Helper()
		var seen struct {
			Account struct {
				Name, Status string
				Labels       []struct{ Key, Value string }
				Tier         struct{ Name string }
				Overrides    struct{ Nodes []struct{ Amount int } }
			}
			Tier      struct{ Limits []struct{ Name string } }
			Endpoints struct{ Nodes []struct{ Cost int } }
			Defaults  struct{ Tier struct{ Name string } }
			Retention struct{ Levels []struct{ Days int } }
		}
		p.must(fmt.Sprintf(`{account(id:%q){name status labels{key value} tier{name} overrides{nodes{amount}}} tier(id:%q){limits{name}} endpoints{nodes{cost}} defaults{tier{name}} retention{levels{days}}}`, account, tier), &seen)
		return fmt.Sprintf("%+v", seen)
	}
	for _, m := range []struct{ action, mutation string }{
		{"UPDATE_ACCOUNT", fmt.Sprintf(`updateAccount(input:{id:%q,name:"Other",status:SUSPENDED,useDefaultTier:true,labels:[]}){snapshot}`, account)},
		{"SET_OVERRIDE", fmt.Sprintf(`setOverride(input:{accountId:%q,limitId:%q,amount:9}){snapshot}`, account, limit)},
		{"UPDATE_ENDPOINT", fmt.Sprintf(`updateEndpoint(input:{id:%q,cost:4}){snapshot}`, endpoint)},
		{"DELETE_ENDPOINT", fmt.Sprintf(`deleteEndpoint(id:%q){snapshot}`, endpoint)},
		{"CREATE_ENDPOINT_GROUP", `createEndpointGroup(name:"reads"){snapshot}`},
		{"SET_DEFAULTS", fmt.Sprintf(`setDefaults(input:{tierId:%q}){snapshot}`, tier)},
		{"SET_RETENTION", `setRetention(input:{minutes:7}){retention{revision}}`},
	} {
		t.Run(m.action, func(t *testing.T) {
			before := state()
			p.must("mutation{"+m.mutation+"}", nil)
			seq := p.recorded(m.action)
			p.must(fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){record{seq action} snapshot}}`, seq), nil)
			if after := state(); after != before {
				t.Errorf("it is\n%s\nand was\n%s", after, before)
			}
		})
	}
	t.Run("what changed since is told, and forced", func(t *testing.T) {
		update := func(fields string) {
			p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:%q,%s}){snapshot}}`, account, fields), nil)
		}
		update(`name:"A"`)
		first := p.recorded("UPDATE_ACCOUNT")
		update(`name:"B",billingDay:9`)
		revert := fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){snapshot}}`, first)
		errs := p.query(revert, nil)
		if len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" || !strings.Contains(errs[0].Message, "billingDay, name") {
			t.Errorf("%+v", errs)
		}
		p.must(fmt.Sprintf(`mutation{revertChange(input:{seq:%d,force:true}){snapshot}}`, first), nil)
		var seen struct {
			Account struct {
				Name       string
				BillingDay int
			}
		}
		p.must(fmt.Sprintf(`{account(id:%q){name billingDay}}`, account), &seen)
		if seen.Account.Name != "Acme" || seen.Account.BillingDay != 9 {
			t.Errorf("forced, it is %+v", seen)
		}
	})
	t.Run("a publication in between is told, too", func(t *testing.T) {
		p.must(fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[{id:%q,name:"a",amount:50,period:DAY}]}){snapshot}}`, tier, limit), nil)
		seq := p.recorded("UPDATE_TIER")
		p.must(fmt.Sprintf(`mutation{publishTier(input:{tierId:%q,limits:[{id:%q,name:"a",amount:900,period:DAY}],move:{when:NONE}}){snapshot}}`, tier, limit), nil)
		errs := p.query(fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){snapshot}}`, seq), nil)
		if len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" || !strings.Contains(errs[0].Message, fmt.Sprintf("last by record %d", p.recorded("PUBLISH_TIER"))) {
			t.Errorf("%+v", errs)
		}
		p.must(fmt.Sprintf(`mutation{revertChange(input:{seq:%d,force:true}){snapshot}}`, seq), nil)
		var back struct {
			Tier struct{ Limits []struct{ ID string } }
		}
		p.must(fmt.Sprintf(`{tier(id:%q){limits{id}}}`, tier), &back)
		if len(back.Tier.Limits) != 2 || back.Tier.Limits[0].ID != limit || back.Tier.Limits[1].ID != limits.Tier.Limits[1].ID {
			t.Errorf("the limits are %+v, and were %+v", back.Tier.Limits, limits.Tier.Limits)
		}
	})
	t.Run("what can't be reverted says why", func(t *testing.T) {
		seq := p.recorded("CREATE_ACCOUNT")
		p.wantErrors(fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){snapshot}}`, seq), "CONFLICT seq")
		p.wantErrors(`mutation{revertChange(input:{seq:99999}){snapshot}}`, "NOT_FOUND seq")
		var log struct {
			AuditLog struct {
				Nodes []struct {
					Revertible   bool
					Irrevertible string
				}
			}
		}
		p.must(`{auditLog(filter:{actions:["CREATE_ACCOUNT"]}){nodes{revertible irrevertible}}}`, &log)
		if got := log.AuditLog.Nodes[0]; got.Revertible || got.Irrevertible == "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("it takes the permission of the change", func(t *testing.T) {
		seq := p.recorded("SET_RETENTION")
		errs := p.as(string(controlplane.RoleOperator), 0, fmt.Sprintf(`mutation{revertChange(input:{seq:%d,force:true}){snapshot}}`, seq))
		if len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%+v", errs)
		}
	})
}
