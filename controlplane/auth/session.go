package auth

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

const (
	sessionCookie   = "weir_session"
	sessionLifetime = 7 * 24 * time.Hour
	sessionIdle     = 12 * time.Hour
	pendingLifetime = 5 * time.Minute
	maxUserAgent    = 256 // bytes that are kept
)

// begun is a session to begin.
type begun struct {
	member  controlplane.ID
	pending bool // until the second step
	openID  bool // at the OpenID provider
}

// begin begins a session of a member in place of the one that the browser had. It
// reports false for a member who can't sign in any more.
func (a *Auth) begin(w http.ResponseWriter, r *http.Request, s begun) (bool, error) {
	lasts := sessionLifetime
	if s.pending {
		lasts = pendingLifetime
	}
	// A new secret each time, so that one that was planted in the browser is worth
	// nothing.
	secret := controlplane.NewSecret("")
	var before *controlplane.Secret
	if had, err := controlplane.SecretFrom(cookieOf(r, sessionCookie)); err == nil {
		before = &had
	}
	ok, err := a.db.BeginSession(r.Context(), postgres.NewSession{
		Secret: secret, MemberID: s.member, Pending: s.pending, OpenID: s.openID, Address: a.addressOf(r), UserAgent: userAgentOf(r), Lasts: lasts,
	}, before)
	if !ok || err != nil {
		return false, err
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: secret.Reveal(), Path: "/", MaxAge: int(lasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.secure,
	})
	return true, nil
}

// SignOut ends the session that ctx belongs to, if it belongs to one.
func (a *Auth) SignOut(ctx context.Context) error {
	p, ok := PrincipalOf(ctx)
	if !ok || p.Kind != Session {
		return nil
	}
	err := a.db.EndSession(ctx, p.ID, p.Session)
	if controlplane.Faults(err) != nil {
		return nil // somebody else ended it first
	}
	return err
}

// Sessions returns the live sessions of a member.
func (a *Auth) Sessions(ctx context.Context, member controlplane.ID) ([]controlplane.Session, error) {
	return a.db.Sessions(ctx, member, sessionIdle)
}

func cookieOf(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// networkOf is what tries are counted for: an IPv4 address, or the /64 that whoever
// has one IPv6 address has all of.
func networkOf(address string) string {
	ip := net.ParseIP(address)
	if ip == nil || ip.To4() != nil {
		return address
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}

func userAgentOf(r *http.Request) string {
	text := strings.ToValidUTF8(strings.ReplaceAll(r.UserAgent(), "\x00", ""), "")
	for len(text) > maxUserAgent {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
