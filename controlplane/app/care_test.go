package app_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
)

func TestSlowSendersAreLetGo(t *testing.T) {
	p := openOn(t, databases.New(t), func(c *app.Config) { c.HeaderWithin, c.BodyWithin = 50*time.Millisecond, 100*time.Millisecond })
	for listener, addr := range map[string]string{"http": p.HTTPAddr(), "edge": p.EdgeAddr()} {
		for what, begun := range map[string]string{
			"a header that never ends": "POST /auth/sign-in HTTP/1.1\r\nHost: weir.example\r\nX-Slow: ",
			"a body that never comes":  "POST /auth/sign-in HTTP/1.1\r\nHost: weir.example\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
			"nothing at all":           "",
		} {
			t.Run(listener+" "+what, func(t *testing.T) {
				t.Parallel()
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, begun); err != nil {
					t.Fatal(err)
				}
				// Ends when the other side lets go, and never otherwise.
				if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Error(err)
				}
			})
		}
	}
}

func TestCookiesGoOverTLSOnlyWhereTheURLSaysSo(t *testing.T) {
	for url, secure := range map[string]bool{"http://weir.example": false, "https://weir.example": true} {
		t.Run(url, func(t *testing.T) {
			p := openOn(t, databases.New(t), func(c *app.Config) { c.PublicURL = url })
			link, err := p.SignInLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, token, _ := strings.Cut(link, "#token=")
			got := p.send("POST", p.http("/auth/sign-in"), `{"token":"`+token+`"}`)
			if cookie := got.Header.Get("Set-Cookie"); got.Status != http.StatusNoContent || strings.Contains(cookie, "Secure") != secure {
				t.Errorf("%d, cookie %s", got.Status, cookie)
			}
		})
	}
}

func TestTheLogHasNoSecrets(t *testing.T) {
	var log lockedBuffer
	p := openOn(t, databases.New(t), func(c *app.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b := p.joined("ada@example.com", controlplane.RoleAdmin)
	secrets := map[string]string{"the session": strings.TrimPrefix(b.cookie, "weir_session="), "the password": password, "the environment's token": p.token, "the node token": nodeToken}
	var begun struct{ BeginTotp struct{ Secret string } }
	var token struct{ CreateAPIToken struct{ Secret string } }
	var key struct{ CreateKey struct{ Secret string } }
	_, _, account, _ := p.tierWithAccount()
	for operation, into := range map[string]any{
		`mutation{beginTotp{secret}}`: &begun,
		`mutation{createApiToken(input:{name:"ci",scopes:[POLICY_READ]}){secret}}`:         &token,
		fmt.Sprintf(`mutation{createKey(input:{accountId:%q,name:"k"}){secret}}`, account): &key,
	} {
		if errs := b.run(operation, into); errs != nil {
			t.Fatalf("%s: %+v", operation, errs)
		}
	}
	secrets["the second step's secret"], secrets["the token"], secrets["the key"] = begun.BeginTotp.Secret, token.CreateAPIToken.Secret, key.CreateKey.Secret

	// What fails is logged in more words than what does not.
	b.post("/auth/sign-in", map[string]string{"email": "ada@example.com", "password": "wrong " + password})
	p.send("POST", p.edge("/v1/usage"), "damaged", "Authorization", "Bearer "+nodeToken)
	p.with([]string{"Authorization", "Bearer " + token.CreateAPIToken.Secret}, `{accounts{totalCount}}`, nil)
	p.DB().Close()
	b.run(`{viewer{name}}`, nil)
	p.with([]string{"Authorization", "Bearer " + token.CreateAPIToken.Secret}, `{tiers{nodes{id}}}`, nil)
	p.send("POST", p.edge("/v1/usage"), "", "Authorization", "Bearer "+nodeToken)

	text := log.String()
	if !strings.Contains(text, "could not check who is asking") {
		t.Errorf("the log doesn't tell of the fault:\n%s", text)
	}
	for what, secret := range secrets {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the log has %s %q:\n%s", what, secret, text)
		}
	}
}
