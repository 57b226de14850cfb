// Package auth says who is asking: a member whose browser signed in, or a script
// that shows an API token.
//
// In come requests; out go the same with a principal, an actor and a grant in their
// context, or without. A member signs in with an e-mail address and a password, with
// a second step if they chose one, or with a one-time link; those who are not known
// are told the same, after the same work, as those who mistyped. What it stores are
// digests, in the database, so sessions and the bounds on tries survive a restart
// and hold for every process. The second step's secrets have to be read again, to be
// checked: they are sealed, if there is a key.
package auth

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openid"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/seal"
)

// Principal is who is asking.
type Principal struct {
	Kind    Kind
	ID      controlplane.ID // of the member or the token
	Name    string
	Session controlplane.ID // 0 for a token
	OpenID  bool            // the session began at the OpenID provider
	Grant   permit.Grant
}

// Kind is how a principal signed in.
type Kind string

// The kinds.
const (
	Session Kind = "SESSION"
	Token   Kind = "TOKEN"
)

const checkWithin = 5 * time.Second

// Auth authenticates requests.
type Auth struct {
	db          *postgres.DB
	publicURL   string
	provider    *openid.Provider // nil: none
	passwordOff bool
	proxies     []netip.Prefix
	secure      bool
	secrets     *seal.Box
	hasher      hasher
	log         *slog.Logger
}

// Config says how people sign in.
type Config struct {
	// PublicURL is where the dashboard is; with https, cookies are sent over TLS only.
	PublicURL string
	Provider  *openid.Provider // nil: none
	// PasswordOff lets people in by the provider alone, and by `weir sign-in-link`.
	PasswordOff bool
	// Proxies are those whose X-Forwarded-For says where a request came from.
	Proxies []netip.Prefix
	// Secrets seals those of second steps; nil leaves them as they are.
	Secrets *seal.Box
}

// New returns an Auth.
func New(db *postgres.DB, c Config, log *slog.Logger) *Auth {
	return &Auth{
		db: db, publicURL: strings.TrimSuffix(c.PublicURL, "/"), provider: c.Provider, passwordOff: c.PasswordOff, proxies: c.Proxies,
		secure: strings.HasPrefix(c.PublicURL, "https:"), secrets: c.Secrets, hasher: newHasher(), log: log,
	}
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

// With returns a context in which p is asking, and acts.
func With(ctx context.Context, p Principal) context.Context {
	kind := controlplane.ActorToken
	if p.Kind == Session {
		kind = controlplane.ActorMember
	}
	ctx = controlplane.WithActor(ctx, controlplane.Actor{Kind: kind, ID: p.ID, Name: p.Name, RequestID: controlplane.ActorOf(ctx).RequestID})
	return permit.With(context.WithValue(ctx, principalKey{}, p), p.Grant)
}

// Identify finds out who is asking and puts it into the request's context. A
// request without credentials goes on without a principal; one with a wrong
// token is refused.
func (a *Auth) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := credential{header: r.Header.Get("Authorization"), cookie: cookieOf(r, sessionCookie)}
		p, ok, err := a.principal(r.Context(), shown)
		switch {
		case err != nil:
			a.log.ErrorContext(r.Context(), "could not check who is asking", "err", err)
			problem(w, http.StatusServiceUnavailable, "Who you are can't be checked now", "The database does not answer. Try again in a moment.")
		case !ok && shown.header != "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
			problem(w, http.StatusUnauthorized, "The API token is not valid", "Send it as Authorization: Bearer followed by the token.")
		default:
			ctx := context.WithValue(r.Context(), credentialKey{}, shown)
			if ok {
				ctx = With(ctx, p)
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		}
	})
}

// Still reports whether what the request behind ctx showed is good now, for the same
// as then: a session may have ended, a token been revoked, and a role changed since
// it was identified.
func (a *Auth) Still(ctx context.Context) (bool, error) {
	shown, _ := ctx.Value(credentialKey{}).(credential)
	fresh, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	p, ok, err := a.principal(fresh, shown)
	return ok && p.Grant.Key() == permit.Held(ctx).Key(), err
}

// principal returns whom a credential stands for, and whether it stands for anybody.
func (a *Auth) principal(ctx context.Context, shown credential) (Principal, bool, error) {
	if shown.header != "" {
		return a.bearer(ctx, shown.header)
	}
	secret, err := controlplane.SecretFrom(shown.cookie)
	if err != nil {
		return Principal{}, false, nil // no cookie of ours, so nobody's
	}
	s, ok, err := a.db.SessionOf(ctx, secret, false, sessionIdle)
	if !ok || err != nil {
		return Principal{}, false, err
	}
	name := s.Member.Name
	if s.Member.Email != "" {
		name += " <" + s.Member.Email + ">"
	}
	return Principal{Session, s.Member.ID, name, s.ID, s.OpenID, GrantOf(s.Member)}, true, nil
}

// PrincipalFor returns whoever an actor was, with what they may do now, and whether
// they still may do anything: not a member who is disabled or gone, nor a token that
// is revoked or has expired.
func (a *Auth) PrincipalFor(ctx context.Context, was controlplane.Actor) (Principal, bool, error) {
	switch was.Kind {
	case controlplane.ActorMember:
		members, err := a.db.MembersByID(ctx, []controlplane.ID{was.ID})
		if err != nil || len(members) == 0 || members[0].Status() != controlplane.MemberActive {
			return Principal{}, false, err
		}
		return Principal{Kind: Session, ID: was.ID, Name: was.Name, Grant: GrantOf(members[0])}, true, nil
	case controlplane.ActorToken:
		held, ok, err := a.db.APITokenByID(ctx, was.ID)
		if err != nil || !ok {
			return Principal{}, false, err
		}
		return Principal{Kind: Token, ID: was.ID, Name: was.Name, Grant: tokenGrant(held)}, true, nil
	}
	return Principal{}, false, nil
}

// GrantOf returns what a member may do.
func GrantOf(m controlplane.Member) permit.Grant {
	return permit.Grant{Permissions: permit.Of(m.Role), Account: m.AccountID}
}

// bearer returns who shows the given Authorization header, and whether it is
// anybody's.
func (a *Auth) bearer(ctx context.Context, header string) (Principal, bool, error) {
	scheme, text, _ := strings.Cut(header, " ")
	secret, err := controlplane.SecretFrom(text)
	if !strings.EqualFold(scheme, "Bearer") || err != nil {
		return Principal{}, false, nil
	}
	held, ok, err := a.db.APITokenOf(ctx, secret)
	if !ok || err != nil {
		return Principal{}, false, err
	}
	return Principal{Token, held.Token.ID, held.Token.Name, 0, false, tokenGrant(held)}, true, nil
}

// tokenGrant is what a token may do: its scopes, as far as its maker has them now.
func tokenGrant(held postgres.TokenHolder) permit.Grant {
	g := permit.Grant{Account: held.Token.AccountID}
	for _, scope := range held.Token.Scopes {
		g.Permissions = append(g.Permissions, permit.Permission(scope))
	}
	switch {
	case held.Token.CreatedBy == 0:
		return g
	case held.Maker == controlplane.RoleCustomer:
		return permit.Grant{Account: held.Token.AccountID} // they make none, and once could
	}
	return g.Within(permit.Of(held.Maker))
}

// problem answers with an RFC 9457 body.
func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": title, "status": status, "detail": detail})
}
