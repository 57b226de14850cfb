package app_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestPublicationsAreReverted(t *testing.T) {
	p := open(t)
	tier := p.made(`mutation{createTier(input:{name:"Basic",limits:[{name:"a",amount:5,period:DAY}]}){tier{id}}}`)
	account := p.made(fmt.Sprintf(`mutation{createAccount(input:{name:"Acme",tierId:%q}){account{id}}}`, tier))
	publish := func(when string) int {
		p.must(fmt.Sprintf(`mutation{publishTier(input:{tierId:%q,limits:[{name:"a",amount:6,period:DAY}],move:{when:%s}}){snapshot}}`, tier, when), nil)
		return p.recorded("PUBLISH_TIER")
	}
	preview := func(seq int) string {
		t.Helper()
		var seen struct {
			AuditRecord struct{ RevertPreview, Irrevertible string }
		}
		p.must(fmt.Sprintf(`{auditRecord(seq:%d){revertPreview irrevertible}}`, seq), &seen)
		return seen.AuditRecord.RevertPreview + seen.AuditRecord.Irrevertible
	}
	revert := func(seq int) string {
		return fmt.Sprintf(`mutation{revertChange(input:{seq:%d}){record{action} snapshot}}`, seq)
	}
	now := publish("NOW")
	if got := preview(now); got != "1 account that it moved and that is still on version 2 goes back: 1 to version 1. The current version of Basic stays what it is." {
		t.Errorf("it says %q", got)
	}
	p.must(revert(now), nil)
	var seen struct {
		Account struct{ Version struct{ Number int } }
		Tier    struct{ Version struct{ Number int } }
	}
	p.must(fmt.Sprintf(`{account(id:%q){version{number}} tier(id:%q){version{number}}}`, account, tier), &seen)
	if seen.Account.Version.Number != 1 || seen.Tier.Version.Number != 2 {
		t.Errorf("it is %+v", seen)
	}
	if got := preview(now); !strings.HasPrefix(got, "Not now: none of the accounts") {
		t.Errorf("it says %q", got)
	}
	errs := p.query(revert(now), nil)
	if len(errs) != 1 || errs[0].Extensions.Code != "CONFLICT" {
		t.Errorf("got %+v", errs)
	}
	if got := preview(publish("NONE")); !strings.HasPrefix(got, "it moved no accounts") {
		t.Errorf("it says %q", got)
	}
	if got := preview(p.recorded("CREATE_ACCOUNT")); !strings.Contains(got, "close it instead") {
		t.Errorf("it says %q", got)
	}
}
