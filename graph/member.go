package graph

import (
	"context"
	"errors"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/model"
)

func viewerOf(ctx context.Context) *model.Viewer {
	p, _ := auth.PrincipalOf(ctx)
	permissions := p.Grant.Permissions
	if permissions == nil {
		permissions = []permit.Permission{}
	}
	return &model.Viewer{Kind: model.ViewerKind(p.Kind), Name: p.Name, Permissions: permissions}
}

// memberAfter answers a change of what members say of themselves, with what they say now.
func (r *Resolver) memberAfter(ctx context.Context, id controlplane.ID, err error) (*model.ViewerPayload, error) {
	if err != nil {
		return nil, err
	}
	setLoaders(ctx, r.newLoaders(time.Now()))
	member, err := loadersOf(ctx).members.Load(ctx, id)
	if err != nil {
		return nil, missing(err, "", "member")
	}
	viewer := viewerOf(ctx)
	viewer.Name = member.Name
	return &model.ViewerPayload{Viewer: viewer}, nil
}

// viewerAfter answers a change of the viewer.
func viewerAfter(ctx context.Context, err error) (*model.ViewerPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.ViewerPayload{Viewer: viewerOf(ctx)}, nil
}

// whoSignedIn returns the member who asks; an API token is none.
func whoSignedIn(ctx context.Context) (auth.Principal, error) {
	p, _ := auth.PrincipalOf(ctx)
	if p.Kind != auth.Session {
		return p, controlplane.Conflict("", "an API token is not a member; sign in with the dashboard")
	}
	return p, nil
}

func (r *Resolver) memberAsking(ctx context.Context) (*controlplane.Member, error) {
	p, err := whoSignedIn(ctx)
	if err != nil {
		return nil, err
	}
	member, err := loadersOf(ctx).members.Load(ctx, p.ID)
	return member, missing(err, "", "member")
}

func recoveryCodesOf(codes []string, err error) (*model.RecoveryCodes, error) {
	if err != nil {
		return nil, err
	}
	return &model.RecoveryCodes{Codes: codes}, nil
}

func memberPayload(m controlplane.Member, err error) (*model.MemberPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.MemberPayload{Member: &m}, nil
}

func memberLinkPayload(l auth.MemberLink, err error) (*model.MemberLinkPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.MemberLinkPayload{Member: &l.Member, URL: l.URL, ExpiresAt: l.Expires}, nil
}

func invitationOf(in model.InviteMemberInput) (i controlplane.Invitation, err error) {
	i.Email, i.Role = controlplane.NormalEmail(in.Email), in.Role
	if i.AccountID, err = optional(controlplane.KindAccount, "accountId", in.AccountID); err != nil {
		return i, err
	}
	return i, i.Validate()
}

func memberEditOf(in model.UpdateMemberInput) (e controlplane.MemberEdit, err error) {
	var errs [2]error
	e.ID, errs[0] = controlplane.KindMember.Parse("id", in.ID)
	e.AccountID, errs[1] = optional(controlplane.KindAccount, "accountId", in.AccountID)
	if err := errors.Join(errs[:]...); err != nil {
		return e, err
	}
	e.Revision, e.Email, e.Role, e.Disabled = in.Revision, normalEmail(in.Email), in.Role, in.Disabled
	return e, e.Validate()
}

// tokenOf reads a token to create, which has nothing that whoever asks lacks.
func tokenOf(ctx context.Context, in model.CreateAPITokenInput) (t controlplane.APIToken, err error) {
	t = controlplane.APIToken{Name: in.Name, ExpiresAt: toTheMillisecond(in.ExpiresAt)}
	if t.AccountID, err = optional(controlplane.KindAccount, "accountId", in.AccountID); err != nil {
		return t, err
	}
	if len(in.Scopes) == 0 {
		return t, controlplane.Invalid("scopes", "give at least one permission")
	}
	held := permit.Held(ctx)
	for _, p := range in.Scopes {
		if !held.Has(p) {
			return t, controlplane.Forbidden(string(p))
		}
		t.Scopes = append(t.Scopes, string(p))
	}
	switch p, ok := auth.PrincipalOf(ctx); {
	case ok && p.Kind == auth.Session:
		t.CreatedBy = p.ID
	case ok:
		t.ParentID = p.ID
	}
	err = t.Validate(loadersOf(ctx).now)
	return t, err
}

// mayRevoke says whether whoever asks has all that a token has.
func mayRevoke(ctx context.Context) func(controlplane.APIToken) error {
	held := permit.Held(ctx)
	return func(t controlplane.APIToken) error {
		for _, scope := range t.Scopes {
			if !held.Has(permit.Permission(scope)) {
				return controlplane.Forbidden(scope)
			}
		}
		return nil
	}
}

// mayHaveEmail says whether a member may give themselves an address. Others trust that it
// is theirs: an admin who invited them, and the OpenID provider's first sign-in.
func mayHaveEmail(ctx context.Context, m controlplane.Member, email *string) error {
	if email == nil || m.Email == "" || permit.Held(ctx).Has(permit.MembersWrite) {
		return nil
	}
	fault := controlplane.Forbidden(string(permit.MembersWrite))
	fault.Field, fault.Message = "email", "ask an admin to change your e-mail address"
	return fault
}

func normalEmail(text *string) *string {
	if text == nil {
		return nil
	}
	normal := controlplane.NormalEmail(*text)
	return &normal
}

// textOf returns a text that may be left out.
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
