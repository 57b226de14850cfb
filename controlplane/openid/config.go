package openid

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// Config is what the operator says of a provider.
type Config struct {
	// Issuer is the provider's URL, as in its tokens: https, or http on this machine.
	Issuer       string
	ClientID     string
	ClientSecret string   // empty: a public client, which PKCE alone protects
	Scopes       []string // besides openid; none: profile and email
	Label        string   // what people call the provider; empty: the issuer's host
	// Domains are those whose e-mail addresses may sign in; none: all of them.
	Domains []string
	// CreateAs is the role of those whom nobody invited; empty: they are refused.
	CreateAs controlplane.Role
	// RoleClaim names the claim, a text or a list of texts, whose values Roles has a
	// role for. It is looked at in each sign-in.
	RoleClaim string
	Roles     map[string]controlplane.Role
	// TrustEmail takes an address as verified where the provider doesn't say. That is
	// right only for one whose people can't choose their addresses.
	TrustEmail bool
}

// Enabled says whether there is a provider at all.
func (c Config) Enabled() bool { return c.Issuer != "" }

// Validate returns the first mistake, by the name of the flag that it is in.
func (c Config) Validate() error {
	if err := checkIssuer(c.Issuer); err != nil {
		return err
	}
	switch {
	case c.ClientID == "":
		return errors.New("--oidc-client-id is missing: give the id that the provider knows Weir by")
	case (c.RoleClaim == "") != (len(c.Roles) == 0):
		return errors.New("--oidc-role-claim and --oidc-role belong together; give both or neither")
	case c.CreateAs == controlplane.RoleOwner || c.CreateAs == controlplane.RoleCustomer:
		return fmt.Errorf("--oidc-create-as %s: nobody becomes that unasked; choose another role", c.CreateAs)
	case c.CreateAs != "" && !slices.Contains(controlplane.Roles(), c.CreateAs):
		return fmt.Errorf("--oidc-create-as %s: there is no such role; choose one of %v", c.CreateAs, assignable())
	case c.CreateAs != "" && len(c.Domains) == 0:
		return errors.New("--oidc-create-as without --oidc-domain would let in whoever has an account at the provider; say whose addresses may")
	}
	for value, role := range c.Roles {
		if role == controlplane.RoleCustomer || !slices.Contains(controlplane.Roles(), role) {
			return fmt.Errorf("--oidc-role %s=%s: choose one of OWNER, %v", value, role, assignable())
		}
	}
	for _, domain := range c.Domains {
		if domain == "" || strings.ContainsAny(domain, "@/ ") {
			return fmt.Errorf("--oidc-domain %q: give what stands after the @, such as example.com", domain)
		}
	}
	return nil
}

// assignable are the roles that somebody may get whom nobody invited.
func assignable() []controlplane.Role {
	return []controlplane.Role{controlplane.RoleAdmin, controlplane.RoleOperator, controlplane.RoleBilling, controlplane.RoleViewer}
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("--oidc-issuer %q: give the provider's URL, such as https://login.example.com", issuer)
	}
	return checkScheme("--oidc-issuer", u)
}

// checkScheme lets https through, and http to this machine.
func checkScheme(what string, u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && here {
		return nil
	}
	return fmt.Errorf("%s %s: use https; only a provider on this machine may do without", what, u)
}

func (c Config) label() string {
	if c.Label != "" {
		return c.Label
	}
	if u, err := url.Parse(c.Issuer); err == nil {
		return u.Host
	}
	return c.Issuer
}

func (c Config) scopes() []string {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{"profile", "email"}
	}
	all := []string{"openid"}
	for _, s := range scopes {
		if s != "openid" {
			all = append(all, s)
		}
	}
	return all
}

// Allows says whether an e-mail address is of a domain that may sign in.
func (c Config) Allows(email string) bool {
	at := strings.LastIndexByte(email, '@')
	return len(c.Domains) == 0 || at >= 0 && slices.ContainsFunc(c.Domains, func(d string) bool { return strings.EqualFold(d, email[at+1:]) })
}

// RoleOf returns the role that the values of the role claim stand for, the one that
// may do most where they stand for several; empty for none.
func (c Config) RoleOf(values []string) controlplane.Role {
	for _, role := range controlplane.Roles() {
		if slices.ContainsFunc(values, func(v string) bool { return c.Roles[v] == role }) {
			return role
		}
	}
	return ""
}
