package permit_test

import (
	"slices"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
)

func TestEachRoleHasWhatTheNextOneHas(t *testing.T) {
	grant := func(r controlplane.Role) permit.Grant { return permit.Grant{Permissions: permit.Of(r)} }
	for _, r := range controlplane.Roles() {
		if len(permit.Of(r)) == 0 {
			t.Errorf("%s may do nothing", r)
		}
		if !grant(controlplane.RoleOwner).Covers(grant(r)) {
			t.Errorf("an owner lacks what %s has", r)
		}
		if (r != controlplane.RoleOwner) != grant(controlplane.RoleAdmin).Covers(grant(r)) {
			t.Errorf("an admin covers %s: %v", r, r == controlplane.RoleOwner)
		}
	}
	if len(permit.Of("GUEST")) != 0 {
		t.Error("what is no role may do something")
	}
	if slices.ContainsFunc(permit.Of(controlplane.RoleViewer), func(p permit.Permission) bool { return p[len(p)-4:] != "READ" }) {
		t.Error("a viewer may do more than read")
	}
}

func TestAGrantOfOneAccountCoversNoOther(t *testing.T) {
	read := []permit.Permission{permit.UsageRead}
	all, one, two := permit.Grant{read, 0}, permit.Grant{read, 1}, permit.Grant{read, 2}
	for name, tc := range map[string]struct {
		a, b permit.Grant
		want bool
	}{
		"all covers one": {all, one, true}, "one doesn't cover all": {one, all, false}, "one covers itself": {one, one, true},
		"one doesn't cover two": {one, two, false}, "less doesn't cover more": {all, permit.Grant{permit.All(), 0}, false},
	} {
		if got := tc.a.Covers(tc.b); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if all.Key() == one.Key() || all.Key() != (permit.Grant{slices.Concat(read, read), 0}).Key() {
		t.Error("keys of grants are the same for those that are, and only for those")
	}
}

func TestARuleSaysWhatIsMissing(t *testing.T) {
	customer := permit.Grant{permit.Of(controlplane.RoleCustomer), 7}
	for name, tc := range map[string]struct {
		object, field string
		want          string // the code
	}{
		"their own account":    {"Query", "account", ""},
		"all workers":          {"Query", "rollout", "FORBIDDEN"},
		"an edit of the tiers": {"Mutation", "updateTier", "FORBIDDEN"},
		"a field of an object": {"Account", "keys", ""},
		"how many others":      {"Tier", "accountCount", "FORBIDDEN"},
	} {
		rule, ok := permit.Field(tc.object, tc.field)
		if !ok {
			t.Errorf("%s: there is no rule", name)
		}
		code := ""
		for _, f := range controlplane.Faults(rule.Check(customer)) {
			code = string(f.Code)
		}
		if code != tc.want {
			t.Errorf("%s: got %q, want %q", name, code, tc.want)
		}
	}
	if _, ok := permit.Field("Query", "everything"); ok {
		t.Error("an unknown field has a rule")
	}
	if _, ok := permit.Field("Unknown", "field"); ok {
		t.Error("an unknown type has a rule")
	}
}
