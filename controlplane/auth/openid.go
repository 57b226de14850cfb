package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openid"
	"github.com/weirhq/weir/controlplane/postgres"
)

const (
	openIDCookie = "weir_oidc"
	openIDPath   = "/auth/oidc/"
	// openIDLifetime is how long somebody may take at the provider.
	openIDLifetime = 10 * time.Minute
	maxNext        = 1024 // bytes of the place to go on to
)

// RedirectURL is where a provider sends browsers back to that left the dashboard at
// publicURL.
func RedirectURL(publicURL string) string {
	return strings.TrimSuffix(publicURL, "/") + openIDPath + "callback"
}

// askedBy derives what a sign-in goes out with from the secret in the browser's
// cookie, so that none of it has to be stored.
func askedBy(secret controlplane.Secret) openid.Asked {
	derive := func(label string) string {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write([]byte(label))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return openid.Asked{State: derive("state"), Nonce: derive("nonce"), Verifier: derive("verifier")}
}

// startOpenID sends a browser to the provider.
func (a *Auth) startOpenID(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	secret := controlplane.NewSecret("")
	address, why := a.beginOpenID(r, secret, next)
	if why != nil {
		a.refuseOpenID(w, r, next, why)
		return
	}
	// Lax, as it has to come along when the provider sends the browser back.
	http.SetCookie(w, &http.Cookie{
		Name: openIDCookie, Value: secret.Reveal(), Path: openIDPath, MaxAge: int(openIDLifetime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.secure,
	})
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func (a *Auth) beginOpenID(r *http.Request, secret controlplane.Secret, next string) (address string, err error) {
	if err := a.tryFrom(r); err != nil {
		return "", err
	}
	if address, err = a.provider.Address(r.Context(), askedBy(secret)); err != nil {
		return "", err
	}
	return address, a.db.BeginOpenID(r.Context(), secret, next, openIDLifetime)
}

// endOpenID takes a browser that the provider has sent back.
func (a *Auth) endOpenID(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: openIDCookie, Path: openIDPath, MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.secure,
	})
	next, err := a.withOpenID(w, r)
	switch {
	case errors.Is(err, errSecondStep):
		http.Redirect(w, r, "/sign-in?"+url.Values{"step": {"code"}, "next": {next}}.Encode(), http.StatusSeeOther)
	case err != nil:
		a.refuseOpenID(w, r, next, err)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// withOpenID signs somebody in by what the provider says, and returns where they
// wanted to go.
func (a *Auth) withOpenID(w http.ResponseWriter, r *http.Request) (next string, err error) {
	next = "/"
	if err := a.tryFrom(r); err != nil {
		return next, err
	}
	answer := r.URL.Query()
	secret, err := controlplane.SecretFrom(cookieOf(r, openIDCookie))
	if err != nil {
		return next, errNotBegun
	}
	asked := askedBy(secret)
	if subtle.ConstantTimeCompare([]byte(asked.State), []byte(answer.Get("state"))) != 1 {
		return next, errOtherState
	}
	wanted, ok, err := a.db.TakeOpenID(r.Context(), secret)
	if err != nil {
		return next, err
	}
	if !ok {
		return next, errNotBegun
	}
	next = wanted
	if code := answer.Get("error"); code != "" {
		a.log.InfoContext(r.Context(), "the OpenID provider refused somebody", "error", short(code), "description", short(answer.Get("error_description")))
		return next, errDenied
	}
	who, err := a.provider.Exchange(r.Context(), asked, answer.Get("code"), answer.Get("iss"))
	if err != nil {
		return next, err
	}
	member, err := a.memberOf(r.Context(), who)
	if err != nil {
		return next, err
	}
	has, ok, err := a.db.SecretsOf(r.Context(), member)
	switch {
	case err != nil:
		return next, err
	case !ok:
		return next, postgres.ErrMemberDisabled
	}
	return next, a.proceed(w, r, has, true)
}

// memberOf returns which member somebody is.
func (a *Auth) memberOf(ctx context.Context, who openid.Identity) (controlplane.ID, error) {
	if len(a.provider.Domains) > 0 && (!who.Verified || !a.provider.Allows(who.Email)) {
		return 0, errOtherDomain
	}
	s := postgres.OpenIDSignIn{
		Issuer: who.Issuer, Subject: who.Subject, Email: who.Email, Verified: who.Verified, Name: who.Name, CreateAs: a.provider.CreateAs,
	}
	if a.provider.RoleClaim != "" {
		s.Role, s.RoleNeeded = cmp.Or(a.provider.RoleOf(who.RoleValues), a.provider.CreateAs), true
	}
	if s.CreateAs != "" {
		s.CreateAs = cmp.Or(s.Role, s.CreateAs)
	}
	return a.db.SignInByOpenID(ctx, s)
}

// short cuts what somebody else wrote, for a log.
func short(text string) string { return text[:min(len(text), 200)] }

// localPath returns next if it is a place in the dashboard, and the dashboard's
// beginning if not: nobody is led anywhere else.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNext || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(next, "\\\r\n\t") ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/auth/") || u.Path == "/sign-in" {
		return "/"
	}
	return next
}

// Why somebody wasn't signed in by the provider.
var (
	errNotBegun    = errors.New("no sign-in was begun with this cookie")
	errOtherState  = errors.New("the state is another one")
	errDenied      = errors.New("the provider refused")
	errOtherDomain = errors.New("the address is of no domain that may sign in")
)

// refusedOpenID are the pages that tell people so, by the word in their address.
// Texts stay here, so that nobody can make up one in a link.
var refusedOpenID = []struct {
	code          string
	err           error
	title, detail string
}{
	{"expired", errNotBegun, "Begin again", "This sign-in was begun in another browser, was finished already, or took longer than 10 minutes."},
	{"state", errOtherState, "Begin again", "The answer belongs to another sign-in than the one that this browser began last. If you didn't begin one, close this page."},
	{"denied", errDenied, "The provider refused", "It says that you may not sign in, or you ended it there. Try again, or ask whoever runs the provider."},
	{"away", openid.ErrAway, "The provider does not answer", "Nobody can be signed in by it now. Try again in a moment; whoever runs Weir finds the reason in its log."},
	{"answer", openid.ErrRefused, "The provider's answer is not good", "It could not be checked, or it was too old. Try again; whoever runs Weir finds the reason in its log."},
	{"domain", errOtherDomain, "Your address may not sign in", "Only verified e-mail addresses of certain domains may. Ask whoever runs Weir, or sign in with another address."},
	{"role", postgres.ErrNoRole, "None of your groups may use Weir", "Ask whoever runs the provider to put you into one that may."},
	{"email", postgres.ErrUnverified, "Your address is not verified", "The provider says no e-mail address of yours, or none that it has verified. Verify it there, then sign in again."},
	{"invited", postgres.ErrNotInvited, "You are not a member", "Nobody has invited your e-mail address. Ask an admin for an invitation, then sign in again."},
	{"disabled", postgres.ErrMemberDisabled, "You are disabled", "An admin has switched your membership off. Ask them."},
	{"other", postgres.ErrOtherIdentity, "This address is somebody else's", "A member with your e-mail address signs in with another account at the provider. Ask an admin to unlink it."},
}

// refuseOpenID leads to the sign-in page, which tells why.
func (a *Auth) refuseOpenID(w http.ResponseWriter, r *http.Request, next string, err error) {
	code := "failed"
	var refused *refusal
	if errors.As(err, &refused) {
		code = "tries"
	}
	for _, known := range refusedOpenID {
		if errors.Is(err, known.err) {
			code = known.code
		}
	}
	level := a.log.InfoContext
	if code == "failed" || code == "answer" || code == "away" {
		level = a.log.WarnContext
	}
	level(r.Context(), "did not sign somebody in by OpenID", "code", code, "err", err)
	http.Redirect(w, r, "/sign-in?"+url.Values{"refused": {code}, "next": {next}}.Encode(), http.StatusSeeOther)
}

// refusalOf returns what the page says of the word in its address.
func refusalOf(code string) *signInRefusal {
	for _, known := range refusedOpenID {
		if known.code == code {
			return &signInRefusal{known.title, known.detail}
		}
	}
	switch code {
	case "":
		return nil
	case "tries":
		return &signInRefusal{"Too many tries", "Too many sign-ins came from your network. Try again in a minute."}
	}
	return &signInRefusal{"Signing in is not possible now", "Try again in a moment; whoever runs Weir finds the reason in its log."}
}

type signInRefusal struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

type openIDMethod struct {
	Label string `json:"label"`
	// Available says whether the provider has answered yet.
	Available bool `json:"available"`
}

// methods tells how people sign in, and why the last one wasn't signed in.
func (a *Auth) methods(w http.ResponseWriter, r *http.Request) {
	said := struct {
		Password bool           `json:"password"`
		OpenID   *openIDMethod  `json:"openid"`
		Refusal  *signInRefusal `json:"refusal"`
	}{Password: !a.passwordOff, Refusal: refusalOf(r.URL.Query().Get("refused"))}
	if a.provider != nil {
		said.OpenID = &openIDMethod{a.provider.Name(), a.provider.Known()}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(said)
}

// SignOutURL returns where the browser of the session in ctx is to go after signing
// out, so that the provider ends its session, too; empty: nowhere.
func (a *Auth) SignOutURL(ctx context.Context) string {
	if p, ok := PrincipalOf(ctx); !ok || !p.OpenID || a.provider == nil {
		return ""
	}
	return a.provider.SignOutAddress(a.publicURL + "/sign-in")
}
