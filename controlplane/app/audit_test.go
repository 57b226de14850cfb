package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// recordedMutations are each mutation with what it leaves in the audit log, in an
// order in which they work. <field.path> stands for what an earlier one answered.
var recordedMutations = []struct{ field, operation, action string }{
	{"createEndpointGroup", `createEndpointGroup(name:"Users"){group{id}}`, "CREATE_ENDPOINT_GROUP"},
	{"createEndpoint", `createEndpoint(input:{method:"GET",template:"/v1/orders",groupId:"<createEndpointGroup.group.id>"}){endpoint{id}}`, "CREATE_ENDPOINT"},
	{"deleteEndpointGroup", `deleteEndpointGroup(id:"<createEndpointGroup.group.id>"){snapshot}`, "DELETE_ENDPOINT_GROUP"},
	{"createEndpointGroup", `createEndpointGroup(name:"Orders"){group{id}}`, "CREATE_ENDPOINT_GROUP"},
	{"createEndpoint", `createEndpoint(input:{method:"GET",template:"/v1/users"}){endpoint{id}}`, "CREATE_ENDPOINT"},
	{"createMeter", `createMeter(input:{name:"Rows",unit:"rows",header:"x-rows",endpointId:"<createEndpoint.endpoint.id>"}){meter{id}}`, "CREATE_METER"},
	{"updateEndpoint", `updateEndpoint(input:{id:"<createEndpoint.endpoint.id>",cost:2}){snapshot}`, "UPDATE_ENDPOINT"},
	{"deleteEndpoint", `deleteEndpoint(id:"<createEndpoint.endpoint.id>"){snapshot}`, "DELETE_ENDPOINT"},
	{"createEndpoints", `createEndpoints(input:{endpoints:[{method:"GET",template:"/v1/a"},{method:"GET",template:"/v1/b"}]}){snapshot}`, "CREATE_ENDPOINT"},
	{"deleteEndpointGroup", `deleteEndpointGroup(id:"<createEndpointGroup.group.id>"){snapshot}`, "DELETE_ENDPOINT_GROUP"},
	{"importOpenApi", `importOpenApi(input:{document:"{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"T\",\"version\":\"1\"},\"paths\":{}}"}){snapshot}`, "IMPORT_ENDPOINTS"},
	{"createMeter", `createMeter(input:{name:"Tokens",unit:"tokens",header:"x-tokens"}){meter{id}}`, "CREATE_METER"},
	{"updateMeter", `updateMeter(input:{id:"<createMeter.meter.id>",name:"Words"}){snapshot}`, "UPDATE_METER"},
	{"deleteMeter", `deleteMeter(id:"<createMeter.meter.id>"){snapshot}`, "DELETE_METER"},
	{"setManager", `setManager(input:{id:"tier_1",manager:"platform"}){id}`, "SET_MANAGER"},
	{"createTier", `createTier(input:{name:"Basic",limits:[{name:"a",amount:5,period:DAY}]}){tier{id limits{id}}}`, "CREATE_TIER"},
	{"updateTier", `updateTier(input:{id:"<createTier.tier.id>",name:"Basic 2"}){snapshot}`, "UPDATE_TIER"},
	{"reorderLimits", `reorderLimits(input:{tierId:"<createTier.tier.id>",limitIds:["<createTier.tier.limits.0.id>"]}){snapshot}`, "REORDER_LIMITS"},
	{"saveTierDraft", `saveTierDraft(input:{tierId:"<createTier.tier.id>",limits:[{id:"<createTier.tier.limits.0.id>",name:"a",amount:6,period:DAY}]}){snapshot}`, "SAVE_TIER_DRAFT"},
	{"publishTier", `publishTier(input:{tierId:"<createTier.tier.id>",move:{when:NONE}}){snapshot}`, "PUBLISH_TIER"},
	{"copyTier", `copyTier(input:{tierId:"<createTier.tier.id>",name:"Copy"}){tier{id limits{id}}}`, "COPY_TIER"},
	{"createAccount", `createAccount(input:{name:"Acme",tierId:"<createTier.tier.id>"}){account{id}}`, "CREATE_ACCOUNT"},
	{"updateAccount", `updateAccount(input:{id:"<createAccount.account.id>",status:SUSPENDED}){snapshot}`, "UPDATE_ACCOUNT"},
	{"changeAccounts", `changeAccounts(input:{ids:["<createAccount.account.id>"],set:{addLabels:[{key:"a"}]}}){changed}`, "UPDATE_ACCOUNT"},
	{"scheduleChange", `scheduleChange(input:{at:"<later>",change:{updateAccount:{id:"<createAccount.account.id>",status:ACTIVE}}}){change{id}}`, "SCHEDULE_CHANGE"},
	{"cancelScheduledChange", `cancelScheduledChange(id:"<scheduleChange.change.id>"){change{status}}`, "CANCEL_SCHEDULED_CHANGE"},
	{"revertChange", `revertChange(input:{seq:<suspended>,force:true}){record{action}}`, "UPDATE_ACCOUNT"},
	{"moveAccount", `moveAccount(input:{accountId:"<createAccount.account.id>",tierId:"<copyTier.tier.id>",when:PERIOD_END}){snapshot}`, "SCHEDULE_ACCOUNT_MOVE"},
	{"updateAccount", `updateAccount(input:{id:"<createAccount.account.id>",tierId:"<copyTier.tier.id>"}){snapshot}`, "UPDATE_ACCOUNT"},
	{"moveAccount", `moveAccount(input:{accountId:"<createAccount.account.id>",tierId:"<createTier.tier.id>",when:NOW}){snapshot}`, "MOVE_ACCOUNT"},
	{"moveAccount", `moveAccount(input:{accountId:"<createAccount.account.id>",tierId:"<copyTier.tier.id>",when:PERIOD_END}){snapshot}`, "SCHEDULE_ACCOUNT_MOVE"},
	{"cancelAccountMove", `cancelAccountMove(accountId:"<createAccount.account.id>"){snapshot}`, "CANCEL_ACCOUNT_MOVE"},
	{"publishTier", `publishTier(input:{tierId:"<createTier.tier.id>",fromVersion:1,move:{when:STEPS,steps:[10,100],stepMinutes:5}}){tier{move{id}}}`, "PUBLISH_TIER"},
	{"changeTierMove", `changeTierMove(input:{id:"<publishTier.tier.move.id>",change:TURN_BACK}){snapshot}`, "CHANGE_TIER_MOVE"},
	{"startPilot", `startPilot(input:{tierId:"<createTier.tier.id>",name:"8",limits:[{id:"<createTier.tier.limits.0.id>",name:"a",amount:8,period:DAY}],percent:5}){tier{pilot{id}}}`, "START_PILOT"},
	{"changePilot", `changePilot(input:{id:"<startPilot.tier.pilot.id>",percent:10}){snapshot}`, "CHANGE_PILOT"},
	{"endPilot", `endPilot(input:{id:"<startPilot.tier.pilot.id>"}){snapshot}`, "END_PILOT"},
	{"startPilot", `startPilot(input:{tierId:"<createTier.tier.id>",name:"8",limits:[{id:"<createTier.tier.limits.0.id>",name:"a",amount:8,period:DAY}],percent:5}){tier{pilot{id}}}`, "START_PILOT"},
	{"promotePilot", `promotePilot(input:{id:"<startPilot.tier.pilot.id>",move:{when:NONE}}){snapshot}`, "PROMOTE_PILOT"},
	{"setOverride", `setOverride(input:{accountId:"<createAccount.account.id>",limitId:"<createTier.tier.limits.0.id>",amount:9}){account{overrides{nodes{id}}}}`, "SET_OVERRIDE"},
	{"deleteOverride", `deleteOverride(id:"<setOverride.account.overrides.nodes.0.id>"){snapshot}`, "DELETE_OVERRIDE"},
	{"addIdentity", `addIdentity(input:{accountId:"<createAccount.account.id>",kind:JWT_SUBJECT,value:"ada"}){account{identities{nodes{id}}}}`, "ADD_IDENTITY"},
	{"removeIdentity", `removeIdentity(id:"<addIdentity.account.identities.nodes.0.id>"){snapshot}`, "REMOVE_IDENTITY"},
	{"resetAccount", `resetAccount(id:"<createAccount.account.id>"){snapshot}`, "RESET_ACCOUNT"},
	{"createKey", `createKey(input:{accountId:"<createAccount.account.id>",name:"ci"}){key{id}}`, "CREATE_KEY"},
	{"updateKey", `updateKey(input:{id:"<createKey.key.id>",name:"renamed"}){snapshot}`, "UPDATE_KEY"},
	{"rotateKey", `rotateKey(input:{id:"<createKey.key.id>"}){secret key{id}}`, "ROTATE_KEY"},
	{"reportLeakedKeys", `reportLeakedKeys(input:{secrets:["<rotateKey.secret>"]}){snapshot}`, "REPORT_LEAKED_KEY"},
	{"revokeKey", `revokeKey(id:"<createKey.key.id>"){snapshot}`, "REVOKE_KEY"},
	{"adjustUsage", `adjustUsage(input:{clientId:"a",accountId:"<createAccount.account.id>",at:"<now>",requests:5,reason:"test"}){correction{id}}`, "ADJUST_USAGE"},
	{"voidUsage", `voidUsage(input:{clientId:"v",correctionId:"<adjustUsage.correction.id>",reason:"test"}){correction{id}}`, "VOID_USAGE"},
	{"setRetention", `setRetention(input:{hours:400}){retention{revision}}`, "SET_RETENTION"},
	{"setDefaults", `setDefaults(input:{tierId:"<createTier.tier.id>"}){snapshot}`, "SET_DEFAULTS"},
	{"inviteMember", `inviteMember(input:{email:"ada@example.com",role:VIEWER}){member{id}}`, "INVITE_MEMBER"},
	{"createMemberLink", `createMemberLink(id:"<inviteMember.member.id>"){expiresAt}`, "CREATE_MEMBER_LINK"},
	{"updateMember", `updateMember(input:{id:"<inviteMember.member.id>",role:OPERATOR}){member{id}}`, "UPDATE_MEMBER"},
	{"endMemberSessions", `endMemberSessions(id:"<inviteMember.member.id>"){member{id}}`, "END_MEMBER_SESSIONS"},
	{"unlinkMember", `unlinkMember(id:"<inviteMember.member.id>"){member{id}}`, "UNLINK_OPENID"},
	{"resetMemberTotp", `resetMemberTotp(id:"<inviteMember.member.id>"){member{id}}`, "RESET_MEMBER_TOTP"},
	{"removeMember", `removeMember(id:"<inviteMember.member.id>"){id}`, "REMOVE_MEMBER"},
	{"createApiToken", `createApiToken(input:{name:"ci",scopes:[USAGE_READ]}){token{id}}`, "CREATE_API_TOKEN"},
	{"revokeApiToken", `revokeApiToken(id:"<createApiToken.token.id>"){token{id}}`, "REVOKE_API_TOKEN"},
	{"saveTierDraft", `saveTierDraft(input:{tierId:"<copyTier.tier.id>",limits:[]}){snapshot}`, "SAVE_TIER_DRAFT"},
	{"discardTierDraft", `discardTierDraft(tierId:"<copyTier.tier.id>"){snapshot}`, "DISCARD_TIER_DRAFT"},
	{"deleteTier", `deleteTier(id:"tier_1"){snapshot}`, "DELETE_TIER"},
}

// onlyMembers is why a token leaves no record of what members do with themselves;
// TestWhatMembersDoIsRecorded has those.
const onlyMembers = "a token asks here, which is no member"

// unrecordedMutations leave nothing in the audit log, each for a reason.
var unrecordedMutations = map[string]string{
	"signOut":            "a token that asks has no session to end",
	"updateProfile":      onlyMembers,
	"setPassword":        onlyMembers,
	"beginTotp":          onlyMembers,
	"confirmTotp":        onlyMembers,
	"disableTotp":        onlyMembers,
	"renewRecoveryCodes": onlyMembers,
	"endSession":         onlyMembers,
	"endOtherSessions":   onlyMembers,
}

func TestEveryMutationIsRecorded(t *testing.T) {
	url := databases.New(t)
	p := openOn(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	answers := map[string]any{"later": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "now": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
	walked := map[string]bool{}
	for i, m := range recordedMutations {
		walked[m.field] = true
		request := fmt.Sprint("walk-", i)
		var answer map[string]any
		before := policyRows(t, conn)
		p.mustAs(request, "mutation{"+filled(t, m.operation, answers)+"}", &answer)
		answers[m.field] = answer[m.field]
		var log struct{ AuditLog struct{ Nodes []auditRecord } }
		p.must(fmt.Sprintf(`{auditLog(filter:{requestId:%q}){nodes{seq action requestId object{id} before after}}}`, request), &log)
		for object := range changedRows(before, policyRows(t, conn)) {
			if !slices.ContainsFunc(log.AuditLog.Nodes, func(r auditRecord) bool { return r.names(object) }) {
				t.Errorf("%s changes %s, which is named nowhere in %+v", m.operation, object, log.AuditLog.Nodes)
			}
		}
		if m.field == "updateAccount" {
			answers["suspended"] = log.AuditLog.Nodes[0].Seq
		}
		if len(log.AuditLog.Nodes) == 0 || log.AuditLog.Nodes[0].Action != m.action || log.AuditLog.Nodes[0].Before+log.AuditLog.Nodes[0].After == "" {
			t.Errorf("%s leaves %+v", m.field, log.AuditLog.Nodes)
		}
	}
	var schema struct {
		Schema struct {
			MutationType struct{ Fields []struct{ Name string } }
		} `json:"__schema"`
	}
	p.must(`{__schema{mutationType{fields{name}}}}`, &schema)
	for _, f := range schema.Schema.MutationType.Fields {
		if _, excepted := unrecordedMutations[f.Name]; !walked[f.Name] && !excepted {
			t.Errorf("nobody knows whether %s is recorded; add it to one of the lists here", f.Name)
		}
	}
	var verified struct {
		AuditVerify struct {
			Whole, Complete bool
			Checked         int
		}
	}
	p.must(`{auditVerify{whole complete checked}}`, &verified)
	if v := verified.AuditVerify; !v.Whole || !v.Complete || v.Checked < len(recordedMutations) {
		t.Errorf("%+v", v)
	}
}

type auditRecord struct {
	Seq                              int
	Action, RequestID, Before, After string
	Object                           struct{ ID string }
}

// names says whether a record is of an object, or tells of it.
func (r auditRecord) names(object string) bool {
	if account, ok := strings.CutPrefix(object, "the move of "); ok {
		return r.Object.ID == account && strings.Contains(r.Action, "MOVE")
	}
	return r.Object.ID == object || strings.Contains(r.Before+r.After, `"`+object+`"`)
}

// policyRows are what is edited, by the ids that the API has for it. What others do to a tier's accounts as a whole stands on the tier.
func policyRows(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		select 'tier_' || id, to_jsonb(t)::text from tiers t
		union all select 'ver_' || id, to_jsonb(t)::text from tier_versions t
		union all select 'acc_' || id, (to_jsonb(t) - 'cohort_id')::text from accounts t
		union all select 'the move of acc_' || account_id, to_jsonb(t)::text from account_moves t where moved_at is null and cancelled_at is null
		union all select 'ovr_' || id, to_jsonb(t)::text from overrides t
		union all select 'key_' || id, to_jsonb(t)::text from keys t
		union all select 'idn_' || id, to_jsonb(t)::text from identities t
		union all select 'end_' || id, (to_jsonb(t) - 'source_id')::text from endpoints t
		union all select 'grp_' || id, to_jsonb(t)::text from endpoint_groups t
		union all select 'mtr_' || id, to_jsonb(t)::text from meters t
		union all select 'mem_' || id, to_jsonb(t)::text from members t
		union all select 'tok_' || id, (to_jsonb(t) - 'last_used_at')::text from api_tokens t
		union all select 'sch_' || id, to_jsonb(t)::text from scheduled_changes t`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var id, row string
	if _, err := pgx.ForEachRow(rows, []any{&id, &row}, func() error { found[id] = row; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// changedRows are the ids of what was added, changed or deleted.
func changedRows(before, after map[string]string) map[string]bool {
	changed := map[string]bool{}
	for _, rows := range []map[string]string{before, after} {
		for id := range rows {
			if before[id] != after[id] {
				changed[id] = true
			}
		}
	}
	return changed
}

// filled puts what was answered into an operation.
func filled(t *testing.T, operation string, answers map[string]any) string {
	t.Helper()
	return regexp.MustCompile(`<[^>]+>`).ReplaceAllStringFunc(operation, func(place string) string {
		var at any = answers
		for name := range strings.SplitSeq(strings.Trim(place, "<>"), ".") {
			switch here := at.(type) {
			case map[string]any:
				at = here[name]
			case []any:
				var i int
				if _, err := fmt.Sscan(name, &i); err != nil || i >= len(here) {
					t.Fatalf("%s: there is no %s", place, name)
				}
				at = here[i]
			}
		}
		return fmt.Sprint(at)
	})
}

// mustAs is must in a request of that id.
func (p *plane) mustAs(request, operation string, data any) {
	p.t.Helper()
	if errs := p.query(operation, data, "X-Request-Id", request); errs != nil {
		p.t.Fatalf("%s: %+v", operation, errs)
	}
}

func TestTheAuditLogOverGraphQL(t *testing.T) {
	p := open(t)
	var made struct {
		CreateTier struct{ Tier struct{ ID string } }
	}
	p.must(`mutation{createTier(input:{name:"Basic",limits:[{name:"daily",amount:5,period:DAY}]}){tier{id}}}`, &made)
	p.must(fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[{name:"daily",amount:6,period:DAY}]}){snapshot}}`, made.CreateTier.Tier.ID), nil)
	var page struct {
		AuditLog struct {
			Nodes []struct {
				Seq            int
				Object         struct{ Kind, ID, Name string }
				PrevHash, Hash string
				Changes        []struct{ Path, Before, After string }
			}
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
		AuditHead struct{ Anchor string }
	}
	query := `{auditLog(first:1%s){nodes{seq object{kind id name} prevHash hash changes{path before after}} pageInfo{hasNextPage endCursor}} auditHead{anchor}}`
	p.must(fmt.Sprintf(query, ""), &page)
	newest := page.AuditLog.Nodes[0]
	if newest.Object.ID != made.CreateTier.Tier.ID || !page.AuditLog.PageInfo.HasNextPage || page.AuditHead.Anchor != fmt.Sprint(newest.Seq, ":", newest.Hash) {
		t.Errorf("%+v", page)
	}
	paths := map[string]string{}
	for _, c := range newest.Changes {
		paths[c.Path] = c.Before + " " + c.After
	}
	if _, counts := paths["revision"]; counts || paths["versionId"] == "" {
		t.Errorf("it changed %v", paths)
	}
	p.must(fmt.Sprintf(query, fmt.Sprintf(",after:%q", page.AuditLog.PageInfo.EndCursor)), &page)
	if older := page.AuditLog.Nodes[0]; older.Hash != newest.PrevHash || !page.AuditLog.PageInfo.HasNextPage {
		t.Errorf("%+v", page)
	}
	for query, want := range map[string]string{
		`{auditLog(first:0){nodes{seq}}}`:                                                        "VALIDATION first",
		`{auditLog(after:"x"){nodes{seq}}}`:                                                      "VALIDATION after",
		`{auditLog(filter:{actions:["STEAL"]}){nodes{seq}}}`:                                     "VALIDATION filter.actions",
		`{auditLog(filter:{actorId:"acc_1"}){nodes{seq}}}`:                                       "VALIDATION filter.actorId",
		`{auditLog(filter:{actorId:"mem_1",actorKind:TOKEN}){nodes{seq}}}`:                       "VALIDATION filter.actorKind",
		`{auditLog(filter:{from:"2026-01-02T00:00:00Z",to:"2026-01-01T00:00:00Z"}){nodes{seq}}}`: "VALIDATION filter.to",
		`{auditVerify(from:99){whole}}`:                                                          "VALIDATION from",
		`{auditVerify(anchors:["1:ab"]){whole}}`:                                                 "VALIDATION anchors.0",
	} {
		p.wantErrors(query, want)
	}
}

func TestTheAuditLogIsExportedOverHTTP(t *testing.T) {
	p := open(t)
	p.must(`mutation{createEndpointGroup(name:"A"){snapshot}}`, nil)
	p.must(`mutation{createEndpointGroup(name:"B"){snapshot}}`, nil)
	get := func(path string) answer {
		return p.send("GET", p.http("/api/v1/audit."+path), "", "Authorization", "Bearer "+p.token)
	}
	var head struct{ AuditHead struct{ Anchor string } }
	p.must(`{auditHead{anchor}}`, &head)
	all := get("ndjson")
	if lines := strings.Count(all.Body, "\n"); all.Status != 200 || lines < 2 || all.Header.Get("Weir-Audit-Head") != head.AuditHead.Anchor {
		t.Errorf("it answers %+v", all)
	}
	one := get("csv?text=b&action=CREATE_ENDPOINT_GROUP,DELETE_ENDPOINT_GROUP")
	if lines := strings.Split(strings.TrimSpace(one.Body), "\r\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], "seq,at,actor_kind") || !strings.Contains(lines[1], "CREATE_ENDPOINT_GROUP,ENDPOINT_GROUP,grp_2,B") {
		t.Errorf("it answers %s", one.Body)
	}
	first, rest, _ := strings.Cut(all.Body, "\n")
	var record struct{ Hash string }
	if err := json.Unmarshal([]byte(first), &record); err != nil {
		t.Fatal(err)
	}
	if got := get("ndjson?after=1:" + record.Hash); got.Status != 200 || got.Body != rest || got.Header.Get("Weir-Audit-Head") != head.AuditHead.Anchor {
		t.Errorf("after the first record it answers %+v", got)
	}
	for anchor, want := range map[string]string{"1:" + strings.Repeat("0", 64): "it is not the record that the anchor names", "99:" + record.Hash: "record 99: it is missing"} {
		if got := get("csv?after=" + anchor); got.Status != 400 || !strings.Contains(got.Body, `"field":"after"`) || !strings.Contains(got.Body, want) {
			t.Errorf("after %s it answers %d %s", anchor, got.Status, got.Body)
		}
	}
	for query, field := range map[string]string{"after=1": "after", "x=1": "x", "action=STEAL": "action", "actor=acc_1": "actor", "account=1": "account", "from=now": "from", "actorKind=GOD": "actorKind"} {
		if got := get("csv?" + query); got.Status != 400 || !strings.Contains(got.Body, fmt.Sprintf(`"field":%q`, field)) {
			t.Errorf("%s answers %d %s", query, got.Status, got.Body)
		}
	}
	account, _ := p.twoAccounts()
	for _, caller := range []string{string(controlplane.RoleViewer), string(controlplane.RoleCustomer), boundToken} {
		if got := p.send("GET", p.http("/api/v1/audit.ndjson"), "", p.credentials(caller, account)...); got.Status != 403 {
			t.Errorf("%s is answered %d %s", caller, got.Status, got.Body)
		}
	}
}
