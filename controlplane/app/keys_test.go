package app_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeysOverGraphQL(t *testing.T) {
	p := open(t)
	var made struct {
		CreateAccount  struct{ Account struct{ ID string } }
		CreateEndpoint struct{ Endpoint struct{ ID string } }
	}
	p.must(`mutation{createAccount(input:{name:"Acme"}){account{id}} createEndpoint(input:{method:"GET",template:"/a"}){endpoint{id}}}`, &made)
	account, endpoint := made.CreateAccount.Account.ID, made.CreateEndpoint.Endpoint.ID
	type key struct {
		ID, Name, Prefix, Environment string
		Scope                         *struct {
			ReadsOnly bool
			Endpoints []struct{ ID string }
		}
		LastUsedAt, ExpiresAt *string
		Replaces, ReplacedBy  *struct{ ID string }
	}
	const fields = `{id name prefix environment scope{readsOnly endpoints{id} groups{id}} lastUsedAt expiresAt replaces{id} replacedBy{id}}`
	var created struct {
		CreateKey struct {
			Secret string
			Key    key
		}
	}
	p.must(fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"ci",environment:SANDBOX,scope:{readsOnly:true,endpointIds:[%q]}}){secret key%s}}`, account, endpoint, fields), &created)
	old := created.CreateKey.Key
	if s := old.Scope; !strings.HasPrefix(created.CreateKey.Secret, "wk_test_") || old.Environment != "SANDBOX" || s == nil || !s.ReadsOnly || len(s.Endpoints) != 1 || old.LastUsedAt != nil {
		t.Errorf("it is %+v with %s", old, created.CreateKey.Secret)
	}
	var rotated struct {
		RotateKey struct {
			Secret        string
			Key, Replaced key
		}
	}
	p.must(fmt.Sprintf(`mutation{rotateKey(input:{id:%q,overlapSeconds:60}){secret key%s replaced%[2]s}}`, old.ID, fields), &rotated)
	r := rotated.RotateKey
	if r.Key.Replaces == nil || r.Key.Replaces.ID != old.ID || r.Replaced.ReplacedBy == nil || r.Replaced.ReplacedBy.ID != r.Key.ID || r.Replaced.ExpiresAt == nil || r.Key.Scope == nil {
		t.Errorf("%+v", r)
	}
	var reported struct {
		ReportLeakedKeys struct {
			Leaks []struct {
				Index   int
				Revoked bool
				Key     struct{ ID, Status string }
			}
			Snapshot *int64
		}
	}
	p.must(fmt.Sprintf(`mutation{reportLeakedKeys(input:{secrets:["x",%q],revoke:true}){leaks{index revoked key{id status}} snapshot}}`, r.Secret), &reported)
	if leaks := reported.ReportLeakedKeys.Leaks; len(leaks) != 1 || leaks[0].Index != 1 || !leaks[0].Revoked || leaks[0].Key.Status != "REVOKED" || reported.ReportLeakedKeys.Snapshot == nil {
		t.Errorf("%+v", reported)
	}
	var read struct{ Account struct{ Keys nodes[key] } }
	p.must(fmt.Sprintf(`mutation{deleteEndpoint(id:%q){snapshot}}`, endpoint), nil)
	p.must(fmt.Sprintf(`{account(id:%q){keys{nodes%s}}}`, account, fields), &read)
	if len(read.Account.Keys.Nodes) != 2 || len(read.Account.Keys.Nodes[1].Scope.Endpoints) != 0 || !read.Account.Keys.Nodes[1].Scope.ReadsOnly {
		t.Errorf("without the endpoint they are %+v", read.Account.Keys)
	}
	for operation, want := range map[string]string{
		fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"x",scope:{endpointIds:["end_99"]}}){secret}}`, account): "NOT_FOUND scope.endpointIds",
		fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"x",scope:{groupIds:["end_1"]}}){secret}}`, account):     "VALIDATION scope.groupIds.0",
		fmt.Sprintf(`mutation{rotateKey(input:{id:%q,overlapSeconds:-1}){secret}}`, old.ID):                               "VALIDATION overlapSeconds",
		fmt.Sprintf(`mutation{rotateKey(input:{id:%q}){secret}}`, old.ID):                                                 "CONFLICT id",
		`mutation{reportLeakedKeys(input:{secrets:[]}){snapshot}}`:                                                        "VALIDATION secrets",
	} {
		p.wantErrors(operation, want)
	}
}
