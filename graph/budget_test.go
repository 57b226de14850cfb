package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph"
)

type told struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct{ Code, Field string }
	}
}

// ask sends an operation that needs no database to a handler.
func ask(t *testing.T, ctx context.Context, r *graph.Resolver, operation string) (got told) {
	t.Helper()
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	handler, _ := r.Handler()
	body, err := json.Marshal(map[string]any{"query": operation})
	if err != nil {
		t.Fatal(err)
	}
	ctx = auth.With(ctx, auth.Principal{Kind: auth.Token, Grant: permit.Grant{Permissions: permit.All()}})
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(string(body)))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatalf("%.300s: %v", answer.Body.String(), err)
	}
	return got
}

// What the schema says of itself has no weight, so only the budget holds it.
func TestAnAnswerIsBoundedWhateverItsWeight(t *testing.T) {
	named := func(n, length int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " %s%d:name", strings.Repeat("a", length), i)
		}
		return "{__schema{types{" + b.String() + "}}}"
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx             context.Context
		operation, code string
	}{
		"a small one":               {t.Context(), named(2, 1), ""},
		"one of too many bytes":     {t.Context(), named(10, 30_000), "COMPLEXITY_LIMIT_EXCEEDED"},
		"one that nobody waits for": {gone, named(2, 1), "TIMEOUT"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, c.ctx, new(graph.Resolver), c.operation)
			switch {
			case c.code == "":
				if len(got.Errors) > 0 || len(got.Data) < 100 {
					t.Errorf("%s %+v", got.Data, got.Errors)
				}
			case len(got.Errors) != 1 || got.Errors[0].Extensions.Code != c.code || string(got.Data) != "null":
				t.Errorf("%d bytes of data, %d errors, want one %s: %.300v", len(got.Data), len(got.Errors), c.code, got.Errors)
			}
		})
	}
}

func TestWhatIsExpensiveToReadIsRefused(t *testing.T) {
	const levels = 300
	var doubled strings.Builder
	doubled.WriteString("{viewer{...f0}}")
	for i := range levels {
		fmt.Fprintf(&doubled, " fragment f%d on Viewer{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&doubled, " fragment f%d on Viewer{name}", levels)
	// Together the rows are 2^66.
	wrapped := "{tiers(first:4194304){nodes{" + strings.Repeat("versions(first:4194304){nodes{tier{", 2) + "id" + strings.Repeat("}}}", 2) + "}}}"
	for name, c := range map[string]struct{ operation, code string }{
		"fragments that double":         {doubled.String(), "VALIDATION"},
		"more rows than a number holds": {wrapped, "COMPLEXITY_LIMIT_EXCEEDED"},
		"a part that comes later":       {"{viewer{... @defer{name}}}", "VALIDATION"},
		"a version's tier's versions":   {"{tier(id:\"tier_1\"){" + strings.Repeat("versions(first:200){nodes{tier{", 4) + "id" + strings.Repeat("}}}", 4) + "}}", "COMPLEXITY_LIMIT_EXCEEDED"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, t.Context(), new(graph.Resolver), c.operation)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != c.code {
				t.Errorf("%.300s %+v, want %s", got.Data, got.Errors, c.code)
			}
		})
	}
}

func TestAServerThatKeepsItsSchemaSaysNothingOfIt(t *testing.T) {
	for name, c := range map[string]struct{ operation, code string }{
		"its types":             {"{__schema{types{name}}}", "FORBIDDEN"},
		"a type":                {"{...a} fragment a on Query{... {__type(name:\"Account\"){name}}}", "FORBIDDEN"},
		"a field almost right":  {"{viewer{nam}}", "GRAPHQL_VALIDATION_FAILED"},
		"an argument":           {"{account(idd:1){id}}", "GRAPHQL_VALIDATION_FAILED"},
		"a field of an input":   {"mutation{createTier(input:{nam:\"x\",limits:[]}){tier{id}}}", "GRAPHQL_VALIDATION_FAILED"},
		"a value":               {"{limitEffect(limitId:\"lim_1\",from:\"2026-01-01T00:00:00Z\",granularity:HOURS){points{at}}}", "GRAPHQL_VALIDATION_FAILED"},
		"a type of a variable":  {"query($a:AccountFilte){accounts(filter:$a){totalCount}}", "GRAPHQL_VALIDATION_FAILED"},
		"a selection left out":  {"{viewer}", "GRAPHQL_VALIDATION_FAILED"},
		"another type's fields": {"{node(id:\"acc_1\"){email}}", "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, t.Context(), &graph.Resolver{Opaque: true}, c.operation)
			if len(got.Errors) == 0 || got.Errors[0].Extensions.Code != c.code {
				t.Fatalf("%s %+v, want %s", got.Data, got.Errors, c.code)
			}
			for _, e := range got.Errors {
				if strings.Contains(e.Message, "Did you mean") {
					t.Error(e.Message)
				}
			}
		})
	}
}

func TestErrorsNameWhereAValueIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ operation, field string }{
		"a fraction":                 {`mutation{createTier(input:{name:"x",limits:[{name:"a",amount:1.5,period:DAY}]}){tier{id}}}`, "limits.0.amount"},
		"a time":                     {`mutation{createApiToken(input:{name:"x",scopes:[],expiresAt:"tomorrow"}){secret}}`, "expiresAt"},
		"a date, under another name": {`{a:reconciliation(from:"x",to:"2026-01-01"){__typename}}`, "from"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, t.Context(), new(graph.Resolver), c.operation)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != c.field || got.Errors[0].Extensions.Code != "VALIDATION" {
				t.Errorf("%+v, want VALIDATION of %s", got.Errors, c.field)
			}
		})
	}
}

func TestEachEventHasABudgetOfItsOwn(t *testing.T) {
	ctx := graphql.WithOperationContext(t.Context(), &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Subscription}})
	for event, c := range []struct{ fields, faults int }{{500_000, 0}, {500_001, 1}, {500_000, 0}} {
		response := graph.Bound(ctx, func(ctx context.Context) *graphql.Response {
			_ = graph.BudgetOf(ctx).Take(c.fields, 0)
			return &graphql.Response{Data: json.RawMessage("{}")}
		})
		if len(response.Errors) != c.faults || (response.Data == nil) != (c.faults > 0) {
			t.Errorf("event %d of %d fields: %s %v", event, c.fields, response.Data, response.Errors)
		}
	}
}
