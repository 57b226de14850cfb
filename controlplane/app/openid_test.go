package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/openid"
	"github.com/weirhq/weir/controlplane/openid/openidtest"
)

// withProvider opens a control plane whose members sign in at a real provider.
func withProvider(t *testing.T, s *openidtest.Server, changes ...func(*app.Config)) *plane {
	t.Helper()
	s.Serve("http://weir.example")
	return openOn(t, databases.New(t), append([]func(*app.Config){func(c *app.Config) {
		c.OpenID = openid.Config{Issuer: s.Issuer, ClientID: openidtest.ClientID, ClientSecret: openidtest.ClientSecret, Label: "Example Inc."}
	}}, changes...)...)
}

// visit asks for a path as a browser does that comes from elsewhere: with the
// cookies of the given sign-in, and without following anything.
func (p *plane) visit(path, cookie string) (to *url.URL, cookies map[string]string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.http(path), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header = http.Header{"Cookie": {cookie}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if to, err = resp.Location(); err != nil {
		p.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	cookies = map[string]string{}
	for _, c := range resp.Cookies() {
		if !c.HttpOnly || c.Name == "weir_oidc" && c.Path != "/auth/oidc/" {
			p.t.Errorf("scripts and others see the cookie %v", c)
		}
		if c.MaxAge >= 0 {
			cookies[c.Name] = c.Name + "=" + c.Value
		}
	}
	return to, cookies
}

// leave begins a sign-in at the provider.
func (p *plane) leave(next string) (to, cookie string) {
	p.t.Helper()
	address, cookies := p.visit("/auth/oidc/start?next="+url.QueryEscape(next), "")
	return address.String(), cookies["weir_oidc"]
}

// arrive comes back from the provider, and returns where that leads and the session.
func (p *plane) arrive(back *url.URL, cookie string) (to *url.URL, session string) {
	p.t.Helper()
	to, cookies := p.visit("/auth/oidc/callback?"+back.RawQuery, cookie)
	return to, cookies["weir_session"]
}

// enter signs somebody in at the provider, from beginning to end.
func (p *plane) enter(s *openidtest.Server, name string) (to *url.URL, b *browser) {
	p.t.Helper()
	address, cookie := p.leave("/tiers?range=6h")
	to, session := p.arrive(s.SignIn(p.t, address, name), cookie)
	return to, &browser{plane: p, cookie: session}
}

func (p *plane) invite(email string, role controlplane.Role) {
	p.t.Helper()
	p.must(fmt.Sprintf(`mutation{inviteMember(input:{email:%q,role:%s}){url}}`, email, role), nil)
}

func TestMembersSignInAtAnOpenIDProvider(t *testing.T) {
	s := openidtest.Start(t,
		openidtest.Person{Name: "ada", Email: "Ada@example.com", Verified: true},
		openidtest.Person{Name: "eve", Email: "eve@example.com", Verified: true},
		openidtest.Person{Name: "mallory", Email: "ada@example.com"},
		openidtest.Person{Name: "twin", Email: "ada@example.com", Verified: true},
		openidtest.Person{Name: "nobody", Verified: true},
	)
	p := withProvider(t, s)
	refused := func(name, code, says string) {
		t.Helper()
		to, b := p.enter(s, name)
		if to.Path != "/sign-in" || to.Query().Get("refused") != code || to.Query().Get("next") != "/tiers?range=6h" || b.cookie != "" {
			t.Errorf("%s is led to %s", name, to)
		}
		if page := p.send("GET", p.http("/auth/methods?refused="+code), ""); !strings.Contains(page.Body, says) || !strings.Contains(page.Body, "Example Inc.") {
			t.Errorf("the page says %s", page.Body)
		}
	}
	refused("eve", "invited", "Nobody has invited")
	refused("nobody", "email", "verified")
	p.invite("ada@example.com", controlplane.RoleOperator)
	refused("mallory", "email", "Verify it there")

	to, b := p.enter(s, "ada")
	if to.String() != "/tiers?range=6h" && to.Path != "/tiers" {
		t.Errorf("she is led to %s", to)
	}
	var seen struct {
		Viewer struct {
			SignOutURL string
			Member     struct{ ID, Name, Role, Status string }
		}
	}
	if errs := b.run(`{viewer{signOutUrl member{id name role status}}}`, &seen); errs != nil {
		t.Fatal(errs)
	}
	member := seen.Viewer.Member
	if member.Name != "Ada Example" || member.Role != "OPERATOR" || member.Status != "ACTIVE" {
		t.Errorf("she is %+v", member)
	}
	out, err := url.Parse(seen.Viewer.SignOutURL)
	if err != nil || !strings.HasPrefix(seen.Viewer.SignOutURL, s.Issuer) || out.Query().Get("post_logout_redirect_uri") != "http://weir.example/sign-in" {
		t.Errorf("she signs out at %s", seen.Viewer.SignOutURL)
	}
	if left := openidtest.Follow(t, out.String()); left.String() != "http://weir.example/sign-in" {
		t.Errorf("the provider leads on to %s", left)
	}

	// Whoever else gets her address is not her, and she is herself with another one.
	refused("twin", "other", "another account at the provider")
	p.must(fmt.Sprintf(`mutation{updateMember(input:{id:%q,role:VIEWER}){member{id}}}`, member.ID), nil)
	s.Rename("ada", "countess@example.com")
	if _, b = p.enter(s, "ada"); b.run(`{viewer{member{id name role status}}}`, &seen) != nil || seen.Viewer.Member.ID != member.ID || seen.Viewer.Member.Role != "VIEWER" {
		t.Errorf("she is %+v", seen.Viewer.Member)
	}
	p.must(fmt.Sprintf(`mutation{updateMember(input:{id:%q,disabled:true}){member{id}}}`, member.ID), nil)
	refused("ada", "disabled", "switched your membership off")
}

func TestAnOpenIDSignInIsBoundToItsBrowserAndGoodOnce(t *testing.T) {
	s := openidtest.Start(t, openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true})
	p := withProvider(t, s)
	p.invite("ada@example.com", controlplane.RoleViewer)
	expect := func(to *url.URL, session, code string) {
		t.Helper()
		if to.Path != "/sign-in" || to.Query().Get("refused") != code || session != "" {
			t.Errorf("it leads to %s, with the session %q; want %s", to, session, code)
		}
	}
	address, cookie := p.leave("/")
	back := s.SignIn(t, address, "ada")
	for name, tc := range map[string]struct{ cookie, code string }{
		"a browser that began nothing":           {"", "expired"},
		"a browser that began another one":       {p.begun(), "state"},
		"a cookie that was made up":              {"weir_oidc=AAAAAAAAAAAAAAAAAAAAAAAAAA", "state"},
		"a session cookie in its place, planted": {"weir_session=AAAAAAAAAAAAAAAAAAAAAAAAAA", "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			to, session := p.arrive(back, tc.cookie)
			expect(to, session, tc.code)
		})
	}
	planted := "weir_session=AAAAAAAAAAAAAAAAAAAAAAAAAA"
	to, session := p.arrive(back, cookie+"; "+planted)
	if to.Path != "/" || session == "" || session == planted {
		t.Fatalf("it leads to %s, with the session %q", to, session)
	}
	t.Run("again", func(t *testing.T) {
		to, session := p.arrive(back, cookie)
		expect(to, session, "expired")
	})
	t.Run("with a code that was used", func(t *testing.T) {
		address, cookie := p.leave("/")
		fresh := s.SignIn(t, address, "ada").Query()
		fresh.Set("code", back.Query().Get("code"))
		to, session := p.arrive(&url.URL{RawQuery: fresh.Encode()}, cookie)
		expect(to, session, "answer")
	})
	t.Run("with another issuer's name", func(t *testing.T) {
		address, cookie := p.leave("/")
		answer := s.SignIn(t, address, "ada").Query()
		answer.Set("iss", "https://other.example")
		to, session := p.arrive(&url.URL{RawQuery: answer.Encode()}, cookie)
		expect(to, session, "answer")
	})
	t.Run("refused there", func(t *testing.T) {
		address, cookie := p.leave("/")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		answer := url.Values{"error": {"access_denied"}, "error_description": {"<script>"}, "state": {u.Query().Get("state")}}
		to, session := p.arrive(&url.URL{RawQuery: answer.Encode()}, cookie)
		expect(to, session, "denied")
	})
	t.Run("a second step follows", func(t *testing.T) {
		b := &browser{plane: p, cookie: session}
		recovery := b.turnCodesOn()
		to, next := p.enter(s, "ada")
		if to.Path != "/sign-in" || to.Query().Get("step") != "code" || to.Query().Get("next") != "/tiers?range=6h" {
			t.Errorf("it leads to %s", to)
		}
		if errs := next.run(`{viewer{name}}`, nil); errs == nil {
			t.Error("the first step was enough")
		}
		if got := next.post("/auth/sign-in", map[string]string{"code": recovery}); got.Status != http.StatusNoContent {
			t.Errorf("the second step: %d %s", got.Status, got.Body)
		}
	})
}

// begun returns the cookie of another sign-in.
func (p *plane) begun() string {
	_, cookie := p.leave("/")
	return cookie
}

func TestAnOpenIDSignInLeadsNowhereElse(t *testing.T) {
	s := openidtest.Start(t, openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true})
	p := withProvider(t, s)
	p.invite("ada@example.com", controlplane.RoleViewer)
	for next, want := range map[string]string{
		"https://evil.example/":         "/",
		"//evil.example/":               "/",
		`/\evil.example`:                "/",
		"/\t/evil.example":              "/",
		"/%2f/evil.example":             "/",
		"javascript:alert(1)":           "/",
		"/auth/oidc/start":              "/",
		"/" + strings.Repeat("x", 2000): "/",
		"/accounts/acc_1?range=6h":      "/accounts/acc_1?range=6h",
	} {
		address, cookie := p.leave(next)
		to, session := p.arrive(s.SignIn(t, address, "ada"), cookie)
		if to.Host != strings.TrimPrefix(p.http(""), "http://") || to.RequestURI() != want || session == "" {
			t.Errorf("%.40q leads to %s", next, to)
		}
	}
}

func TestWhomNobodyInvitedComesAsTheOperatorSaid(t *testing.T) {
	s := openidtest.Start(t,
		openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true},
		openidtest.Person{Name: "eve", Email: "eve@elsewhere.example", Verified: true},
		openidtest.Person{Name: "mallory", Email: "mallory@example.com"},
	)
	p := withProvider(t, s, func(c *app.Config) {
		c.OpenID.Domains, c.OpenID.CreateAs, c.PasswordOff = []string{"Example.com"}, controlplane.RoleViewer, true
	})
	for _, name := range []string{"eve", "mallory"} {
		if to, _ := p.enter(s, name); to.Query().Get("refused") != "domain" {
			t.Errorf("%s is led to %s", name, to)
		}
	}
	_, b := p.enter(s, "ada")
	var seen struct {
		Viewer struct{ Member struct{ Email, Role string } }
	}
	if errs := b.run(`{viewer{member{email role}}}`, &seen); errs != nil || seen.Viewer.Member.Email != "ada@example.com" || seen.Viewer.Member.Role != "VIEWER" {
		t.Errorf("%v, %+v", errs, seen.Viewer.Member)
	}
	t.Run("and nobody with a password", func(t *testing.T) {
		var invited struct{ InviteMember struct{ URL string } }
		p.must(`mutation{inviteMember(input:{email:"bob@example.com",role:VIEWER}){url}}`, &invited)
		_, token, _ := strings.Cut(invited.InviteMember.URL, "#token=")
		for path, body := range map[string]map[string]string{
			"/auth/sign-in": {"email": "ada@example.com", "password": password},
			"/auth/join":    {"token": token, "name": "Bob", "password": password},
		} {
			if got := (&browser{plane: p}).post(path, body); got.Status != http.StatusForbidden || !strings.Contains(got.Body, "switched off") {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
		link, err := p.SignInLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, token, _ = strings.Cut(link, "#token=")
		if got := (&browser{plane: p}).post("/auth/sign-in", map[string]string{"token": token}); got.Status != http.StatusNoContent {
			t.Errorf("the way out: %d %s", got.Status, got.Body)
		}
	})
}

func TestTheControlPlaneRunsWhileItsProviderIsAway(t *testing.T) {
	s := openidtest.Start(t, openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true})
	s.Away(true)
	p := withProvider(t, s)
	if got := p.send("GET", p.http("/auth/methods"), ""); !strings.Contains(got.Body, `"password":true,"openid":{"label":"Example Inc.","available":false}`) {
		t.Errorf("the sign-in page learns %s", got.Body)
	}
	if to, _ := p.visit("/auth/oidc/start?next=/tiers", ""); to.Query().Get("refused") != "away" || to.Query().Get("next") != "/tiers" {
		t.Errorf("it leads to %s", to)
	}
	s.Away(false)
	for p.send("GET", p.http("/auth/methods"), "").Body != `{"password":true,"openid":{"label":"Example Inc.","available":true},"refusal":null}`+"\n" {
		if t.Context().Err() != nil {
			t.Fatal("it is never found")
		}
	}
}

// turnCodesOn turns the member's second step on, and returns a recovery code.
func (b *browser) turnCodesOn() string {
	b.t.Helper()
	var begun struct{ BeginTotp struct{ Secret string } }
	if errs := b.run(`mutation{beginTotp{secret}}`, &begun); errs != nil {
		b.t.Fatal(errs)
	}
	code, err := totp.GenerateCode(begun.BeginTotp.Secret, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	var confirmed struct{ ConfirmTotp struct{ Codes []string } }
	if errs := b.run(fmt.Sprintf(`mutation{confirmTotp(code:%q){codes}}`, code), &confirmed); errs != nil {
		b.t.Fatal(errs)
	}
	return confirmed.ConfirmTotp.Codes[0]
}

func TestWhoHadAPasswordBeforeTheProviderHasNoneAfterwards(t *testing.T) {
	s := openidtest.Start(t, openidtest.Person{Name: "ada", Email: "ada@example.com", Verified: true})
	p := withProvider(t, s)
	before := p.joined("ada@example.com", controlplane.RoleViewer)
	to, after := p.enter(s, "ada")
	var seen struct {
		Viewer struct{ Member struct{ Email, Role string } }
	}
	if errs := after.run(`{viewer{member{email role}}}`, &seen); errs != nil || seen.Viewer.Member.Role != "VIEWER" {
		t.Fatalf("led to %s, %v, %+v", to, errs, seen.Viewer.Member)
	}
	if errs := before.run(`{viewer{name}}`, nil); len(errs) != 1 || errs[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("the session from before: %+v", errs)
	}
	if got := before.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": password}); got.Status != http.StatusUnauthorized {
		t.Errorf("the password from before: %d %s", got.Status, got.Body)
	}
}
