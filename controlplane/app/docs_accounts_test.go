package app_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

// The examples of docs/accounts.md work, and its table of statuses is true.
func TestTheDocsOfAccountsAreTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/accounts.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	examples := strings.Split(string(text), "```graphql\n")[1:]
	if len(examples) < 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, rest := range examples {
		example, _, _ := strings.Cut(rest, "```")
		p.must(example, nil)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			rows[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[3])
		}
	}
	for _, s := range controlplane.AccountStatuses() {
		var names []string
		for _, to := range s.Becomes() {
			names = append(names, "`"+strings.ToUpper(string(to))+"`")
		}
		if got, want := rows[strings.ToUpper(string(s))], strings.Join(names, ", "); got != want {
			t.Errorf("the docs let %s become %s, and not %s", s, got, want)
		}
	}
}
