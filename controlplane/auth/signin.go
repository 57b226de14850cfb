package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

const maxSignInBytes = 4096

// Bounds of tries: whoever guesses gets as many at once, and then one at a time.
var (
	addressTries = postgres.Tries{Most: 60, Every: 5 * time.Second}
	emailTries   = postgres.Tries{Most: 10, Every: 30 * time.Second}
	codeTries    = postgres.Tries{Most: 5, Every: 30 * time.Second}
)

// Handler serves everything below /auth/.
func (a *Auth) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/methods", a.methods)
	mux.HandleFunc("POST /auth/sign-in", a.signIn)
	mux.HandleFunc("POST /auth/link", a.showLink)
	mux.HandleFunc("POST /auth/join", a.join)
	if a.provider != nil {
		mux.HandleFunc("GET /auth/oidc/start", a.startOpenID)
		mux.HandleFunc("GET /auth/oidc/callback", a.endOpenID)
	}
	return mux
}

// signInRequest is one of: a link's token; an address and a password; the code of
// the second step.
type signInRequest struct{ Token, Email, Password, Code string }

func (a *Auth) signIn(w http.ResponseWriter, r *http.Request) {
	var asked signInRequest
	if !decode(w, r, &asked) {
		return
	}
	var err error
	switch {
	case asked.Token != "":
		err = a.withLink(w, r, asked.Token)
	case asked.Email != "" && asked.Password != "":
		err = a.withPassword(w, r, controlplane.NormalEmail(asked.Email), asked.Password)
	case asked.Code != "":
		err = a.withCode(w, r, asked.Code)
	default:
		err = &refusal{status: http.StatusBadRequest, title: "That is not a sign-in request", detail: `Send JSON: {"email": "…", "password": "…"}.`}
	}
	a.answer(w, r, err)
}

// refusal is an answer that isn't a session.
type refusal struct {
	status        int
	title, detail string
	retryAfter    time.Duration
}

func (r *refusal) Error() string { return r.title }

// errSecondStep says that a code is to follow.
var errSecondStep = errors.New("a code is to follow")

// answer tells what became of a sign-in; nil is a session that has begun.
func (a *Auth) answer(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, errSecondStep):
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"next":"CODE"}`)
	case errors.As(err, &refused):
		if refused.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds(refused.retryAfter)))
		}
		problem(w, refused.status, refused.title, refused.detail)
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "Too many sign in at once", "Try again in 5 s.")
	default:
		a.log.ErrorContext(r.Context(), "could not sign anybody in", "err", err)
		problem(w, http.StatusServiceUnavailable, "Signing in is not possible now", "Try again in a moment. If it goes on, the log of the control plane says why.")
	}
}

func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

var (
	errWrongPassword = &refusal{status: http.StatusUnauthorized, title: "That is not right", detail: "No member has this e-mail address and password. Whoever invited you can make a link for another password."}
	errWrongCode     = &refusal{status: http.StatusUnauthorized, title: "That code is not right", detail: "Give the code that your app shows now, or a recovery code that you have not used."}
	errDeadLink      = &refusal{status: http.StatusUnauthorized, title: "This sign-in link does not work", detail: "It was used already, or it is more than an hour old. Make a new one with `weir sign-in-link`."}
	errDeadJoin      = &refusal{status: http.StatusUnauthorized, title: "This link does not work", detail: "It was used already, replaced by a newer one, or is more than 7 days old. Ask whoever sent it for another one."}
	errPasswordOff   = &refusal{status: http.StatusForbidden, title: "Passwords are switched off", detail: "Sign in with the provider instead. Whoever runs Weir has `weir sign-in-link` beside."}
	errNoCode        = &refusal{status: http.StatusUnauthorized, title: "Begin again", detail: "Too much time has passed since your password. Sign in again."}
)

// try takes a try of what a key names.
func (a *Auth) try(ctx context.Context, key string, t postgres.Tries) error {
	wait, err := a.db.TakeTry(ctx, key, t)
	if err != nil || wait == 0 {
		return err
	}
	return &refusal{
		status: http.StatusTooManyRequests, title: "Too many tries", retryAfter: wait,
		detail: fmt.Sprintf("Try again in %d s.", seconds(wait)),
	}
}

func (a *Auth) tryFrom(r *http.Request) error {
	return a.try(r.Context(), "address "+networkOf(a.addressOf(r)), addressTries)
}

func (a *Auth) withLink(w http.ResponseWriter, r *http.Request, token string) error {
	if err := a.tryFrom(r); err != nil {
		return err
	}
	secret, err := controlplane.SecretFrom(token)
	if err != nil {
		return errDeadLink
	}
	owner, err := a.db.UseSignInLink(r.Context(), secret, time.Now())
	if err != nil {
		return err
	}
	if owner == 0 {
		return errDeadLink
	}
	return a.beginOr(w, r, begun{member: owner}, errDeadLink)
}

// beginOr begins a session, or refuses who can't sign in any more.
func (a *Auth) beginOr(w http.ResponseWriter, r *http.Request, s begun, refused error) error {
	ok, err := a.begin(w, r, s)
	if err == nil && !ok {
		return refused
	}
	return err
}

// withPassword does the same work and says the same whether nobody has the address,
// or its member no password, or another one.
func (a *Auth) withPassword(w http.ResponseWriter, r *http.Request, email, password string) error {
	if a.passwordOff {
		return errPasswordOff
	}
	ctx := r.Context()
	byEmail := "email " + email
	if err := a.tryFrom(r); err != nil {
		return err
	}
	if err := a.try(ctx, byEmail, emailTries); err != nil {
		return err
	}
	var has postgres.SignInSecrets
	var err error
	if controlplane.ValidateEmail("email", email) == nil { // another is nobody's
		if has, _, err = a.db.SecretsByEmail(ctx, email); err != nil {
			return err
		}
	}
	ok, outdated, err := a.hasher.matches(ctx, password, has.Password)
	switch {
	case err != nil:
		return err
	case !ok:
		return errWrongPassword
	}
	if outdated {
		if err := a.rehash(ctx, has, password); err != nil {
			return err
		}
	}
	if err := a.db.ForgetTries(ctx, byEmail); err != nil {
		return err
	}
	return a.proceed(w, r, has, false)
}

// proceed goes on after the first step: to the second, if there is one.
func (a *Auth) proceed(w http.ResponseWriter, r *http.Request, has postgres.SignInSecrets, openID bool) error {
	s := begun{member: has.ID, pending: has.TOTPSecret != "", openID: openID}
	if err := a.beginOr(w, r, s, errWrongPassword); err != nil || !s.pending {
		return err
	}
	return errSecondStep
}

func (a *Auth) rehash(ctx context.Context, has postgres.SignInSecrets, password string) error {
	digest, err := a.hasher.digest(ctx, password)
	if err != nil {
		return err
	}
	return a.db.RehashPassword(ctx, has.ID, has.Password, digest)
}

// withCode takes the second step.
func (a *Auth) withCode(w http.ResponseWriter, r *http.Request, code string) error {
	secret, err := controlplane.SecretFrom(cookieOf(r, sessionCookie))
	if err != nil {
		return errNoCode
	}
	pending, ok, err := a.db.SessionOf(r.Context(), secret, true, pendingLifetime)
	if err != nil {
		return err
	}
	if !ok {
		return errNoCode
	}
	if err := a.checkCode(r.Context(), pending.Member.ID, code); err != nil {
		return err
	}
	return a.beginOr(w, r, begun{member: pending.Member.ID, openID: pending.OpenID}, errNoCode)
}

// showLink tells whom a member's link is for.
func (a *Auth) showLink(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Token string }
	if !decode(w, r, &asked) {
		return
	}
	member, err := a.linked(r, asked.Token)
	if err != nil {
		a.answer(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"email": member.Email, "name": member.Name, "role": member.Role, "joined": member.JoinedAt != nil})
}

func (a *Auth) linked(r *http.Request, token string) (controlplane.Member, error) {
	if err := a.tryFrom(r); err != nil {
		return controlplane.Member{}, err
	}
	secret, err := controlplane.SecretFrom(token)
	if err != nil {
		return controlplane.Member{}, errDeadJoin
	}
	member, ok, err := a.db.LinkedMember(r.Context(), secret)
	if err == nil && !ok {
		err = errDeadJoin
	}
	return member, err
}

// join takes a member's link for a password, and signs them in.
func (a *Auth) join(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Token, Name, Password string }
	if !decode(w, r, &asked) {
		return
	}
	a.answer(w, r, a.accept(w, r, asked.Token, asked.Name, asked.Password))
}

func (a *Auth) accept(w http.ResponseWriter, r *http.Request, token, name, password string) error {
	member, err := a.linked(r, token)
	if err != nil {
		return err
	}
	if a.passwordOff {
		return errPasswordOff
	}
	wrong := controlplane.ValidatePassword("password", password)
	if member.JoinedAt == nil {
		wrong = errors.Join(controlplane.ValidateMemberName(&name), wrong)
	}
	if faults := controlplane.Faults(wrong); len(faults) > 0 {
		return &refusal{status: http.StatusUnprocessableEntity, title: "Not accepted", detail: faults[0].Error()}
	}
	digest, err := a.hasher.digest(r.Context(), password)
	if err != nil {
		return err
	}
	secret, err := controlplane.SecretFrom(token)
	if err != nil {
		return errDeadJoin
	}
	_, ok, err := a.db.AcceptLink(r.Context(), secret, name, digest)
	if err != nil {
		return err
	}
	has, there, err := a.db.SecretsOf(r.Context(), member.ID)
	switch {
	case err != nil:
		return err
	case !ok || !there:
		return errDeadJoin
	}
	return a.proceed(w, r, has, false)
}

// decode reads a request's JSON, or answers why it can't.
func decode(w http.ResponseWriter, r *http.Request, to any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSignInBytes)).Decode(to); err != nil {
		problem(w, http.StatusBadRequest, "That is not a sign-in request", `Send JSON of at most 4096 bytes, such as {"email": "…", "password": "…"}.`)
		return false
	}
	return true
}
