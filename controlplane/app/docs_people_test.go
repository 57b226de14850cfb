package app_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
)

// The examples of docs/people.md work, and its table of roles is that of package
// permit.
func TestTheDocsOfPeopleAreTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	examples := strings.Split(string(text), "```graphql\n")[1:]
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, rest := range examples {
		example, _, _ := strings.Cut(rest, "```")
		p.must(example, nil)
	}
	for _, role := range []controlplane.Role{controlplane.RoleOperator, controlplane.RoleBilling, controlplane.RoleViewer, controlplane.RoleCustomer} {
		var names []string
		for _, permission := range permit.Of(role) {
			names = append(names, "`"+string(permission)+"`")
		}
		if row := "| `" + string(role) + "` | " + strings.Join(names, ", "); !strings.Contains(string(text), row) {
			t.Errorf("docs/people.md has no row %s", row)
		}
	}
}
