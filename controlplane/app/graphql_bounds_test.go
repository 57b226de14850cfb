package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/app"
)

func TestOperationsAreBoundedInShape(t *testing.T) {
	p := open(t)
	// inside is 3 fields deep for each level, and one more.
	inside := func(levels int) string {
		return strings.Repeat("endpoints(first:1){nodes{group{", levels) + "id" + strings.Repeat("}}}", levels)
	}
	roots := func(alias string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " %s%d:viewer{name}", alias, i)
		}
		return b.String()
	}
	const (
		deep = "the operation is 21 fields deep; 20 is the most"
		wide = "the operation has 120 fields at its root; 100 is the most, send several operations"
	)
	for name, c := range map[string]struct{ operation, want string }{
		"one that is deep":                {"{endpointGroups{nodes{" + inside(5) + "}}}", ""},
		"one that is too deep":            {"{endpointGroups{nodes{" + inside(6) + "}}}", deep},
		"one that is so by its fragments": {"{endpointGroups{nodes{...a}}} fragment a on EndpointGroup{" + inside(6) + "}", deep},
		"many fields at the root":         {"{" + roots("a", 100) + "}", ""},
		"too many":                        {"{" + roots("a", 120) + "}", wide},
		"too many by fragments":           {"{...b ...b" + roots("a", 40) + "} fragment b on Query{" + roots("b", 40) + "}", wide},
	} {
		t.Run(name, func(t *testing.T) {
			errs := p.query(c.operation, nil)
			switch {
			case c.want == "" && errs != nil:
				t.Errorf("refused: %+v", errs)
			case c.want != "" && (len(errs) != 1 || errs[0].Message != c.want || errs[0].Extensions.Code != "VALIDATION"):
				t.Errorf("%+v, want %q", errs, c.want)
			}
		})
	}
}

// A list may be longer than its weight says: then the answer's bound holds it.
func TestALargeAnswerEndsAndTheProcessGoesOn(t *testing.T) {
	p := open(t)
	var limits, names, lists strings.Builder
	for i := range 32 {
		fmt.Fprintf(&limits, `{name:"limit-%d",amount:1,period:DAY}`, i)
	}
	for i := range 100 {
		fmt.Fprintf(&names, " n%d:name", i)
	}
	for i := range 180 {
		fmt.Fprintf(&lists, " l%d:limits{...n}", i)
	}
	var made struct {
		CreateTier struct{ Tier struct{ ID string } }
	}
	p.must(`mutation{createTier(input:{name:"Long",limits:[`+limits.String()+`]}){tier{id}}}`, &made)
	for name, below := range map[string]string{
		"by its fields": lists.String(),
		"by its weight": "limits{...n} " + strings.Repeat("versions(first:200){nodes{tier{", 5) + "id" + strings.Repeat("}}}", 5),
	} {
		t.Run(name, func(t *testing.T) {
			errs := p.query(fmt.Sprintf("{tier(id:%q){%s ...m}} fragment m on Tier{id} fragment n on Limit{id%s}", made.CreateTier.Tier.ID, below, names.String()), nil)
			// On a busy machine its time may be over before its fields are.
			if len(errs) != 1 || errs[0].Extensions.Code != "COMPLEXITY_LIMIT_EXCEEDED" && (name != "by its fields" || errs[0].Extensions.Code != "TIMEOUT") {
				t.Errorf("%+v, want that it is too much", errs)
			}
			if ready := p.send("GET", p.http("/readyz"), ""); ready.Status != 200 {
				t.Errorf("ready: %d %s", ready.Status, ready.Body)
			}
		})
	}
}

func TestAnOperationIsKnownByItsHash(t *testing.T) {
	p := open(t)
	ask := func(operation, hash string) string {
		t.Helper()
		body, err := json.Marshal(map[string]any{
			"query": operation, "extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return p.send("POST", p.http("/graphql"), string(body), "Content-Type", "application/json", "Authorization", "Bearer "+p.token).Body
	}
	hashOf := func(operation string) string {
		sum := sha256.Sum256([]byte(operation))
		return hex.EncodeToString(sum[:])
	}
	const operation = `{viewer{name}}`
	long := operation + strings.Repeat(" ", 20_000)
	const unknown, answered = "PERSISTED_QUERY_NOT_FOUND", `"viewer":{"name":`
	for _, step := range []struct{ what, operation, hash, want string }{
		{"one that nobody sent", "", hashOf(operation), unknown},
		{"another's hash", operation, hashOf(long), `hash does not match query","extensions":{"code":"VALIDATION"`},
		{"its text", operation, hashOf(operation), answered},
		{"its hash alone", "", hashOf(operation), answered},
		{"the text of a long one", long, hashOf(long), answered},
		{"a long one, which is not kept", "", hashOf(long), unknown},
	} {
		if got := ask(step.operation, step.hash); !strings.Contains(got, step.want) {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

func TestTheSchemaCanBeKept(t *testing.T) {
	for opaque, want := range map[bool]bool{false: true, true: false} {
		p := openOn(t, databases.New(t), func(c *app.Config) { c.Opaque = opaque })
		var read struct {
			Schema struct{ QueryType struct{ Name string } } `json:"__schema"`
		}
		errs := p.query(`{__schema{queryType{name}}}`, &read)
		if told := errs == nil && read.Schema.QueryType.Name == "Query"; told != want {
			t.Errorf("opaque %v: the schema is told: %v (%+v)", opaque, told, errs)
		}
		if !want && (len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN") {
			t.Errorf("%+v, want FORBIDDEN", errs)
		}
		if errs := p.query(`{viewer{__typename name}}`, nil); errs != nil {
			t.Errorf("opaque %v: %+v", opaque, errs)
		}
	}
}
