package app_test

import (
	"os"
	"strings"
	"testing"
)

// The examples of docs/tiers.md work, one after the other, and its table has every way
// to move.
func TestTheDocsOfTiersAreTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/tiers.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	examples := strings.Split(string(text), "```graphql\n")[1:]
	if len(examples) < 11 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, rest := range examples {
		example, _, _ := strings.Cut(rest, "```")
		p.must(example, nil)
	}
	var schema struct {
		Type struct{ EnumValues []struct{ Name string } } `json:"__type"`
	}
	p.must(`{__type(name:"MoveWhen"){enumValues{name}}}`, &schema)
	for _, v := range schema.Type.EnumValues {
		if !strings.Contains(string(text), "| `"+v.Name+"` |") {
			t.Errorf("the table lacks %s", v.Name)
		}
	}
	var read struct {
		Account struct {
			Version     struct{ Number int }
			PendingMove struct{ Version struct{ Number int } }
		}
	}
	p.must(`{account(id:"acc_1"){version{number} pendingMove{version{number}}}}`, &read)
	if read.Account.Version.Number != 1 || read.Account.PendingMove.Version.Number != 3 {
		t.Errorf("after the examples the account is on version %d and will be on %d, want 1 and 3",
			read.Account.Version.Number, read.Account.PendingMove.Version.Number)
	}
}
