package app_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
)

// The examples of docs/api.md work, and its table of codes has all there are.
func TestTheDocsOfTheAPIAreTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	examples := strings.Split(string(text), "```graphql\n")[1:]
	if len(examples) != 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, rest := range examples {
		example, _, _ := strings.Cut(rest, "```")
		p.must(example, nil)
	}
	key := regexp.MustCompile(`Idempotency-Key: ([^']+)'`).FindStringSubmatch(string(text))
	if key == nil {
		t.Fatal("there is no example of a key")
	}
	if got := p.keyed(key[1], `mutation{createAccount(input:{name:"Acme"}){account{id}}}`); got.Status != 200 || codeOf(got) != "" {
		t.Errorf("%+v", got)
	}
	codes := map[string]bool{"INTERNAL": true}
	for _, c := range controlplane.Codes() {
		codes[string(c)] = true
	}
	documented := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(string(text), -1)
	for _, row := range documented {
		if !codes[row[1]] {
			t.Errorf("there is no code %s", row[1])
		}
		delete(codes, row[1])
	}
	for code := range codes {
		t.Errorf("docs/api.md doesn't have %s", code)
	}
}
