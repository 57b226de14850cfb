package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph"
)

// Every change that can be scheduled is a mutation with that as its first argument, and
// needs no other.
func TestScheduledChangesAreMutations(t *testing.T) {
	schema := loadSchema(t)
	for _, change := range schema.Types["ScheduledChangeInput"].Fields {
		field := schema.Mutation.Fields.ForName(change.Name)
		if field == nil || len(field.Arguments) == 0 || field.Arguments[0].Type.Name() != change.Type.Name() || change.Type.NonNull {
			t.Errorf("%s is %s, and no mutation with a first argument of that type", change.Name, change.Type)
			continue
		}
		for _, more := range field.Arguments[1:] {
			if more.Type.NonNull {
				t.Errorf("%s needs %s, too", change.Name, more.Name)
			}
		}
	}
	if kind := schema.Types["ScheduledChangeInput"].Kind; kind != ast.InputObject {
		t.Errorf("it is a %s", kind)
	}
}

type scheduled struct {
	ID, Field, Input, Status, Fault string
	Account                         *struct{ ID string }
	By                              struct{ Kind string }
}

func (p *plane) scheduled() map[string]scheduled {
	p.t.Helper()
	var seen struct {
		ScheduledChanges struct{ Nodes []scheduled }
	}
	p.must(`{scheduledChanges{nodes{id field input status fault account{id} by{kind}}}}`, &seen)
	byID := map[string]scheduled{}
	for _, c := range seen.ScheduledChanges.Nodes {
		byID[c.ID] = c
	}
	return byID
}

// TestAScheduledChangeIsItsAccounts schedules a change of each thing that an account has.
func TestAScheduledChangeIsItsAccounts(t *testing.T) {
	p := open(t)
	_, limit, account, key := p.tierWithAccount()
	p.must(fmt.Sprintf(`mutation{setOverride(input:{accountId:%[1]q,limitId:%q,amount:9}){snapshot} addIdentity(input:{accountId:%[1]q,kind:JWT_SUBJECT,value:"svc"}){snapshot}}`, account, limit), nil)
	var has struct {
		Account struct{ Overrides, Identities nodes[struct{ ID string }] }
	}
	p.must(fmt.Sprintf(`{account(id:%q){overrides{nodes{id}} identities{nodes{id}}}}`, account), &has)
	override, identity := has.Account.Overrides.Nodes[0].ID, has.Account.Identities.Nodes[0].ID
	for _, change := range []string{
		fmt.Sprintf(`updateAccount:{id:%q,name:"x"}`, account), fmt.Sprintf(`resetAccount:%q`, account), fmt.Sprintf(`setOverride:{accountId:%q,limitId:%q,amount:9}`, account, limit),
		fmt.Sprintf(`deleteOverride:%q`, override), fmt.Sprintf(`removeIdentity:%q`, identity), fmt.Sprintf(`revokeKey:%q`, key),
	} {
		id := p.made(`mutation{scheduleChange(input:{at:"2099-01-01T00:00:00Z",change:{` + change + `}}){change{id}}}`)
		if c := p.scheduled()[id]; c.Account == nil || c.Account.ID != account {
			t.Errorf("%s is of %+v", change, c.Account)
		}
	}
}

func TestChangesAreScheduledOverGraphQL(t *testing.T) {
	p := open(t)
	own, _ := p.twoAccounts()
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	schedule := func(at, change string) string {
		return fmt.Sprintf(`mutation{scheduleChange(input:{at:%q,note:"why",change:%s}){change{id}}}`, at, change)
	}
	id := p.made(schedule(later, fmt.Sprintf(`{updateAccount:{id:"acc_%d",status:SUSPENDED}}`, own)))
	got := p.scheduled()[id]
	if got.Status != "PENDING" || got.Field != "updateAccount" || got.Account == nil || got.By.Kind != "TOKEN" {
		t.Errorf("it is %+v", got)
	}
	var input map[string]string
	if err := json.Unmarshal([]byte(got.Input), &input); err != nil || input["status"] != "SUSPENDED" {
		t.Errorf("its input is %s, %v", got.Input, err)
	}
	p.wantErrors(schedule("2020-01-01T00:00:00Z", `{resetAccount:"acc_1"}`), "VALIDATION at")
	p.wantErrors(schedule(later, `{resetAccount:"acc_999"}`), "NOT_FOUND change")
	for change, want := range map[string]string{
		`{updateAccount:{id:"acc_%d",billingDay:99}}`: "VALIDATION change.updateAccount.billingDay",
		`{setRetention:{minutes:-1}}`:                 "VALIDATION change.setRetention.minutes",
	} {
		p.wantErrors(schedule(later, strings.ReplaceAll(change, "%d", fmt.Sprint(own))), want)
	}
	for _, caller := range []string{string(controlplane.RoleViewer), string(controlplane.RoleOperator)} {
		change := `{setRetention:{minutes:7}}`
		if errs := p.as(caller, 0, schedule(later, change)); len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("as %s: %+v", caller, errs)
		}
	}
	cancel := fmt.Sprintf(`mutation{cancelScheduledChange(id:%q){change{status}}}`, id)
	if errs := p.as(string(controlplane.RoleViewer), 0, cancel); len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("cancelled by a viewer: %+v", errs)
	}
	p.must(cancel, nil)
	p.wantErrors(cancel, "CONFLICT id")
	if got := p.scheduled()[id]; got.Status != "CANCELLED" {
		t.Errorf("cancelled, it is %+v", got)
	}
}

// What came due while nothing ran is carried out by whoever runs, with the rights
// that those who scheduled it have by then.
func TestScheduledChangesAreCarriedOutLate(t *testing.T) {
	url := databases.New(t)
	var logged lockedBuffer
	errorsOnly := func(c *app.Config) {
		c.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	openOn(t, url, errorsOnly)
	p := openOn(t, url, errorsOnly)
	own, other := p.twoAccounts()
	schedule := func(by controlplane.ID, field, input string) string {
		ctx := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: by, Name: "Ada"})
		c, err := p.DB().ScheduleChange(ctx, controlplane.ScheduledChange{At: time.Now().Add(-time.Hour), Field: field, Input: []byte(input)})
		if err != nil {
			t.Fatal(err)
		}
		return controlplane.KindSchedule.Format(c.ID)
	}
	operator, viewer, gone := p.member(controlplane.RoleOperator, 0), p.member(controlplane.RoleViewer, 0), p.member(controlplane.RoleOperator, 0)
	disabled := true
	if _, err := p.DB().UpdateMember(t.Context(), controlplane.MemberEdit{ID: gone, Disabled: &disabled}, func(controlplane.Role) error { return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct{ status, fault string }{
		schedule(operator, "updateAccount", fmt.Sprintf(`{"id":"acc_%d","status":"SUSPENDED"}`, own)):   {"DONE", ""},
		schedule(operator, "updateAccount", `{"id":"acc_999","name":"x"}`):                              {"FAILED", "id: there is no such account"},
		schedule(operator, "resetAccount", `"tier_1"`):                                                  {"FAILED", "id: give an id such as acc_7"},
		schedule(viewer, "updateAccount", fmt.Sprintf(`{"id":"acc_%d","status":"SUSPENDED"}`, other)):   {"FAILED", "you lack the permission ACCOUNTS_WRITE"},
		schedule(gone, "updateAccount", fmt.Sprintf(`{"id":"acc_%d","status":"SUSPENDED"}`, other)):     {"FAILED", "Ada may not sign in any more, or is revoked"},
		schedule(operator, "resetAccount", fmt.Sprintf(`"acc_%d"`, own)):                                {"DONE", ""},
		schedule(operator, "setDefaults", `{"introductoryAllowance":{"percent":200,"days":30}}`):        {"DONE", ""},
		schedule(operator, "createEndpoint", `{"method":"GET","template":"/v1/users"}`):                 {"DONE", ""},
		schedule(operator, "setOverride", fmt.Sprintf(`{"accountId":"acc_%d","limitId":"lim_9"}`, own)): {"FAILED", ""},
	}
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		pending := 0
		for _, c := range p.scheduled() {
			if c.Status == "PENDING" {
				pending++
			}
		}
		if pending == 0 || t.Context().Err() != nil {
			break
		}
	}
	for id, c := range p.scheduled() {
		if w := want[id]; c.Status != w.status || w.fault != "" && c.Fault != w.fault {
			t.Errorf("%s of %s is %s: %s; want %+v", c.Field, c.Input, c.Status, c.Fault, w)
		}
		var log struct {
			AuditLog struct{ Nodes []struct{ Action string } }
		}
		p.must(fmt.Sprintf(`{auditLog(filter:{requestId:%q}){nodes{action}}}`, id), &log)
		if done := c.Status == "DONE"; (len(log.AuditLog.Nodes) == 1) != done {
			t.Errorf("%s left %+v", id, log.AuditLog.Nodes)
		}
	}
	var accounts struct {
		Own, Other struct{ Status string }
		Defaults   struct{ IntroductoryAllowance struct{ Percent, Days int } }
	}
	p.must(fmt.Sprintf(`{own:account(id:"acc_%d"){status} other:account(id:"acc_%d"){status} defaults{introductoryAllowance{percent days}}}`, own, other), &accounts)
	if accounts.Own.Status != "SUSPENDED" || accounts.Other.Status != "ACTIVE" || accounts.Defaults.IntroductoryAllowance.Percent != 200 {
		t.Errorf("%+v", accounts)
	}
	if text := logged.String(); text != "" {
		t.Errorf("the process that came second logged as errors: %s", text)
	}
}

// TestAScheduledChangeThatTakesTooLongIsTriedAgain has its account locked by somebody.
func TestAScheduledChangeThatTakesTooLongIsTriedAgain(t *testing.T) {
	url := databases.New(t)
	p := openOn(t, url, func(*app.Config) {})
	own, _ := p.twoAccounts()
	ctx := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: p.member(controlplane.RoleOperator, 0), Name: "Ada"})
	c, err := p.DB().ScheduleChange(ctx, controlplane.ScheduledChange{
		At: time.Now().Add(time.Hour), Field: "updateAccount", Input: fmt.Appendf(nil, `{"id":"acc_%d","status":"SUSPENDED"}`, own),
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `begin; select from accounts for update`); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r := &graph.Resolver{DB: p.DB(), Auth: auth.New(p.DB(), auth.Config{}, log), Log: log}
	bounded, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.CarryOut(postgres.CarryingOut(bounded, c.ID), c); err == nil || controlplane.Faults(err) != nil {
		t.Errorf("while it is locked: %v; want an error that is nobody's mistake", err)
	}
	if _, err := conn.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	if err := r.CarryOut(postgres.CarryingOut(t.Context(), c.ID), c); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Of two processes that carry the same change out one comes second, which is no fault of
// anybody's.
func TestAScheduledChangeThatAnotherProcessMadeIsNoError(t *testing.T) {
	p := open(t)
	own, _ := p.twoAccounts()
	ctx := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorMember, ID: p.member(controlplane.RoleOperator, 0), Name: "Ada"})
	c, err := p.DB().ScheduleChange(ctx, controlplane.ScheduledChange{
		At: time.Now().Add(time.Hour), Field: "updateAccount", Input: fmt.Appendf(nil, `{"id":"acc_%d","status":"SUSPENDED"}`, own),
	})
	if err != nil {
		t.Fatal(err)
	}
	var logged lockedBuffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError}))
	r := &graph.Resolver{DB: p.DB(), Auth: auth.New(p.DB(), auth.Config{}, log), Log: log}
	first := r.CarryOut(postgres.CarryingOut(t.Context(), c.ID), c)
	p.must(fmt.Sprintf(`mutation{updateAccount(input:{id:"acc_%d",status:ACTIVE}){snapshot}}`, own), nil)
	second := r.CarryOut(postgres.CarryingOut(t.Context(), c.ID), c)
	if faults := controlplane.Faults(second); first != nil || len(faults) != 1 || faults[0].Code != controlplane.CodeConflict || logged.String() != "" {
		t.Errorf("first %v, second %v, logged %s", first, second, logged.String())
	}
	if err := p.DB().FailScheduledChange(t.Context(), c.ID, second.Error()); err != nil {
		t.Error(err)
	}
	if is := p.scheduled()[controlplane.KindSchedule.Format(c.ID)]; is.Status != "DONE" {
		t.Errorf("it is %+v", is)
	}
}
