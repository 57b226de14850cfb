package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph"
)

// Every list of the schema, with every field below it, costs no statement for each of
// its objects.
func TestNoListCostsAStatementForEachOfItsObjects(t *testing.T) {
	const many = 6
	url := databases.New(t)
	p := openOn(t, url)
	p.fill(many)
	c := p.counted(url)
	schema := loadSchema(t)
	asked := 0
	for _, field := range sorted(schema.Query.Fields) {
		switch {
		case schema.Types[field.Type.Name()].Kind != ast.Object, field.Arguments.ForName("limitId") != nil:
			continue
		case field.Name == "preview": // it is of a draft, and no list
			continue
		}
		least, most := 2, many
		if field.Name == "auditLog" { // records are of many kinds; so many have one of each
			least, most = 15, 30
		}
		few, lots := listQuery(schema, field, least), listQuery(schema, field, most)
		if few == lots {
			continue
		}
		asked++
		t.Run(field.Name, func(t *testing.T) {
			// Each of the other objects would cost one at least. Fewer are a matter of
			// what a plan is, or of a busy machine that asks in two goes.
			few := c.run(t, few)
			enough := few + most - least - 1
			if n := c.fewest(t, lots, enough); n > enough {
				t.Errorf("%d objects cost %d statements, %d objects cost %d: %s\n%s", least, few, most, n, lots, strings.Join(c.last, "\n"))
			}
		})
	}
	prefixes := map[string]bool{}
	for _, kind := range strings.Fields("acc key idn ovr den cor una tier ver lim end grp src mtr sch mem tok ses") {
		prefixes[kind] = true
		t.Run("nodes of "+kind, func(t *testing.T) {
			named := func(n int) string {
				var ids []string
				for i := range n {
					ids = append(ids, fmt.Sprintf("%q", fmt.Sprintf("%s_%d", kind, i+1)))
				}
				return "{nodes(ids:[" + strings.Join(ids, ",") + "]){id}}"
			}
			c.wantAsFew(t, named(2), named(20))
		})
	}
	if kinds := len(schema.PossibleTypes["Node"]); len(prefixes) != kinds {
		t.Errorf("%d kinds of nodes were asked for, and there are %d", len(prefixes), kinds)
	}
	for _, field := range []string{
		"viewer{sessions{id} member{id} account{id}}", `account(id:"acc_%d"){id keys(first:3){totalCount}}`, `tier(id:"tier_%d"){id limits{endpoint{id}}}`,
		`tierVersion(id:"ver_%d"){id}`, `member(id:"mem_%d"){id}`, `node(id:"key_%d"){id}`,
	} {
		name, _, _ := strings.Cut(field, "{")
		t.Run("many times "+name, func(t *testing.T) {
			times := func(n int) string {
				var b strings.Builder
				for i := range n {
					fmt.Fprintf(&b, " a%d:%s", i, strings.ReplaceAll(field, "%d", fmt.Sprint(i+1)))
				}
				return "{" + b.String() + "}"
			}
			c.wantAsFew(t, times(2), times(20))
		})
	}
	if c.run(t, "{accounts(first:1){nodes{id}}}") == 0 {
		t.Error("no statement is counted")
	}
	if asked < 10 {
		t.Errorf("only %d lists were asked for", asked)
	}
}

// fill makes n of everything that lists are of.
func (p *plane) fill(n int) {
	p.t.Helper()
	for i := range n {
		var made struct {
			CreateTier struct {
				Tier struct {
					ID     string
					Limits []struct{ ID string }
				}
			}
			CreateEndpoint      struct{ Endpoint struct{ ID string } }
			CreateEndpointGroup struct{ Group struct{ ID string } }
		}
		p.must(fmt.Sprintf(`mutation{createEndpoint(input:{method:"GET",template:"/e%[1]d"}){endpoint{id}} createEndpointGroup(name:"g%[1]d"){group{id}}
			createMeter(input:{name:"m%[1]d",unit:"u",header:"x-m%[1]d"}){snapshot}
			createTier(input:{name:"t%[1]d",limits:[{name:"a",amount:9,period:MINUTE},{name:"q",kind:QUOTA,amount:9,period:DAY}]}){tier{id limits{id}}}}`, i), &made)
		tier, limit := made.CreateTier.Tier.ID, made.CreateTier.Tier.Limits[0].ID
		endpoint, group := made.CreateEndpoint.Endpoint.ID, made.CreateEndpointGroup.Group.ID
		account := p.made(fmt.Sprintf(`mutation{createAccount(input:{name:"a%d",tierId:%q}){account{id}}}`, i, tier))
		p.must(fmt.Sprintf(`mutation{updateEndpoint(input:{id:%[1]q,groupId:%[2]q}){snapshot}
			k1:createKey(input:{accountId:%[3]q,name:"x",scope:{endpointIds:[%[1]q],groupIds:[%[2]q]}}){snapshot} k2:createKey(input:{accountId:%[3]q,name:"y"}){snapshot}
			i1:addIdentity(input:{accountId:%[3]q,kind:JWT_SUBJECT,value:"i%[5]d"}){snapshot} i2:addIdentity(input:{accountId:%[3]q,kind:JWT_SUBJECT,value:"j%[5]d"}){snapshot}
			setOverride(input:{accountId:%[3]q,limitId:%[4]q,amount:2}){snapshot}
			startPilot(input:{tierId:%[6]q,name:"p",limits:[{id:%[4]q,name:"a",amount:8,period:MINUTE}],percent:100}){snapshot} inviteMember(input:{email:"m%[5]d@example.com",role:CUSTOMER,accountId:%[3]q}){url}
			createApiToken(input:{name:"k%[5]d",scopes:[POLICY_READ],accountId:%[3]q}){secret}
			adjustUsage(input:{clientId:"c%[5]d",accountId:%[3]q,endpointId:%[1]q,tierId:%[6]q,at:%[7]q,requests:5,reason:"test"}){known}}`,
			endpoint, group, account, limit, i, tier, time.Now().Add(-2*time.Minute).UTC().Format(time.RFC3339)), nil)
	}
}

// counter runs queries against a database and counts the statements.
type counter struct {
	handler http.Handler
	traces  *sdktrace.TracerProvider
	spans   *tracetest.InMemoryExporter
	last    []string // statements
}

func (p *plane) counted(url string) *counter {
	p.t.Helper()
	c := &counter{spans: tracetest.NewInMemoryExporter()}
	c.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(c.spans))
	db, err := postgres.Open(p.t.Context(), url, postgres.Traced(c.traces))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(db.Close)
	log := slog.New(slog.DiscardHandler)
	resolver := &graph.Resolver{DB: db, Auth: auth.New(db, auth.Config{}, log), RecheckEvery: time.Minute, Log: log}
	c.handler, _ = resolver.Handler()
	return c
}

// wantAsFew fails when a query for 20 things takes a statement for each, where another is
// for 2 of them. Some more are those of a busy machine that asks in several goes.
func (c *counter) wantAsFew(t *testing.T, two, twenty string) {
	t.Helper()
	few := c.run(t, two)
	if n := c.fewest(t, twenty, few+8); n > few+8 {
		t.Errorf("2 cost %d statements, 20 cost %d: %s\n%s", few, n, twenty, strings.Join(c.last, "\n"))
	}
}

// fewest returns how few statements a query takes, once it takes no more than enough.
func (c *counter) fewest(t *testing.T, query string, enough int) int {
	t.Helper()
	fewest := c.run(t, query)
	for range 4 {
		if fewest <= enough {
			break
		}
		fewest = min(fewest, c.run(t, query))
	}
	return fewest
}

func (c *counter) run(t *testing.T, query string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := c.traces.Tracer("test").Start(asOwner(t.Context()), "request") // statements are traced within one
	defer span.End()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.spans.Reset()
	c.handler.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), `"errors":[`) {
		body := w.Body.String()
		t.Fatalf("%s: %.1000s", query, body[strings.Index(body, `"errors":[`):])
	}
	c.last = nil
	for _, span := range c.spans.GetSpans() {
		if strings.HasPrefix(span.Name, "prepare") {
			continue // once for each connection
		}
		for _, a := range span.Attributes {
			if a.Key == attribute.Key("db.query.text") {
				c.last = append(c.last, a.Value.AsString())
			}
		}
	}
	return len(c.last)
}

func asOwner(ctx context.Context) context.Context {
	grant := permit.Grant{Permissions: permit.All()}
	return permit.With(auth.With(ctx, auth.Principal{Kind: auth.Session, Name: "test", Grant: grant}), grant)
}

// listQuery writes a query of a root field with all fields below it, each type once,
// and first of each list.
func listQuery(schema *ast.Schema, field *ast.FieldDefinition, first int) string {
	return "{" + selection(schema, field, first, map[string]bool{}, 0) + "}"
}

func selection(schema *ast.Schema, field *ast.FieldDefinition, first int, seen map[string]bool, depth int) string {
	var arguments []string
	for _, a := range field.Arguments {
		switch a.Name {
		case "first":
			arguments = append(arguments, fmt.Sprintf("first:%d", first))
		case "ids", "id":
			return ""
		default:
			if text := valueFor(schema, a.Name, a.Type, a.DefaultValue, a.Name, "", ""); text != "" {
				arguments = append(arguments, text)
			}
		}
	}
	text := field.Name
	if len(arguments) > 0 {
		text += "(" + strings.Join(arguments, ",") + ")"
	}
	of := schema.Types[field.Type.Name()]
	if of.Kind != ast.Object {
		return text
	}
	const deepest = 7 // connections take two
	if seen[of.Name] || depth > deepest {
		return ""
	}
	seen[of.Name] = true
	var fields []string
	for _, f := range sorted(of.Fields) {
		if f.Name == "edges" && of.Fields.ForName("nodes") != nil {
			continue // the same objects
		}
		if s := selection(schema, f, first, seen, depth+1); s != "" {
			fields = append(fields, s)
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return text + "{" + strings.Join(fields, " ") + "}"
}
