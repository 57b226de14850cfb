package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestGraphQLOverHTTPSaysWhatIsWrongWithARequest sends what is not as GraphQL
// over HTTP has it. The public audit of that specification runs beside the tests
// of the dashboard.
func TestGraphQLOverHTTPSaysWhatIsWrongWithARequest(t *testing.T) {
	p := open(t)
	const json = "application/json"
	const secret = "a secret that nobody repeats"
	query := func(operation string) string { return "?query=" + url.QueryEscape(operation) }
	for name, c := range map[string]struct {
		method, query, contentType, accept, body string
		status                                   int
		says                                     string
	}{
		"no JSON":                       {"POST", "", json, "", secret, 400, "isn't one JSON object"},
		"two JSON values":               {"POST", "", json, "", `{"query":"{__typename}"}{}`, 400, "isn't one JSON object"},
		"no object":                     {"POST", "", json, "", `["` + secret + `"]`, 400, "isn't one JSON object"},
		"no query":                      {"POST", "", json, "", `{}`, 400, "query: want the text"},
		"a query of another type":       {"POST", "", json, "", `{"query":{"a":"` + secret + `"}}`, 400, "query: want a string"},
		"an operation's name as number": {"POST", "", json, "", `{"query":"{__typename}","operationName":7}`, 400, "operationName: want a string"},
		"variables as a list":           {"POST", "", json, "", `{"query":"{__typename}","variables":["` + secret + `"]}`, 400, "variables: want a JSON object"},
		"another content type":          {"POST", "", "text/plain", "", `{"query":"{__typename}"}`, 415, "Content-Type: want application/json"},
		"another charset":               {"POST", "", json + "; charset=utf-16", "", `{"query":"{__typename}"}`, 415, "Content-Type: want application/json"},
		"another method":                {"PUT", "", json, "", `{"query":"{__typename}"}`, 405, "send GET or POST"},
		"yet another method":            {"DELETE", "", json, "", "", 405, "send GET or POST"},
		"variables in a URL":            {"GET", query("{__typename}") + "&variables=7", "", "", "", 400, "variables: want a JSON object"},
		"a mutation by GET":             {"GET", query("mutation{signOut}"), "", "", "", 405, "send a mutation by POST"},
		"an operation that is cut":      {"POST", "", json, "", `{"query":"{"}`, 200, "GRAPHQL_PARSE_FAILED"},
		"the same in the newer type":    {"POST", "", json, "application/graphql-response+json", `{"query":"{"}`, 400, "GRAPHQL_PARSE_FAILED"},
		"an unknown field":              {"POST", "", json, "", `{"query":"{nothing}"}`, 200, "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.send(c.method, p.http("/graphql")+c.query, c.body, "Content-Type", c.contentType, "Accept", c.accept, "Authorization", "Bearer "+p.token)
			if got.Status != c.status || !strings.Contains(got.Body, c.says) {
				t.Errorf("answered %d %s, want %d with %q", got.Status, got.Body, c.status, c.says)
			}
			if allowed := got.Header.Get("Allow"); (got.Status == 405) != strings.Contains(allowed, "POST") {
				t.Errorf("%d with Allow: %q", got.Status, allowed)
			}
			if strings.Contains(got.Body, secret) || strings.Contains(got.Body, `"data"`) {
				t.Errorf("the answer has data or repeats the request: %s", got.Body)
			}
		})
	}
	t.Run("a subscription's errors have a code and the request's id", func(t *testing.T) {
		for operation, code := range map[string]string{"{viewer{name}}": "VALIDATION", `subscription{remaining(accountId:\"acc_99\"){at}}`: "NOT_FOUND"} {
			got := p.send("POST", p.http("/graphql"), `{"query":"`+operation+`"}`, "Content-Type", json, "Accept", "text/event-stream", "Authorization", "Bearer "+p.token, "X-Request-Id", "request-of-the-test")
			if !strings.Contains(got.Body, `"code":"`+code+`"`) || !strings.Contains(got.Body, `"requestId":"`) {
				t.Errorf("%s: %s", operation, got.Body)
			}
		}
	})
	t.Run("a number in quotes, wherever one is wanted", func(t *testing.T) {
		for body, field := range map[string]string{
			`{"query":"query($f:Int!){accounts(first:$f){totalCount}}","variables":{"f":"1"}}`:                                                          "f",
			`{"query":"mutation($input:UpdateEndpointInput!){updateEndpoint(input:$input){snapshot}}","variables":{"input":{"id":"end_1","cost":"2"}}}`: "cost",
		} {
			got := p.send("POST", p.http("/graphql"), body, "Content-Type", json, "Authorization", "Bearer "+p.token)
			if !strings.Contains(got.Body, "without quotes") || !strings.Contains(got.Body, `"field":"`+field+`"`) {
				t.Errorf("%s: %s", body, got.Body)
			}
		}
	})
	t.Run("a query by GET", func(t *testing.T) {
		got := p.send("GET", p.http("/graphql")+query("query($n:Int!){accounts(first:$n){nodes{id}}}")+"&variables="+url.QueryEscape(`{"n":1}`), "", "Authorization", "Bearer "+p.token)
		if got.Status != http.StatusOK || !strings.HasPrefix(got.Body, `{"data":{"accounts":`) {
			t.Errorf("answered %d %s", got.Status, got.Body)
		}
	})
}
