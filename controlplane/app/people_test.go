package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/weirhq/weir/controlplane"
)

const (
	password        = "a password of some length"
	anotherPassword = "and another one, longer still"
)

// browser is a caller with a cookie.
type browser struct {
	*plane
	cookie string
}

// post posts JSON, and keeps the session that the answer begins.
func (b *browser) post(path string, body map[string]string) answer {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	got := b.send("POST", b.http(path), string(text), "Content-Type", "application/json", "Cookie", b.cookie)
	if set := got.Header.Get("Set-Cookie"); set != "" {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	return got
}

func (b *browser) run(operation string, into any) []gqlError {
	b.t.Helper()
	return b.with([]string{"Cookie", b.cookie}, operation, into)
}

// joined invites a member and lets them join in a browser of their own.
func (p *plane) joined(email string, role controlplane.Role) *browser {
	p.t.Helper()
	var invited struct{ InviteMember struct{ URL string } }
	p.must(fmt.Sprintf(`mutation{inviteMember(input:{email:%q,role:%s}){url}}`, email, role), &invited)
	base, token, ok := strings.Cut(invited.InviteMember.URL, "/join#token=")
	if !ok || base != "http://weir.example" {
		p.t.Fatalf("link %q", invited.InviteMember.URL)
	}
	b := &browser{plane: p}
	if shown := b.post("/auth/link", map[string]string{"token": token}); shown.Status != 200 || !strings.Contains(shown.Body, strings.ToLower(email)) {
		p.t.Fatalf("%d %s", shown.Status, shown.Body)
	}
	if got := b.post("/auth/join", map[string]string{"token": token, "name": "Ada", "password": "short"}); got.Status != http.StatusUnprocessableEntity {
		p.t.Fatalf("a short password: %d %s", got.Status, got.Body)
	}
	if got := b.post("/auth/join", map[string]string{"token": token, "name": "Ada", "password": password}); got.Status != http.StatusNoContent {
		p.t.Fatalf("join: %d %s", got.Status, got.Body)
	}
	if got := b.post("/auth/join", map[string]string{"token": token, "name": "Eve", "password": password}); got.Status != http.StatusUnauthorized {
		p.t.Errorf("the link worked twice: %d %s", got.Status, got.Body)
	}
	return b
}

func TestAMemberJoinsAndSignsInWithAPassword(t *testing.T) {
	p := open(t)
	p.joined("Ada@Example.com", controlplane.RoleAdmin)
	b := &browser{plane: p, cookie: "weir_session=planted-by-somebody-else"}
	got := b.post("/auth/sign-in", map[string]string{"email": " ADA@example.com", "password": password})
	if got.Status != http.StatusNoContent || strings.Contains(b.cookie, "planted") {
		t.Fatalf("%d %s, cookie %s", got.Status, got.Body, b.cookie)
	}
	var seen struct {
		Viewer struct {
			Name, Kind  string
			Permissions []string
			Member      struct{ Email, Role string }
			Sessions    []struct {
				ID                 string
				Current            bool
				Address, UserAgent string
			}
		}
	}
	if errs := b.run(`{viewer{name kind permissions member{email role} sessions{id current address userAgent}}}`, &seen); errs != nil {
		t.Fatal(errs)
	}
	v := seen.Viewer
	if v.Member.Email != "ada@example.com" || v.Member.Role != "ADMIN" || slices.Contains(v.Permissions, "OWNERS_WRITE") || len(v.Sessions) != 2 {
		t.Errorf("%+v", v)
	}
	for _, s := range v.Sessions {
		if !s.Current {
			if errs := b.run(fmt.Sprintf(`mutation{endSession(id:%q){viewer{name}}}`, s.ID), nil); errs != nil {
				t.Error(errs)
			}
		}
	}
	if errs := b.run(`{viewer{sessions{id}}}`, &seen); errs != nil || len(seen.Viewer.Sessions) != 1 {
		t.Errorf("%+v, %+v", errs, seen.Viewer.Sessions)
	}
	if errs := b.run(`mutation{inviteMember(input:{email:"eve@example.com",role:OWNER}){url}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("an admin invites an owner: %+v", errs)
	}
}

func TestASignInDoesNotTellWhoIsAMember(t *testing.T) {
	p := open(t)
	p.joined("ada@example.com", controlplane.RoleViewer)
	var bodies []string
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		b := &browser{plane: p}
		for try := range 11 {
			got := b.post("/auth/sign-in", map[string]string{"email": email, "password": "not the password"})
			switch {
			case try == 0:
				bodies = append(bodies, fmt.Sprint(got.Status, got.Body))
				if got.Status != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", email, got.Status, got.Body)
				}
			case try == 10 && (got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, "Try again in ")):
				t.Errorf("%s, the eleventh time: %d %s", email, got.Status, got.Body)
			}
		}
		if got := b.post("/auth/sign-in", map[string]string{"email": email, "password": password}); got.Status != http.StatusTooManyRequests {
			t.Errorf("%s, with the password at last: %d %s", email, got.Status, got.Body)
		}
	}
	if bodies[0] != bodies[1] {
		t.Errorf("%s\nis not\n%s", bodies[0], bodies[1])
	}
}

func TestAnotherPasswordEndsOtherSessions(t *testing.T) {
	p := open(t)
	b := p.joined("ada@example.com", controlplane.RoleViewer)
	other := &browser{plane: p}
	other.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password})
	set := func(current string) []gqlError {
		return b.run(fmt.Sprintf(`mutation{setPassword(input:{currentPassword:%q,password:%q}){viewer{name}}}`, current, anotherPassword), nil)
	}
	if errs := set("not the password"); len(errs) != 1 || errs[0].Extensions.Field != "currentPassword" {
		t.Errorf("%+v", errs)
	}
	if errs := set(password); errs != nil {
		t.Fatal(errs)
	}
	if errs := b.run(`{viewer{name}}`, nil); errs != nil {
		t.Errorf("the session that changed the password: %+v", errs)
	}
	if errs := other.run(`{viewer{name}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("another session: %+v", errs)
	}
	for with, want := range map[string]int{password: http.StatusUnauthorized, anotherPassword: http.StatusNoContent} {
		if got := other.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": with}); got.Status != want {
			t.Errorf("%q: %d %s", with, got.Status, got.Body)
		}
	}
}

func TestASecondStepIsAskedForAndEachCodeIsGoodOnce(t *testing.T) {
	p := open(t)
	b := p.joined("ada@example.com", controlplane.RoleViewer)
	var begun struct{ BeginTotp struct{ Secret, URL string } }
	if errs := b.run(`mutation{beginTotp{secret url}}`, &begun); errs != nil || !strings.HasPrefix(begun.BeginTotp.URL, "otpauth://totp/Weir:ada@example.com?") {
		t.Fatalf("%+v, %+v", errs, begun)
	}
	if errs := b.run(`mutation{confirmTotp(code:"000000"){codes}}`, nil); len(errs) != 1 || errs[0].Extensions.Field != "code" {
		t.Errorf("a wrong code: %+v", errs)
	}
	code, err := totp.GenerateCode(begun.BeginTotp.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var confirmed struct{ ConfirmTotp struct{ Codes []string } }
	if errs := b.run(fmt.Sprintf(`mutation{confirmTotp(code:%q){codes}}`, code), &confirmed); errs != nil || len(confirmed.ConfirmTotp.Codes) != 10 {
		t.Fatalf("%+v, %+v", errs, confirmed)
	}
	other := &browser{plane: p}
	first := other.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password})
	if first.Status != http.StatusOK || !strings.Contains(first.Body, `"CODE"`) {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	if errs := other.run(`{viewer{name}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("before the second step: %+v", errs)
	}
	if got := other.post("/auth/sign-in", map[string]string{"code": code}); got.Status != http.StatusUnauthorized {
		t.Errorf("a code that was used: %d %s", got.Status, got.Body)
	}
	recovery := confirmed.ConfirmTotp.Codes[3]
	if got := other.post("/auth/sign-in", map[string]string{"code": strings.ToUpper(recovery)}); got.Status != http.StatusNoContent {
		t.Fatalf("a recovery code: %d %s", got.Status, got.Body)
	}
	if errs := other.run(`{viewer{name}}`, nil); errs != nil {
		t.Errorf("after the second step: %+v", errs)
	}
	if errs := other.run(fmt.Sprintf(`mutation{disableTotp(code:%q){viewer{name}}}`, recovery), nil); len(errs) != 1 || errs[0].Extensions.Field != "code" {
		t.Errorf("a recovery code twice: %+v", errs)
	}
	if errs := other.run(fmt.Sprintf(`mutation{disableTotp(code:%q){viewer{member{hasTotp}}}}`, confirmed.ConfirmTotp.Codes[4]), nil); errs != nil {
		t.Errorf("%+v", errs)
	}
	if got := other.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password}); got.Status != http.StatusNoContent {
		t.Errorf("without a second step again: %d %s", got.Status, got.Body)
	}
}

func TestATokenHasNothingThatItsMakerLacks(t *testing.T) {
	p := open(t)
	b := p.joined("ada@example.com", controlplane.RoleAdmin)
	if errs := b.run(`mutation{createApiToken(input:{name:"all",scopes:[OWNERS_WRITE]}){secret}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("%+v", errs)
	}
	var made struct{ CreateAPIToken struct{ Secret string } }
	if errs := b.run(`mutation{createApiToken(input:{name:"ci",scopes:[POLICY_READ]}){secret}}`, &made); errs != nil || !strings.HasPrefix(made.CreateAPIToken.Secret, controlplane.TokenPrefix) {
		t.Fatalf("%+v, %+v", errs, made)
	}
	token := []string{"Authorization", "Bearer " + made.CreateAPIToken.Secret}
	if errs := p.with(token, `{tiers{nodes{id}}}`, nil); errs != nil {
		t.Errorf("within its scopes: %+v", errs)
	}
	if errs := p.with(token, `{accounts{totalCount}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("beyond its scopes: %+v", errs)
	}
}

func TestATokenThatATokenMadeEndsWithIt(t *testing.T) {
	p := open(t)
	b := p.joined("ada@example.com", controlplane.RoleAdmin)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	type made struct {
		CreateAPIToken struct {
			Secret string
			Token  struct {
				ID        string
				CreatedBy *struct{ Email string }
			}
		}
	}
	create := func(name string, expires *time.Time) string {
		end := ""
		if expires != nil {
			end = fmt.Sprintf(`,expiresAt:%q`, expires.Format(time.RFC3339))
		}
		return fmt.Sprintf(`mutation{createApiToken(input:{name:%q,scopes:[TOKENS_WRITE,POLICY_READ]%s}){secret token{id createdBy{email}}}}`, name, end)
	}
	header := func(m made) []string { return []string{"Authorization", "Bearer " + m.CreateAPIToken.Secret} }
	var parent, child, grandchild made
	if errs := b.run(create("parent", &ends), &parent); errs != nil {
		t.Fatalf("%+v", errs)
	}
	later := ends.Add(time.Second)
	for name, expires := range map[string]*time.Time{"never": nil, "later": &later} {
		if errs := p.with(header(parent), create(name, expires), nil); len(errs) != 1 || errs[0].Extensions.Field != "expiresAt" {
			t.Errorf("a child that ends %s: %+v", name, errs)
		}
	}
	if errs := p.with(header(parent), create("child", &ends), &child); errs != nil {
		t.Fatalf("%+v", errs)
	}
	if by := child.CreateAPIToken.Token.CreatedBy; by == nil || by.Email != "ada@example.com" {
		t.Errorf("the child's maker is %+v", by)
	}
	if errs := p.with(header(child), create("grandchild", &ends), &grandchild); errs != nil {
		t.Fatalf("%+v", errs)
	}
	p.must(fmt.Sprintf(`mutation{revokeApiToken(id:%q){token{id}}}`, parent.CreateAPIToken.Token.ID), nil)
	for name, m := range map[string]made{"child": child, "grandchild": grandchild} {
		if got := p.send("POST", p.http("/graphql"), `{"query":"{tiers{nodes{id}}}"}`, append(header(m), "Content-Type", "application/json")...); got.Status != http.StatusUnauthorized {
			t.Errorf("the %s of a revoked token: %d %s", name, got.Status, got.Body)
		}
	}
	var ofTests made
	p.must(`mutation{createApiToken(input:{name:"of the tests' own",scopes:[POLICY_READ]}){secret token{id}}}`, &ofTests)
	next := controlplane.NewSecret("")
	if err := p.DB().SetAPIToken(t.Context(), "tests", next); err != nil {
		t.Fatal(err)
	}
	p.token = next.Reveal()
	if got := p.send("POST", p.http("/graphql"), `{"query":"{tiers{nodes{id}}}"}`, append(header(ofTests), "Content-Type", "application/json")...); got.Status != http.StatusUnauthorized {
		t.Errorf("the child of a token that was replaced: %d %s", got.Status, got.Body)
	}
	var log struct {
		AuditLog struct{ Nodes []struct{ RequestID string } }
	}
	p.must(`{auditLog(filter:{actions:["REVOKE_API_TOKEN"]}){nodes{requestId}}}`, &log)
	if n := len(log.AuditLog.Nodes); n != 4 {
		t.Errorf("%d records of revocations, want 4", n)
	}
}

func TestWhatMembersDoIsRecorded(t *testing.T) {
	p := open(t)
	b := p.joined("ada@example.com", controlplane.RoleViewer)
	var begun struct{ BeginTotp struct{ Secret string } }
	b.run(`mutation{updateProfile(input:{name:"Ada L."}){viewer{name}} beginTotp{secret}}`, &begun)
	code, err := totp.GenerateCode(begun.BeginTotp.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var confirmed struct{ ConfirmTotp struct{ Codes []string } }
	b.run(fmt.Sprintf(`mutation{confirmTotp(code:%q){codes}}`, code), &confirmed)
	codes := confirmed.ConfirmTotp.Codes
	b.run(fmt.Sprintf(`mutation{disableTotp(code:%q){viewer{name}} setPassword(input:{currentPassword:%q,password:%q}){viewer{name}} endOtherSessions{viewer{name}} signOut}`,
		codes[0], password, anotherPassword), nil)
	var log struct {
		AuditLog struct {
			Nodes []struct {
				Action string
				Actor  struct{ Kind, Name string }
			}
		}
	}
	p.must(`{auditLog(first:9){nodes{action actor{kind name}}}}`, &log)
	want := []string{"END_SESSION", "END_OTHER_SESSIONS", "SET_PASSWORD", "DISABLE_TOTP", "USE_RECOVERY_CODE", "CONFIRM_TOTP", "UPDATE_PROFILE", "SIGN_IN", "ACCEPT_MEMBER_LINK"}
	for i, n := range log.AuditLog.Nodes {
		if n.Action != want[i] || n.Actor.Kind != "MEMBER" {
			t.Errorf("%d: %+v, want %s", i, n, want[i])
		}
	}
	if len(log.AuditLog.Nodes) != len(want) {
		t.Errorf("%+v", log)
	}
}
