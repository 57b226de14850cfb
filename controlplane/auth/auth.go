// Package auth says who is asking: a browser that signed in with a one-time
// link, or a script that shows an API token.
//
// In come requests; out go the same with a principal in their context, or
// without. What it stores are digests, in the database, so sessions survive a
// restart and hold for every process.
package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// Principal is who is asking.
type Principal struct {
	Kind Kind
	Name string
}

// Kind is how a principal signed in.
type Kind string

// The kinds.
const (
	Session Kind = "SESSION"
	Token   Kind = "TOKEN"
)

const (
	// LinkLifetime is how long a sign-in link is good.
	LinkLifetime    = time.Hour
	sessionLifetime = 12 * time.Hour
	checkWithin     = 5 * time.Second
	maxSignInBytes  = 4096
	nameKey         = "name"
	linkUser        = "Sign-in link"
)

// Auth authenticates requests.
type Auth struct {
	db       *postgres.DB
	sessions *scs.SessionManager
	log      *slog.Logger
}

// New returns an Auth. With secure, cookies are sent over TLS only.
func New(db *postgres.DB, secure bool, log *slog.Logger) *Auth {
	sessions := scs.New()
	sessions.Store = db.Sessions()
	sessions.HashTokenInStore = true
	sessions.Lifetime = sessionLifetime
	sessions.Cookie = scs.SessionCookie{
		Name: "weir_session", Path: "/", HttpOnly: true, Persist: true,
		SameSite: http.SameSiteStrictMode, Secure: secure,
	}
	a := &Auth{db, sessions, log}
	sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		log.Error("could not read or store a session", "err", err)
		problem(w, http.StatusServiceUnavailable, "Signing in is not possible now", "The database does not answer. Try again in a moment.")
	}
	return a
}

type (
	principalKey  struct{}
	credentialKey struct{}
)

// credential is what a request showed: an Authorization header field or, without
// one, the session's cookie.
type credential struct{ header, cookie string }

// PrincipalOf returns who is asking, and whether anybody is.
func PrincipalOf(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// With returns a context in which p is asking.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Identify finds out who is asking and puts it into the request's context. A
// request without credentials goes on without a principal; one with a wrong
// token is refused.
func (a *Auth) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := credential{header: r.Header.Get("Authorization")}
		if cookie, err := r.Cookie(a.sessions.Cookie.Name); err == nil {
			shown.cookie = cookie.Value
		}
		ctx, ok, err := a.principal(r.Context(), shown)
		switch {
		case err != nil:
			a.log.Error("could not check who is asking", "err", err)
			problem(w, http.StatusServiceUnavailable, "Who you are can't be checked now", "The database does not answer. Try again in a moment.")
		case !ok && shown.header != "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
			problem(w, http.StatusUnauthorized, "The API token is not valid", "Send it as Authorization: Bearer followed by the token.")
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, credentialKey{}, shown)))
		}
	})
}

// Still reports whether what the request behind ctx showed is good now: a
// session may have ended, and a token been replaced, since it was identified.
func (a *Auth) Still(ctx context.Context) (bool, error) {
	shown, _ := ctx.Value(credentialKey{}).(credential)
	// Not below ctx, which holds the session as it was.
	fresh, cancel := context.WithTimeout(context.Background(), checkWithin)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	_, ok, err := a.principal(fresh, shown)
	return ok, err
}

// principal returns ctx with the principal that a credential stands for, and
// whether it stands for any. It only reads: the session library's own middleware
// would wrap the response, and streams need theirs bare.
func (a *Auth) principal(ctx context.Context, shown credential) (context.Context, bool, error) {
	if shown.header != "" {
		p, ok, err := a.Bearer(ctx, shown.header)
		if !ok || err != nil {
			return ctx, false, err
		}
		return With(ctx, p), true, nil
	}
	if shown.cookie == "" {
		return ctx, false, nil
	}
	ctx, err := a.sessions.Load(ctx, shown.cookie)
	if err != nil {
		return ctx, false, fmt.Errorf("load session: %w", err)
	}
	name := a.sessions.GetString(ctx, nameKey)
	if name == "" {
		return ctx, false, nil
	}
	return With(ctx, Principal{Session, name}), true, nil
}

// Bearer returns who shows the given Authorization header, and whether it is
// anybody's.
func (a *Auth) Bearer(ctx context.Context, header string) (Principal, bool, error) {
	scheme, text, _ := strings.Cut(header, " ")
	secret, err := controlplane.SecretFrom(text)
	if !strings.EqualFold(scheme, "Bearer") || err != nil {
		return Principal{}, false, nil
	}
	name, ok, err := a.db.APITokenName(ctx, secret)
	return Principal{Token, name}, ok, err
}

// NewLink makes a one-time link to the dashboard at base. Its token stands in
// the fragment, which browsers keep out of requests and so out of logs.
func (a *Auth) NewLink(ctx context.Context, base string) (link string, expires time.Time, err error) {
	secret := controlplane.NewSecret("")
	expires = time.Now().Add(LinkLifetime)
	if err := a.db.CreateSignInLink(ctx, secret, expires); err != nil {
		return "", time.Time{}, err
	}
	return strings.TrimSuffix(base, "/") + "/sign-in#token=" + secret.Reveal(), expires, nil
}

// SignIn answers POST /auth/sign-in: a link's token for a session.
func (a *Auth) SignIn() http.Handler {
	return a.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Token string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSignInBytes)).Decode(&body); err != nil {
			problem(w, http.StatusBadRequest, "That is not a sign-in request", `Send JSON: {"token": "…"}.`)
			return
		}
		ok, err := a.useLink(r.Context(), body.Token)
		if err == nil && ok {
			err = a.begin(r.Context())
		}
		switch {
		case err != nil:
			a.log.Error("could not sign anybody in", "err", err)
			problem(w, http.StatusServiceUnavailable, "Signing in is not possible now", "The database does not answer. Try again in a moment.")
		case !ok:
			problem(w, http.StatusUnauthorized, "This sign-in link does not work", "It was used already, or it is more than an hour old. Make a new one with `weir sign-in-link`.")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
}

func (a *Auth) useLink(ctx context.Context, token string) (bool, error) {
	secret, err := controlplane.SecretFrom(token)
	if err != nil {
		return false, nil // not a token, so nobody's
	}
	return a.db.UseSignInLink(ctx, secret, time.Now())
}

func (a *Auth) begin(ctx context.Context) error {
	// A new token, so that one that was planted in the browser is worth nothing.
	if err := a.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	a.sessions.Put(ctx, nameKey, linkUser)
	return nil
}

// SignOut ends the session that ctx belongs to, if it belongs to one.
func (a *Auth) SignOut(ctx context.Context) error {
	if p, ok := PrincipalOf(ctx); !ok || p.Kind != Session {
		return nil
	}
	return a.sessions.Destroy(ctx)
}

// problem answers with an RFC 9457 body.
func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": title, "status": status, "detail": detail})
}
