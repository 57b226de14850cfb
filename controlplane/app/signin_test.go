package app_test

import (
	"net/http"
	"strings"
	"testing"
)

const viewerQuery = `{"query":"{viewer{kind name}}"}`

func TestNothingIsOpen(t *testing.T) {
	p := open(t)
	for name, tc := range map[string]struct {
		method, url string
		headers     []string
	}{
		"GraphQL":                    {"POST", p.http("/graphql"), nil},
		"GraphQL, a made-up cookie":  {"POST", p.http("/graphql"), []string{"Cookie", "weir_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"GraphQL, a wrong token":     {"POST", p.http("/graphql"), []string{"Authorization", "Bearer wrong-wrong-wrong"}},
		"GraphQL, no token":          {"POST", p.http("/graphql"), []string{"Authorization", "Bearer "}},
		"GraphQL, another scheme":    {"POST", p.http("/graphql"), []string{"Authorization", "Basic " + p.token}},
		"server-sent events":         {"POST", p.http("/graphql"), []string{"Accept", "text/event-stream"}},
		"a WebSocket":                {"GET", p.http("/graphql"), []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}},
		"the edge's snapshot":        {"GET", p.edge("/edge/v1/snapshot?have=0"), nil},
		"the edge, an API token":     {"GET", p.edge("/edge/v1/snapshot?have=0"), []string{"Authorization", "Bearer " + p.token}},
		"the edge's usage":           {"POST", p.edge("/edge/v1/usage"), nil},
		"a path of the edge unknown": {"GET", p.edge("/"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.send(tc.method, tc.url, viewerQuery, append(tc.headers, "Content-Type", "application/json")...)
			if got.Status != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		})
	}
	t.Run("the edge is not on the public listener", func(t *testing.T) {
		got := p.send("GET", p.http("/edge/v1/snapshot?have=0"), "", "Authorization", "Bearer "+nodeToken)
		if got.Status == http.StatusOK && got.Header.Get("Weir-Snapshot") != "" {
			t.Errorf("got %d %v", got.Status, got.Header)
		}
	})
}

func TestSignIn(t *testing.T) {
	p := open(t)
	link, err := p.SignInLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, token, ok := strings.Cut(link, "/sign-in#token=")
	if !ok || base != "http://weir.example" {
		t.Fatalf("link %q", link)
	}
	signIn := func(token string, headers ...string) answer {
		return p.send("POST", p.http("/auth/sign-in"), `{"token":"`+token+`"}`, headers...)
	}
	if got := signIn("not-a-token"); got.Status != http.StatusUnauthorized || !strings.Contains(got.Body, "sign-in-link") {
		t.Errorf("a made-up token: %d %s", got.Status, got.Body)
	}
	if got := signIn(token, "Sec-Fetch-Site", "cross-site"); got.Status != http.StatusForbidden {
		t.Errorf("from another site: %d %s", got.Status, got.Body)
	}
	first := signIn(token)
	if first.Status != http.StatusNoContent {
		t.Fatalf("got %d %s", first.Status, first.Body)
	}
	if got := signIn(token); got.Status != http.StatusUnauthorized {
		t.Errorf("the link worked twice: %d", got.Status)
	}
	cookie := first.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is not %s: %s", want, cookie)
		}
	}
	session, _, _ := strings.Cut(cookie, ";")
	viewer := func() answer {
		return p.send("POST", p.http("/graphql"), viewerQuery, "Content-Type", "application/json", "Cookie", session)
	}
	if got := viewer(); got.Status != http.StatusOK || !strings.Contains(got.Body, `"SESSION"`) {
		t.Errorf("with the session: %d %s", got.Status, got.Body)
	}
	cross := p.send("POST", p.http("/graphql"), viewerQuery, "Content-Type", "application/json", "Cookie", session, "Origin", "https://evil.example")
	if cross.Status != http.StatusForbidden {
		t.Errorf("from another origin: %d %s", cross.Status, cross.Body)
	}
	p.send("POST", p.http("/graphql"), `{"query":"mutation{signOut}"}`, "Content-Type", "application/json", "Cookie", session)
	if got := viewer(); got.Status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d %s", got.Status, got.Body)
	}
}

func TestEveryPageIsGuarded(t *testing.T) {
	p := open(t)
	for _, path := range []string{"/", "/graphiql", "/accounts/acc_1", "/assets/none.js", "/healthz"} {
		got := p.send("GET", p.http(path), "")
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "script-src") || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, got.Header)
		}
	}
	if got := p.send("GET", p.http("/readyz"), ""); got.Status != http.StatusOK {
		t.Errorf("not ready: %d %s", got.Status, got.Body)
	}
}
