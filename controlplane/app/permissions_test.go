package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
)

var updateGolden = flag.Bool("update", false, "write the golden table of permissions anew")

const (
	permissionsGolden = "../../graph/testdata/permissions.golden"
	boundToken        = "TOKEN" // one of a single account
)

func TestEveryOperationAsEveryRole(t *testing.T) {
	p := open(t)
	own, _ := p.twoAccounts()
	callers := append(rolesOf(), boundToken)
	schema := loadSchema(t)
	credentials := map[string][]string{}
	var table bytes.Buffer
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range sorted(root.Fields) {
			var may []string
			for _, caller := range callers {
				if credentials[caller] == nil {
					credentials[caller] = p.credentials(caller, own)
				}
				answer := p.with(credentials[caller], operationFor(schema, root, field, "", ""), nil)
				if field.Name == "signOut" {
					delete(credentials, caller)
				}
				for _, e := range answer {
					switch e.Extensions.Code {
					case "UNAUTHENTICATED", "INTERNAL", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED":
						t.Errorf("%s.%s as %s: %+v", root.Name, field.Name, caller, e)
					}
				}
				if !slices.ContainsFunc(answer, func(e gqlError) bool { return e.Extensions.Code == "FORBIDDEN" }) {
					may = append(may, caller)
				}
			}
			fmt.Fprintf(&table, "%-36s %s\n", root.Name+"."+field.Name, strings.Join(may, " "))
		}
	}
	if *updateGolden {
		if err := os.WriteFile(permissionsGolden, table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(permissionsGolden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table.String()); diff != "" {
		t.Errorf("who may do what has changed; when that is meant, run go test ./controlplane/app -run TestEveryOperationAsEveryRole -update (-want +got):\n%s", diff)
	}
}

func TestACustomerSeesOneAccountOnly(t *testing.T) {
	p := open(t)
	own, other := p.twoAccounts()
	otherKey := p.keyOf(other)
	schema := loadSchema(t)
	for rootName, rules := range permit.Fields() {
		root := schema.Types[rootName]
		for name, rule := range rules {
			if rule.Bound != permit.ByAccount && rule.Bound != permit.ByKey {
				continue
			}
			foreign := controlplane.KindAccount.Format(other)
			if rule.Bound == permit.ByKey {
				foreign = controlplane.KindKey.Format(otherKey)
			}
			for _, caller := range []string{string(controlplane.RoleCustomer), boundToken} {
				errs := p.as(caller, own, operationFor(schema, root, root.Fields.ForName(name), rule.Argument, foreign))
				if len(errs) != 1 || errs[0].Extensions.Code != "NOT_FOUND" || errs[0].Extensions.Field != strings.TrimPrefix(rule.Argument, "input.") {
					t.Errorf("%s.%s of another's %s as %s: %+v; want NOT_FOUND", rootName, name, foreign, caller, errs)
				}
			}
		}
	}
	t.Run("an endpoint group is theirs to see where a limit of theirs names it", func(t *testing.T) {
		group := func(name string) string {
			id := p.made(fmt.Sprintf(`mutation{createEndpointGroup(name:%q){group{id}}}`, name))
			p.must(fmt.Sprintf(`mutation{createEndpoint(input:{method:"GET",template:"/%s",groupId:%q}){endpoint{id}}}`, name, id), nil)
			return id
		}
		named, unnamed := group("named"), group("unnamed")
		var at struct {
			Account struct{ Tier struct{ ID string } }
		}
		p.must(fmt.Sprintf(`{account(id:"acc_%d"){tier{id}}}`, own), &at)
		p.must(fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[{name:"g",amount:9,period:DAY,groupId:%q}]}){snapshot}}`, at.Account.Tier.ID, named), nil)
		var seen struct {
			Endpoints      nodes[struct{ Group *struct{ ID string } }]
			Named, Unnamed *struct{ ID string }
		}
		errs := p.asInto(string(controlplane.RoleCustomer), own, fmt.Sprintf(`{endpoints{nodes{group{id}}} named:node(id:%q){id} unnamed:node(id:%q){id}}`, named, unnamed), &seen)
		if errs != nil || seen.Named == nil || seen.Unnamed != nil || len(seen.Endpoints.Nodes) != 2 || seen.Endpoints.Nodes[0].Group == nil || seen.Endpoints.Nodes[1].Group != nil {
			t.Errorf("%+v, %+v", errs, seen)
		}
	})
	t.Run("what is left out is their own", func(t *testing.T) {
		for _, id := range []controlplane.ID{own, other} {
			p.must(fmt.Sprintf(`mutation{adjustUsage(input:{clientId:"c%d",accountId:"acc_%[1]d",at:"2026-01-02T03:04:00Z",requests:%[1]d00,reason:"test"}){known}}`, id), nil)
		}
		const between = `from:"2026-01-01T00:00:00Z",to:"2026-02-01T00:00:00Z"`
		var seen struct {
			Corrections struct {
				Nodes []struct{ Account struct{ ID string } }
			}
			Accounts struct {
				TotalCount int
				Nodes      []struct{ ID string }
			}
			Tiers   nodes[struct{ ID string }]
			Usage   struct{ Totals struct{ Requests int64 } }
			Explore struct {
				GroupCount int
				Totals     struct{ Requests int64 }
			}
		}
		errs := p.asInto(string(controlplane.RoleCustomer), own, `{accounts{totalCount nodes{id}} tiers{nodes{id}} corrections{nodes{account{id}}} usage(`+between+`,granularity:DAY){totals{requests}}
			explore(input:{`+between+`,groupBy:[ACCOUNT]}){groupCount totals{requests}}}`, &seen)
		want := int64(own) * 100
		if len(seen.Accounts.Nodes) != 1 || seen.Accounts.TotalCount != 1 || seen.Accounts.Nodes[0].ID != controlplane.KindAccount.Format(own) || len(seen.Tiers.Nodes) != 1 {
			t.Errorf("accounts %+v, tiers %+v", seen.Accounts, seen.Tiers)
		}
		if errs != nil || len(seen.Corrections.Nodes) != 1 || seen.Usage.Totals.Requests != want || seen.Explore.GroupCount != 1 || seen.Explore.Totals.Requests != want {
			t.Errorf("%+v, %+v", errs, seen)
		}
		query := "/api/v1/usage.ndjson?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&groupBy=ACCOUNT"
		headers := p.credentials(string(controlplane.RoleCustomer), own)
		export := p.send("GET", p.http(query), "", headers...)
		if export.Status != 200 || strings.Count(export.Body, "\n") != 1 || !strings.Contains(export.Body, controlplane.KindAccount.Format(own)) {
			t.Errorf("export: %d %s", export.Status, export.Body)
		}
		if got := p.send("GET", p.http(query+"&account="+controlplane.KindAccount.Format(other)), "", headers...); got.Status != 400 {
			t.Errorf("export of another account: %d %s", got.Status, got.Body)
		}
		if got := p.send("POST", p.http("/api/v1/usage/imports?reason=test"), "", append(headers, "Content-Type", "text/csv")...); got.Status != 403 {
			t.Errorf("import: %d %s", got.Status, got.Body)
		}
	})
}

func TestASubscriptionEndsWhenTheRoleChanges(t *testing.T) {
	p := open(t)
	// A token follows its maker's role.
	maker := p.member(controlplane.RoleAdmin, 0)
	secret := controlplane.NewSecret("")
	if _, err := p.DB().CreateAPIToken(t.Context(), controlplane.APIToken{Name: "feed", Scopes: []string{"USAGE_READ", "KEYS_WRITE"}, CreatedBy: maker}, secret); err != nil {
		t.Fatal(err)
	}
	s := p.socket(map[string][]string{"Authorization": {"Bearer " + secret.Reveal()}})
	s.send("subscribe", "1", liveQuery)
	s.await("next")
	billing := controlplane.RoleBilling
	if _, err := p.DB().UpdateMember(t.Context(), controlplane.MemberEdit{ID: maker, Role: &billing}, func(controlplane.Role) error { return nil }); err != nil {
		t.Fatal(err)
	}
	p.awaitSubscribers(0)
}

func rolesOf() []string {
	var names []string
	for _, r := range controlplane.Roles() {
		names = append(names, string(r))
	}
	return names
}

// twoAccounts makes accounts; the first is the customer's.
func (p *plane) twoAccounts() (own, other controlplane.ID) {
	p.t.Helper()
	if _, _, err := p.DB().CreateTier(p.t.Context(), "Nobody's", nil); err != nil {
		p.t.Fatal(err)
	}
	tier, _, err := p.DB().CreateTier(p.t.Context(), "Basic", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, id := range map[string]*controlplane.ID{"Own": &own, "Other": &other} {
		account, _, err := p.DB().CreateAccount(p.t.Context(), controlplane.NewAccount{Name: name, TierID: tier.ID, TimeZone: "UTC", BillingDay: 1})
		if err != nil {
			p.t.Fatal(err)
		}
		*id = account.ID
	}
	return own, other
}

func (p *plane) keyOf(account controlplane.ID) controlplane.ID {
	p.t.Helper()
	key, _, err := p.DB().CreateKey(p.t.Context(), controlplane.NewKey{AccountID: account, Name: "key"}, controlplane.NewSecret(""))
	if err != nil {
		p.t.Fatal(err)
	}
	return key.ID
}

// member makes an active member.
func (p *plane) member(role controlplane.Role, account controlplane.ID) controlplane.ID {
	p.t.Helper()
	link := controlplane.NewSecret("")
	email := strings.ToLower(controlplane.NewSecret("").Reveal()) + "@example.com"
	anybody := func(controlplane.Role) error { return nil }
	member, err := p.DB().InviteMember(p.t.Context(), controlplane.Invitation{Email: email, Role: role, AccountID: account}, anybody, link, time.Now().Add(time.Hour))
	if err == nil {
		_, _, err = p.DB().AcceptLink(p.t.Context(), link, string(role), "no digest")
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return member.ID
}

// scoped returns the headers of a new token with scopes.
func (p *plane) scoped(scopes ...permit.Permission) []string {
	p.t.Helper()
	secret := controlplane.NewSecret("")
	var names []string
	for _, s := range scopes {
		names = append(names, string(s))
	}
	if _, err := p.DB().CreateAPIToken(p.t.Context(), controlplane.APIToken{Name: secret.Reveal(), Scopes: names}, secret); err != nil {
		p.t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + secret.Reveal()}
}

// TestWhatIsSaidOfAccountsTakesReadingAccounts asks by ways around.
func TestWhatIsSaidOfAccountsTakesReadingAccounts(t *testing.T) {
	p := open(t)
	own, _ := p.twoAccounts()
	account, key := controlplane.KindAccount.Format(own), controlplane.KindKey.Format(p.keyOf(own))
	rename := p.made(fmt.Sprintf(`mutation{scheduleChange(input:{at:"2099-01-01T00:00:00Z",note:"their lawyers",change:{updateAccount:{id:%q,name:"Secret"}}}){change{id}}}`, account))
	meter := p.made(`mutation{scheduleChange(input:{at:"2099-01-01T00:00:00Z",change:{createMeter:{name:"tokens",unit:"t",header:"x-t"}}}){change{id}}}`)
	ask := fmt.Sprintf(`{scheduledChanges{nodes{id}} rename:node(id:%q){id} meter:node(id:%q){id}}`, rename, meter)
	for scopes, want := range map[[2]permit.Permission]int{{permit.PolicyRead}: 1, {permit.PolicyRead, permit.AccountsRead}: 2} {
		var seen struct {
			ScheduledChanges nodes[struct{ ID string }]
			Rename, Meter    *struct{ ID string }
		}
		errs := p.with(p.scoped(slices.DeleteFunc(scopes[:], func(s permit.Permission) bool { return s == "" })...), ask, &seen)
		if errs != nil || len(seen.ScheduledChanges.Nodes) != want || (seen.Rename != nil) != (want == 2) || seen.Meter == nil {
			t.Errorf("%v: %+v, %+v", scopes, errs, seen)
		}
	}
	for _, field := range []string{"status", "labels{key}", "closedAt", "onDefaultTier"} {
		errs := p.with(p.scoped(permit.KeysWrite), fmt.Sprintf(`mutation{updateKey(input:{id:%q}){key{account{id name %s}}}}`, key, field), nil)
		if len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("Account.%s by a token with KEYS_WRITE only: %+v", field, errs)
		}
	}
}

// TestACustomerDoesNotLearnWhoOperates edits a key of theirs that an operator has changed.
func TestACustomerDoesNotLearnWhoOperates(t *testing.T) {
	p := open(t)
	own, _ := p.twoAccounts()
	key := controlplane.KindKey.Format(p.keyOf(own))
	p.must(fmt.Sprintf(`mutation{updateKey(input:{id:%q,name:"renamed"}){snapshot}}`, key), nil)
	edit := fmt.Sprintf(`mutation{updateKey(input:{id:%q,revision:1,name:"mine"}){snapshot}}`, key)
	for caller, told := range map[string]bool{string(controlplane.RoleCustomer): false, boundToken: false, string(controlplane.RoleOperator): true} {
		body, err := json.Marshal(map[string]string{"query": edit})
		if err != nil {
			t.Fatal(err)
		}
		got := p.send("POST", p.http("/graphql"), string(body), append(p.credentials(caller, own), "Content-Type", "application/json")...)
		if !strings.Contains(got.Body, `"changedAt"`) || strings.Contains(got.Body, "changedBy") != told {
			t.Errorf("%s: %s", caller, got.Body)
		}
	}
}

// credentials returns the headers of a caller: a new member of a role, or a token of
// one account with all scopes.
func (p *plane) credentials(caller string, account controlplane.ID) []string {
	p.t.Helper()
	secret := controlplane.NewSecret("")
	if caller == boundToken {
		var scopes []string
		for _, s := range permit.All() {
			scopes = append(scopes, string(s))
		}
		if _, err := p.DB().CreateAPIToken(p.t.Context(), controlplane.APIToken{Name: secret.Reveal(), Scopes: scopes, AccountID: account}, secret); err != nil {
			p.t.Fatal(err)
		}
		return []string{"Authorization", "Bearer " + secret.Reveal()}
	}
	if caller != string(controlplane.RoleCustomer) {
		account = 0
	}
	member := p.member(controlplane.Role(caller), account)
	ok, err := p.DB().BeginSession(p.t.Context(), postgres.NewSession{Secret: secret, MemberID: member, Lasts: time.Hour}, nil)
	if err != nil || !ok {
		p.t.Fatal(ok, err)
	}
	return []string{"Cookie", "weir_session=" + secret.Reveal()}
}

// as runs an operation as a new caller, and returns the errors of its (first) answer.
func (p *plane) as(caller string, account controlplane.ID, operation string) []gqlError {
	return p.asInto(caller, account, operation, nil)
}

func (p *plane) asInto(caller string, account controlplane.ID, operation string, into any) []gqlError {
	p.t.Helper()
	return p.with(p.credentials(caller, account), operation, into)
}

// with runs an operation with the headers of a caller.
func (p *plane) with(headers []string, operation string, into any) []gqlError {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		p.t.Fatal(err)
	}
	headers = append(slices.Clone(headers), "Content-Type", "application/json")
	if strings.HasPrefix(operation, "subscription") {
		return p.firstEvent(body, headers)
	}
	got := p.send("POST", p.http("/graphql"), string(body), headers...)
	return p.errorsIn(got.Body, into)
}

// firstEvent subscribes, and returns the errors of the first event.
func (p *plane) firstEvent(body []byte, headers []string) []gqlError {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.http("/graphql"), bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return p.errorsIn(data, nil)
		}
	}
	p.t.Fatalf("%s: there was no event: %v", body, lines.Err())
	return nil
}

func (p *plane) errorsIn(answer string, into any) []gqlError {
	p.t.Helper()
	var reply struct {
		Data   json.RawMessage
		Errors []gqlError
	}
	if err := json.Unmarshal([]byte(answer), &reply); err != nil {
		p.t.Fatalf("%s: %v", answer, err)
	}
	if into != nil && reply.Errors == nil {
		if err := json.Unmarshal(reply.Data, into); err != nil {
			p.t.Fatal(err)
		}
	}
	return reply.Errors
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../graph/schema/*.graphqls")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var sources []*ast.Source
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: file, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func sorted(fields ast.FieldList) ast.FieldList {
	own := slices.DeleteFunc(slices.Clone(fields), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
	slices.SortFunc(own, func(a, b *ast.FieldDefinition) int { return strings.Compare(a.Name, b.Name) })
	return own
}

// operationFor writes an operation of one root field with the arguments it needs. The
// one at the path named is given as well, as an id.
func operationFor(schema *ast.Schema, root *ast.Definition, field *ast.FieldDefinition, named, id string) string {
	var arguments []string
	for _, a := range field.Arguments {
		if text := valueFor(schema, a.Name, a.Type, a.DefaultValue, a.Name, named, id); text != "" {
			arguments = append(arguments, text)
		}
	}
	text := field.Name
	if len(arguments) > 0 {
		text += "(" + strings.Join(arguments, ",") + ")"
	}
	if kind := schema.Types[field.Type.Name()].Kind; kind == ast.Object || kind == ast.Interface || kind == ast.Union {
		text += "{__typename}"
	}
	return strings.ToLower(root.Name) + "{" + text + "}"
}

// valueFor writes an argument or an input's field, or nothing when it may be left out.
func valueFor(schema *ast.Schema, name string, of *ast.Type, otherwise *ast.Value, path, named, id string) string {
	onTheWay := named == path || strings.HasPrefix(named, path+".")
	if !onTheWay && (!of.NonNull || otherwise != nil) {
		return ""
	}
	var text string
	definition := schema.Types[of.Name()]
	switch {
	case named == path:
		text = fmt.Sprintf("%q", id)
	case definition.Kind == ast.InputObject:
		var fields []string
		for _, f := range definition.Fields {
			if v := valueFor(schema, f.Name, f.Type, f.DefaultValue, path+"."+f.Name, named, id); v != "" {
				fields = append(fields, v)
			}
		}
		if definition.Directives.ForName("oneOf") != nil {
			first := definition.Fields[0]
			given := *first.Type
			given.NonNull = true
			fields = []string{valueFor(schema, first.Name, &given, nil, path+"."+first.Name, named, id)}
		}
		text = "{" + strings.Join(fields, ",") + "}"
	case definition.Kind == ast.Enum:
		text = definition.EnumValues[0].Name
	default:
		text = map[string]string{
			"ID": `"acc_999999"`, "String": `"x-y"`, "Int": "1", "Int64": "1", "Float": "1", "Boolean": "false",
			"Time": `"` + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + `"`, "Date": `"2026-01-01"`,
		}[of.Name()]
	}
	if of.Elem != nil {
		text = "[" + text + "]"
	}
	return name + ":" + text
}
