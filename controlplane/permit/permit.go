package permit

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// Permission is the right to do one kind of thing.
type Permission string

// The permissions. They are scopes of API tokens, too.
const (
	AccountsRead  Permission = "ACCOUNTS_READ"  // accounts, their keys, identities, overrides and standings
	AccountsWrite Permission = "ACCOUNTS_WRITE" // accounts, identities, overrides; resets
	KeysWrite     Permission = "KEYS_WRITE"
	PolicyRead    Permission = "POLICY_READ"  // tiers, limits, endpoints, meters, and which Envoy has them
	PolicyWrite   Permission = "POLICY_WRITE" // tiers, limits, endpoints, meters, defaults
	UsageRead     Permission = "USAGE_READ"   // usage, denials, reconciliation, exports
	UsageCorrect  Permission = "USAGE_CORRECT"
	SettingsWrite Permission = "SETTINGS_WRITE" // how long usage is kept
	AuditRead     Permission = "AUDIT_READ"
	MembersRead   Permission = "MEMBERS_READ"
	MembersWrite  Permission = "MEMBERS_WRITE" // members whose role has no permission that one lacks
	OwnersWrite   Permission = "OWNERS_WRITE"  // owners, too
	TokensWrite   Permission = "TOKENS_WRITE"  // API tokens, their list too
)

// All returns every permission.
func All() []Permission {
	return []Permission{
		AccountsRead, AccountsWrite, KeysWrite, PolicyRead, PolicyWrite, UsageRead, UsageCorrect,
		SettingsWrite, AuditRead, MembersRead, MembersWrite, OwnersWrite, TokensWrite,
	}
}

// Of returns the permissions of a role; none for what is no role.
func Of(role controlplane.Role) []Permission {
	switch role {
	case controlplane.RoleOwner:
		return All()
	case controlplane.RoleAdmin:
		return slices.DeleteFunc(All(), func(p Permission) bool { return p == OwnersWrite })
	case controlplane.RoleOperator:
		return []Permission{AccountsRead, AccountsWrite, KeysWrite, PolicyRead, PolicyWrite, UsageRead, AuditRead}
	case controlplane.RoleBilling:
		return []Permission{AccountsRead, PolicyRead, UsageRead, UsageCorrect}
	case controlplane.RoleViewer:
		return []Permission{AccountsRead, PolicyRead, UsageRead}
	case controlplane.RoleCustomer:
		return []Permission{AccountsRead, KeysWrite, PolicyRead, UsageRead}
	}
	return nil
}

// Grant is what somebody may do.
type Grant struct {
	Permissions []Permission
	Account     controlplane.ID // the only one that they see; 0: all
}

// Has reports whether g has p.
func (g Grant) Has(p Permission) bool { return slices.Contains(g.Permissions, p) }

// Covers reports whether g has all that other has, so that whoever has g may give
// other away.
func (g Grant) Covers(other Grant) bool {
	if g.Account != 0 && g.Account != other.Account {
		return false
	}
	return !slices.ContainsFunc(other.Permissions, func(p Permission) bool { return !g.Has(p) })
}

// Within returns what g and the permissions have in common.
func (g Grant) Within(permissions []Permission) Grant {
	g.Permissions = slices.DeleteFunc(slices.Clone(g.Permissions), func(p Permission) bool { return !slices.Contains(permissions, p) })
	return g
}

// Key is the same for grants that are, whatever the order.
func (g Grant) Key() string {
	names := make([]string, len(g.Permissions))
	for i, p := range g.Permissions {
		names[i] = string(p)
	}
	slices.Sort(names)
	return strconv.FormatInt(int64(g.Account), 10) + " " + strings.Join(slices.Compact(names), " ")
}

// Parse reads the scopes of a token. Its error names field and the place in it.
func Parse(field string, scopes []string) ([]Permission, error) {
	out := make([]Permission, 0, len(scopes))
	for i, s := range scopes {
		if !slices.Contains(All(), Permission(s)) {
			return nil, controlplane.Invalid(field+"."+strconv.Itoa(i), "there is no such permission")
		}
		out = append(out, Permission(s))
	}
	return out, nil
}

type grantKey struct{}

// With returns a context in which whoever asks has g.
func With(ctx context.Context, g Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// Held returns the grant that With put into ctx: nothing at all without one.
func Held(ctx context.Context) Grant {
	g, _ := ctx.Value(grantKey{}).(Grant)
	return g
}
