package openid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openid/openidtest"
)

// liar is a provider that says what a test wants it to: what a good one never does.
type liar struct {
	*httptest.Server
	key      *ecdsa.PrivateKey
	metadata map[string]any
	claims   map[string]any // of the token
	info     map[string]any // of userinfo
	signer   *ecdsa.PrivateKey
	status   int // of the token endpoint; 0: 200
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{key: key, signer: key}
	mux := http.NewServeMux()
	answer := func(what func() any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(what()); err != nil {
				t.Error(err)
			}
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(func() any { return l.metadata }))
	mux.HandleFunc("/keys", answer(func() any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Algorithm: "ES256", Use: "sig"}}}
	}))
	mux.HandleFunc("/userinfo", answer(func() any { return l.info }))
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if l.status != 0 {
			w.WriteHeader(l.status)
			return
		}
		answer(func() any { return map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": l.token(t)} })(w, r)
	})
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	l.metadata = map[string]any{
		"issuer": l.URL, "authorization_endpoint": l.URL + "/authorize", "token_endpoint": l.URL + "/token", "jwks_uri": l.URL + "/keys",
		"userinfo_endpoint": l.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256"},
	}
	l.claims = map[string]any{
		"iss": l.URL, "sub": "s-1", "aud": "weir", "nonce": asked.Nonce, "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
		"email": "Ada@Example.com", "email_verified": true, "name": "Ada",
	}
	return l
}

func (l *liar) token(t *testing.T) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: l.signer, KeyID: "k"}}, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	token, err := jwt.Signed(signer).Claims(l.claims).Serialize()
	if err != nil {
		t.Error(err)
	}
	return token
}

var asked = Asked{State: "state", Nonce: "nonce", Verifier: strings.Repeat("v", 43)}

func open(t *testing.T, c Config) *Provider {
	t.Helper()
	if c.ClientID == "" {
		c.ClientID = "weir"
	}
	p, err := New(c, "http://127.0.0.1:8080/auth/oidc/callback", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswersThatCanNotBeTrustedAreRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil  func(*liar)
		issuer string // that the answer names
		want   error
	}{
		"a good one":                         {func(*liar) {}, "", nil},
		"a good one that names itself":       {func(l *liar) { l.metadata["authorization_response_iss_parameter_supported"] = true }, "itself", nil},
		"one that should name itself":        {func(l *liar) { l.metadata["authorization_response_iss_parameter_supported"] = true }, "", ErrRefused},
		"the answer of another provider":     {func(*liar) {}, "https://other.example", ErrRefused},
		"a token of another issuer":          {func(l *liar) { l.claims["iss"] = "https://other.example" }, "", ErrRefused},
		"a token for another client":         {func(l *liar) { l.claims["aud"] = "another" }, "", ErrRefused},
		"a token that was given to another":  {func(l *liar) { l.claims["azp"] = "another" }, "", ErrRefused},
		"a token for several, given to none": {func(l *liar) { l.claims["aud"] = []string{"weir", "another"} }, "", ErrRefused},
		"a token of another sign-in":         {func(l *liar) { l.claims["nonce"] = "replayed" }, "", ErrRefused},
		"a token without a nonce":            {func(l *liar) { delete(l.claims, "nonce") }, "", ErrRefused},
		"a token that another key signed":    {func(l *liar) { l.signer = other }, "", ErrRefused},
		"a token that has expired":           {func(l *liar) { l.claims["exp"] = time.Now().Add(-2 * time.Minute).Unix() }, "", ErrRefused},
		"a token of a clock that is behind":  {func(l *liar) { l.claims["exp"] = time.Now().Add(-30 * time.Second).Unix() }, "", nil},
		"a token of a clock that is ahead":   {func(l *liar) { l.claims["nbf"] = time.Now().Add(3 * time.Minute).Unix() }, "", nil},
		"a token that isn't good yet":        {func(l *liar) { l.claims["nbf"] = time.Now().Add(10 * time.Minute).Unix() }, "", ErrRefused},
		"a token of nobody":                  {func(l *liar) { l.claims["sub"] = "" }, "", ErrRefused},
		"a subject that is too long":         {func(l *liar) { l.claims["sub"] = strings.Repeat("s", 256) }, "", ErrRefused},
		"userinfo of somebody else": {func(l *liar) {
			delete(l.claims, "email")
			l.info = map[string]any{"sub": "s-2", "email": "eve@example.com"}
		}, "", ErrRefused},
		"a code that is refused":         {func(l *liar) { l.status = http.StatusBadRequest }, "", ErrRefused},
		"a provider that breaks":         {func(l *liar) { l.status = http.StatusBadGateway }, "", ErrAway},
		"metadata of another issuer":     {func(l *liar) { l.metadata["issuer"] = "https://other.example" }, "", ErrAway},
		"metadata with an open endpoint": {func(l *liar) { l.metadata["token_endpoint"] = "http://metadata.internal/token" }, "", ErrAway},
		"metadata without an endpoint":   {func(l *liar) { delete(l.metadata, "authorization_endpoint") }, "", ErrAway},
		"metadata that never ends":       {func(l *liar) { l.metadata["padding"] = strings.Repeat("x", maxAnswerBytes) }, "", ErrAway},
		"userinfo that knows what is missing": {func(l *liar) {
			delete(l.claims, "email")
			l.info = map[string]any{"sub": "s-1", "email": "ada@example.com"}
		}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiar(t)
			tc.spoil(l)
			issuer := tc.issuer
			if issuer == "itself" {
				issuer = l.URL
			}
			who, err := open(t, Config{Issuer: l.URL}).Exchange(t.Context(), asked, "code", issuer)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %+v, %v", who, err)
			}
			if err == nil && (who.Issuer != l.URL || who.Subject != "s-1" || who.Email != "ada@example.com" || who.Name != "Ada") {
				t.Errorf("got %+v", who)
			}
		})
	}
}

func TestAnAddressIsVerifiedOnlyWhereTheProviderSaysSo(t *testing.T) {
	for name, tc := range map[string]struct {
		said  any // nil: nothing
		trust bool
		want  bool
	}{
		"it says so":                      {true, false, true},
		"it says so in a text":            {"true", false, true},
		"it says no":                      {false, false, false},
		"it says no, though it's trusted": {false, true, false},
		"it doesn't say":                  {nil, false, false},
		"it doesn't say and is trusted":   {nil, true, true},
		"it says something else":          {1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiar(t)
			if l.claims["email_verified"] = tc.said; tc.said == nil {
				delete(l.claims, "email_verified")
			}
			who, err := open(t, Config{Issuer: l.URL, TrustEmail: tc.trust}).Exchange(t.Context(), asked, "code", "")
			if err != nil || who.Verified != tc.want {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
}

func TestRolesComeFromAClaim(t *testing.T) {
	c := Config{RoleClaim: "groups", Roles: map[string]controlplane.Role{"sre": controlplane.RoleOperator, "platform": controlplane.RoleAdmin}}
	for name, tc := range map[string]struct {
		claim any
		want  controlplane.Role
	}{
		"a list, where the one that may do most counts": {[]string{"sre", "everybody", "platform"}, controlplane.RoleAdmin},
		"a text":            {"sre", controlplane.RoleOperator},
		"nothing known":     {[]string{"everybody"}, ""},
		"something else":    {map[string]any{"sre": true}, ""},
		"there is no claim": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiar(t)
			l.claims["groups"] = tc.claim
			l.info = map[string]any{"sub": "s-1"}
			config := c
			config.Issuer = l.URL
			p := open(t, config)
			who, err := p.Exchange(t.Context(), asked, "code", "")
			if err != nil || p.RoleOf(who.RoleValues) != tc.want {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
}

func TestAnIssuerMayHaveASlashOrNot(t *testing.T) {
	for _, own := range []string{"", "/"} {
		for _, given := range []string{"", "/"} {
			l := newLiar(t)
			l.metadata["issuer"], l.claims["iss"] = l.URL+own, l.URL+own
			who, err := open(t, Config{Issuer: l.URL + given}).Exchange(t.Context(), asked, "code", "")
			if err != nil || who.Issuer != l.URL+own {
				t.Errorf("given %q, its own %q: %+v, %v", given, own, who, err)
			}
		}
	}
}

func TestAProviderMayComeLater(t *testing.T) {
	s := openidtest.Start(t)
	s.Away(true)
	p := open(t, Config{Issuer: s.Issuer})
	now := time.Now()
	p.now = func() time.Time { return now }
	if _, err := p.Address(t.Context(), asked); !errors.Is(err, ErrAway) || p.Known() {
		t.Fatalf("while it is away: %v", err)
	}
	s.Away(false)
	if _, err := p.Address(t.Context(), asked); !errors.Is(err, ErrAway) {
		t.Errorf("it was asked again at once: %v", err)
	}
	now = now.Add(againAfter)
	address, err := p.Address(t.Context(), asked)
	if err != nil || !strings.HasPrefix(address, s.Issuer+"/auth?") || !strings.Contains(address, "code_challenge_method=S256") || !p.Known() {
		t.Fatalf("%s, %v", address, err)
	}
	// What it said once holds while it is away again.
	s.Away(true)
	if _, err := p.look(t.Context()); err != nil {
		t.Errorf("it is forgotten: %v", err)
	}
}

func TestMistakesOfTheOperatorAreTold(t *testing.T) {
	good := Config{Issuer: "https://login.example", ClientID: "weir"}
	for want, spoil := range map[string]func(*Config){
		"":                                  func(*Config) {},
		"use https":                         func(c *Config) { c.Issuer = "http://login.example" },
		"--oidc-issuer":                     func(c *Config) { c.Issuer = "login.example" },
		"--oidc-client-id":                  func(c *Config) { c.ClientID = "" },
		"--oidc-role-claim":                 func(c *Config) { c.RoleClaim = "groups" },
		"--oidc-role sre=KING":              func(c *Config) { c.RoleClaim, c.Roles = "groups", map[string]controlplane.Role{"sre": "KING"} },
		"nobody becomes that unasked":       func(c *Config) { c.CreateAs, c.Domains = controlplane.RoleOwner, []string{"example.com"} },
		"without --oidc-domain":             func(c *Config) { c.CreateAs = controlplane.RoleViewer },
		"--oidc-domain \"ada@example.com\"": func(c *Config) { c.Domains = []string{"ada@example.com"} },
	} {
		c := good
		spoil(&c)
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
