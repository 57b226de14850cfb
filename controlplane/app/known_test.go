package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/graph"
)

const (
	knownDocument = "query Tiers { tiers(first: 1) { nodes { id } } }"
	liveDocument  = "subscription { usage { __typename } }"
)

func TestTokensRunKnownDocumentsOnly(t *testing.T) {
	known, err := graph.ReadDocuments([]byte(fmt.Sprintf(`{"tiers": %q}`, knownDocument)))
	if err != nil {
		t.Fatal(err)
	}
	p := openOn(t, databases.New(t), func(c *app.Config) { c.Known = known })
	send := func(body string, headers ...string) string {
		t.Helper()
		return p.send("POST", p.http("/graphql"), body, append(headers, "Content-Type", "application/json", "Authorization", "Bearer "+p.token)...).Body
	}
	query := func(text string) string { return fmt.Sprintf(`{"query":%q}`, text) }
	hash := sha256.Sum256([]byte(knownDocument))
	for name, body := range map[string]string{
		"one of the manifest":           query(knownDocument),
		"with other spaces and a note":  query("query Tiers{ # all\n tiers(first:1){nodes{id}}}"),
		"by its hash alone, never sent": fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, hex.EncodeToString(hash[:])),
	} {
		if got := send(body); !strings.HasPrefix(got, `{"data":{"tiers"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	const unknown = `"code":"OPERATION_UNKNOWN"`
	for name, body := range map[string]string{
		"another":                        query("{viewer{name}}"),
		"one with another field":         query("query Tiers { tiers(first: 1) { nodes { id name } } }"),
		"one with another beside it":     fmt.Sprintf(`{"query":%q,"operationName":"Tiers"}`, knownDocument+" query Other {viewer{name}}"),
		"a mutation":                     query("mutation{signOut}"),
		"what tells the schema":          query("{__schema{types{name}}}"),
		"another, to be known by a hash": fmt.Sprintf(`{"query":"{viewer{name}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, hashOf("{viewer{name}}")),
	} {
		if got := send(body); !strings.Contains(got, unknown) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, text := range []string{"{viewer{nothing}}", "query($a: Nothing!) {viewer{name}}", "{viewer(", "", " ", strings.Repeat("{a", 6000)} {
		// Nothing but the request's id tells it from the refusal of what could be run.
		if got, want := requestID.ReplaceAllString(send(query(text+"#")), ""), requestID.ReplaceAllString(send(query("{viewer{name}}")), ""); got != want {
			t.Errorf("%.30q is refused as %s, and a sound document as %s", text, got, want)
		}
	}
	if got := send(query(liveDocument), "Accept", "text/event-stream"); !strings.Contains(got, unknown) {
		t.Errorf("a subscription: %s", got)
	}
	own, err := client.Documents()
	if err != nil || len(own) < 10 {
		t.Fatalf("%d documents of the command line, %v", len(own), err)
	}
	for _, text := range own[:3] {
		if got := send(query(text)); strings.Contains(got, unknown) {
			t.Errorf("one of the command line: %s\n%s", got, text)
		}
	}
	link, err := p.SignInLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#token=")
	b := &browser{plane: p}
	b.post("/auth/sign-in", map[string]string{"token": token})
	if errs := b.run(`{viewer{name}}`, nil); errs != nil {
		t.Errorf("a member: %+v", errs)
	}
}

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

func hashOf(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:])
}

func TestAManifestIsRelaysOrApollosAndFitsTheSchema(t *testing.T) {
	doc, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	section, _, _ := strings.Cut(string(doc[strings.Index(string(doc), "## Known documents"):]), "\n## Editing")
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(section)
	if example == nil {
		t.Fatal("docs/api.md shows no manifest")
	}
	for name, c := range map[string]struct{ manifest, fault string }{
		"the documents' example": {example[1], ""},
		"Apollo's":               {fmt.Sprintf(`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"Tiers","type":"query","body":%q}]}`, knownDocument), ""},
		"no JSON":                {"query { viewer }", "neither a JSON object"},
		"no documents":           {`{"a": 1}`, "neither a JSON object"},
		"an unknown field":       {`{"mine": "{ nothing }"}`, `document "mine"`},
		"no GraphQL":             {`{"mine": "{"}`, `document "mine"`},
		"far too much":           {strings.Repeat(" ", 9<<20), "more than"},
	} {
		_, err := graph.ReadDocuments([]byte(c.manifest))
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
