package main

import (
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openid"
	"github.com/weirhq/weir/controlplane/secretenv"
)

// openIDFlags name the OpenID provider that members sign in with.
type openIDFlags struct {
	Issuer      string            `name:"oidc-issuer" env:"WEIR_OIDC_ISSUER" help:"The OpenID provider that members may sign in with, by its URL; unset: none."`
	ClientID    string            `name:"oidc-client-id" env:"WEIR_OIDC_CLIENT_ID" help:"What the provider knows Weir by. The secret is in WEIR_OIDC_CLIENT_SECRET."`
	Scopes      []string          `name:"oidc-scopes" env:"WEIR_OIDC_SCOPES" default:"profile,email" help:"What to ask the provider for, beside openid."`
	Label       string            `name:"oidc-label" env:"WEIR_OIDC_LABEL" help:"What people call the provider; by default its host."`
	Domains     []string          `name:"oidc-domain" env:"WEIR_OIDC_DOMAINS" help:"Domains of the e-mail addresses that may sign in; unset: all."`
	CreateAs    string            `name:"oidc-create-as" env:"WEIR_OIDC_CREATE_AS" help:"The role of those whom nobody invited, such as VIEWER; unset: they are refused."`
	RoleClaim   string            `name:"oidc-role-claim" env:"WEIR_OIDC_ROLE_CLAIM" help:"The claim whose values stand for roles, such as groups."`
	Roles       map[string]string `name:"oidc-role" env:"WEIR_OIDC_ROLES" mapsep:"," help:"Which role a value of that claim stands for, as sre=OPERATOR."`
	TrustEmail  bool              `name:"oidc-trust-email" env:"WEIR_OIDC_TRUST_EMAIL" help:"Take e-mail addresses as verified where the provider doesn't say; only for one whose people can't choose theirs."`
	PasswordOff bool              `name:"password-off" env:"WEIR_PASSWORD_OFF" help:"Let members in by the provider alone; weir sign-in-link stays as the way back in."`
}

// openID returns what they say, with the secret.
func (f openIDFlags) openID() (openid.Config, error) {
	c := openid.Config{
		Issuer: f.Issuer, ClientID: f.ClientID, Scopes: f.Scopes, Label: f.Label, Domains: f.Domains, RoleClaim: f.RoleClaim,
		CreateAs: controlplane.Role(strings.ToUpper(f.CreateAs)), TrustEmail: f.TrustEmail,
	}
	if len(f.Roles) > 0 {
		c.Roles = map[string]controlplane.Role{}
	}
	for value, role := range f.Roles {
		c.Roles[value] = controlplane.Role(strings.ToUpper(role))
	}
	var err error
	c.ClientSecret, err = secretenv.Read("WEIR_OIDC_CLIENT_SECRET")
	return c, err
}
