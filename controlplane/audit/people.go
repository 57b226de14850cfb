package audit

import "github.com/weirhq/weir/controlplane"

// What members and tokens do, and what is done to them.
const (
	InviteMember       Action = "INVITE_MEMBER"
	CreateMember       Action = "CREATE_MEMBER" // whom nobody invited, and the OpenID provider knows
	LinkOpenID         Action = "LINK_OPENID"   // a member signs in at the OpenID provider from now on
	UnlinkOpenID       Action = "UNLINK_OPENID"
	UpdateMember       Action = "UPDATE_MEMBER"
	RemoveMember       Action = "REMOVE_MEMBER"
	CreateMemberLink   Action = "CREATE_MEMBER_LINK"
	AcceptMemberLink   Action = "ACCEPT_MEMBER_LINK" // they joined, or chose another password
	EndMemberSessions  Action = "END_MEMBER_SESSIONS"
	ResetMemberTOTP    Action = "RESET_MEMBER_TOTP"
	SignIn             Action = "SIGN_IN"
	EndSession         Action = "END_SESSION"
	EndOtherSessions   Action = "END_OTHER_SESSIONS"
	UpdateProfile      Action = "UPDATE_PROFILE"
	SetPassword        Action = "SET_PASSWORD"
	ConfirmTOTP        Action = "CONFIRM_TOTP"
	DisableTOTP        Action = "DISABLE_TOTP"
	UseRecoveryCode    Action = "USE_RECOVERY_CODE"
	RenewRecoveryCodes Action = "RENEW_RECOVERY_CODES"
	CreateAPIToken     Action = "CREATE_API_TOKEN"
	RevokeAPIToken     Action = "REVOKE_API_TOKEN"
)

// peopleActions are those of them.
func peopleActions() []Action {
	return []Action{
		InviteMember, CreateMember, LinkOpenID, UnlinkOpenID, UpdateMember, RemoveMember, CreateMemberLink, AcceptMemberLink, EndMemberSessions, ResetMemberTOTP,
		SignIn, EndSession, EndOtherSessions, UpdateProfile, SetPassword, ConfirmTOTP, DisableTOTP, UseRecoveryCode, RenewRecoveryCodes,
		CreateAPIToken, RevokeAPIToken,
	}
}

// Member is the kind of a member.
const Member ObjectKind = "MEMBER"

// OfMember is a member as the log has them.
func OfMember(m controlplane.Member) Image {
	name := m.Name
	if name == "" {
		name = m.Email
	}
	return Image{Object{Member, controlplane.KindMember.Format(m.ID), name}, m.AccountID, State{
		"id": id(controlplane.KindMember, m.ID), "email": some(m.Email), "name": m.Name, "role": string(m.Role),
		"accountId": id(controlplane.KindAccount, m.AccountID), "status": string(m.Status()), "hasPassword": m.HasPassword, "hasTotp": m.HasTOTP, "hasOpenId": m.HasOpenID, "revision": m.Revision,
	}}
}

// OfAPIToken is an API token as the log has it.
func OfAPIToken(t controlplane.APIToken) Image {
	return Image{Object{APIToken, controlplane.KindToken.Format(t.ID), t.Name}, t.AccountID, State{
		"id": id(controlplane.KindToken, t.ID), "name": t.Name, "prefix": t.Prefix, "scopes": t.Scopes,
		"accountId": id(controlplane.KindAccount, t.AccountID), "createdBy": id(controlplane.KindMember, t.CreatedBy),
		"parentId":  id(controlplane.KindToken, t.ParentID),
		"expiresAt": at(t.ExpiresAt), "revokedAt": at(t.RevokedAt),
	}}
}
