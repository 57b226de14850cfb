package auth

import (
	"context"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
)

const (
	// LinkLifetime is how long a sign-in link is good.
	LinkLifetime = time.Hour
	// InvitationLifetime is how long a member's link is good.
	InvitationLifetime = 7 * 24 * time.Hour
)

// NewLink makes a one-time link to the dashboard at base that signs in as the first
// owner. Its token stands in the fragment, which browsers keep out of requests and so
// out of logs.
func (a *Auth) NewLink(ctx context.Context, base string) (link string, expires time.Time, err error) {
	secret := controlplane.NewSecret("")
	expires = time.Now().Add(LinkLifetime)
	if err := a.db.CreateSignInLink(ctx, secret, expires); err != nil {
		return "", time.Time{}, err
	}
	return linkTo(base, "sign-in", secret), expires, nil
}

// MemberLink is a one-time link with which a member joins or chooses another
// password. Whoever made it is the only one who sees it.
type MemberLink struct {
	Member  controlplane.Member
	URL     string
	Expires time.Time
}

// Invite makes a member and their link to the dashboard at base.
func (a *Auth) Invite(ctx context.Context, base string, i controlplane.Invitation) (MemberLink, error) {
	secret, expires := controlplane.NewSecret(""), linkEnd()
	member, err := a.db.InviteMember(ctx, i, MayManage(ctx), secret, expires)
	return MemberLink{member, linkTo(base, "join", secret), expires}, err
}

// Relink makes a new link for a member, in place of those before.
func (a *Auth) Relink(ctx context.Context, base string, id controlplane.ID) (MemberLink, error) {
	secret, expires := controlplane.NewSecret(""), linkEnd()
	member, err := a.db.LinkMember(ctx, id, MayManage(ctx), secret, expires)
	return MemberLink{member, linkTo(base, "join", secret), expires}, err
}

func linkEnd() time.Time { return time.Now().Add(InvitationLifetime).Truncate(time.Millisecond) }

func linkTo(base, page string, secret controlplane.Secret) string {
	return strings.TrimSuffix(base, "/") + "/" + page + "#token=" + secret.Reveal()
}

// MayManage returns what says whether whoever asks in ctx may manage members of a
// role: nobody gives or takes what they don't have.
func MayManage(ctx context.Context) func(controlplane.Role) error {
	held := permit.Held(ctx)
	return func(role controlplane.Role) error {
		for _, p := range permit.Of(role) {
			if !held.Has(p) {
				return controlplane.Forbidden(string(p))
			}
		}
		return nil
	}
}
