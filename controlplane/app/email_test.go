package app_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

func TestAddressesAreChangedByThoseWhoManageMembers(t *testing.T) {
	p := open(t)
	viewer, admin := p.joined("bob@example.com", controlplane.RoleViewer), p.joined("ada@example.com", controlplane.RoleAdmin)
	for _, email := range []string{"ada@example.com", "cfo@example.com"} {
		errs := viewer.run(fmt.Sprintf(`mutation{updateProfile(input:{email:%q,currentPassword:%q}){viewer{name}}}`, email, password), nil)
		if len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" || errs[0].Extensions.Field != "email" {
			t.Errorf("a viewer gives themselves %s: %+v", email, errs)
		}
	}
	var changed struct {
		UpdateProfile struct {
			Viewer struct {
				Name   string
				Member struct{ Name string }
			}
		}
	}
	if errs := viewer.run(`mutation{updateProfile(input:{email:"Bob@example.com",name:"Bob"}){viewer{name member{name}}}}`, &changed); errs != nil {
		t.Errorf("the address that they have: %+v", errs)
	}
	if v := changed.UpdateProfile.Viewer; v.Name != "Bob" || v.Member.Name != "Bob" {
		t.Errorf("it is answered as %+v", v)
	}
	var found struct {
		Members struct{ Nodes []struct{ ID, Email string } }
	}
	p.must(`{members(search:"bob@"){nodes{id email}}}`, &found)
	if len(found.Members.Nodes) != 1 {
		t.Fatalf("%+v", found)
	}
	change := func(email string) []gqlError {
		return admin.run(fmt.Sprintf(`mutation{updateMember(input:{id:%q,email:%q}){member{email}}}`, found.Members.Nodes[0].ID, email), nil)
	}
	for _, email := range []string{"ada@example.com", "bob"} {
		if errs := change(email); len(errs) != 1 || errs[0].Extensions.Field != "email" {
			t.Errorf("an admin gives them %s: %+v", email, errs)
		}
	}
	if errs := change("Robert@example.com"); errs != nil {
		t.Errorf("%+v", errs)
	}
	if got := (&browser{plane: p}).post("/auth/sign-in", map[string]string{"email": "robert@example.com", "password": password}); got.Status != http.StatusNoContent {
		t.Errorf("with the new address: %d %s", got.Status, got.Body)
	}
	if errs := admin.run(fmt.Sprintf(`mutation{updateProfile(input:{email:"countess@example.com",currentPassword:%q}){viewer{name}}}`, password), nil); errs != nil {
		t.Errorf("an admin gives themselves another: %+v", errs)
	}
}

func TestWhatIsNoAddressIsNobodys(t *testing.T) {
	p := open(t)
	for _, email := range []string{"a\x00b@example.com", "nobody", "a\nb@example.com"} {
		got := (&browser{plane: p}).post("/auth/sign-in", map[string]string{"email": email, "password": password})
		if got.Status != http.StatusUnauthorized {
			t.Errorf("%q: %d %s", email, got.Status, got.Body)
		}
	}
}
