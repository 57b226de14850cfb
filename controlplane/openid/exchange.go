package openid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/weirhq/weir/controlplane"
)

// skew is how far the provider's clock may be behind ours.
const skew = time.Minute

// maxSubject bounds a subject, as OpenID Connect Core 1.0, section 2, does.
const maxSubject = 255

// ErrRefused is an answer of the provider that isn't to be trusted.
var ErrRefused = errors.New("the OpenID provider's answer is not good")

// Identity is whom the provider says somebody is.
type Identity struct {
	Issuer, Subject string // who they are, for ever
	Email           string // in lower case; empty: it doesn't say
	Verified        bool   // the address is theirs
	Name            string // may be empty
	RoleValues      []string
}

// Asked is what a sign-in goes out with and has to come back with. All of it is
// known to the browser that began, and to nobody else.
type Asked struct{ State, Nonce, Verifier string }

// Address returns where to send a browser.
func (p *Provider) Address(ctx context.Context, a Asked) (string, error) {
	m, err := p.get(ctx)
	if err != nil {
		return "", err
	}
	return m.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// SignOutAddress returns where to send a browser so that the provider signs it out,
// too, and sends it on to next; empty where it can't.
func (p *Provider) SignOutAddress(next string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil || p.found.endSession == "" {
		return ""
	}
	u, err := url.Parse(p.found.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", next)
	u.RawQuery = q.Encode()
	return u.String()
}

// Exchange trades the code that a browser brought back for whom it stands for.
// issuer is what the answer says its issuer is, and empty where it doesn't. It fails
// with [ErrAway] or [ErrRefused].
func (p *Provider) Exchange(ctx context.Context, a Asked, code, issuer string) (Identity, error) {
	m, err := p.get(ctx)
	if err != nil {
		return Identity{}, err
	}
	if issuer != "" && issuer != m.issuer || issuer == "" && m.namesItself {
		return Identity{}, fmt.Errorf("%w: it is of another issuer, %.200q", ErrRefused, issuer)
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := m.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Identity{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, fmt.Errorf("%w: it has no id_token", ErrRefused)
	}
	id, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	claims, err := p.claimsOf(ctx, m, id, token, a.Nonce)
	if err != nil {
		return Identity{}, err
	}
	return p.identity(id, claims), nil
}

// exchangeError tells a provider that is away from one that refuses the code. What
// it says may quote the request, so only its code is kept.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
		return fmt.Errorf("%w: exchange the code: status %d, %.100q", ErrRefused, refused.Response.StatusCode, refused.ErrorCode)
	}
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: exchange the code: %.100q", ErrAway, refused.ErrorCode)
	}
	return fmt.Errorf("%w: exchange the code: %w", ErrAway, err)
}

// claimsOf checks what the verifier leaves to us, and adds what the provider says at
// its userinfo endpoint only, as OpenID Connect Core 1.0, section 5.4, has it.
func (p *Provider) claimsOf(ctx context.Context, m *metadata, id *oidc.IDToken, token *oauth2.Token, nonce string) (map[string]json.RawMessage, error) {
	claims := map[string]json.RawMessage{}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: read the token's claims: %w", ErrRefused, err)
	}
	switch azp := text(claims["azp"]); {
	case id.Nonce != nonce || nonce == "":
		return nil, fmt.Errorf("%w: the token has another nonce", ErrRefused)
	case len(id.Audience) > 1 && azp != p.ClientID || azp != "" && azp != p.ClientID:
		return nil, fmt.Errorf("%w: the token is for another party, %.100q", ErrRefused, azp)
	case id.Subject == "" || len(id.Subject) > maxSubject:
		return nil, fmt.Errorf("%w: the token's subject is empty or longer than %d bytes", ErrRefused, maxSubject)
	}
	complete := text(claims["email"]) != "" && text(claims["name"]) != "" && (p.RoleClaim == "" || claims[p.RoleClaim] != nil)
	if complete || m.provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := m.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("%w: ask for more claims: %w", ErrAway, err)
	}
	more := map[string]json.RawMessage{}
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: read more claims: %w", ErrRefused, err)
	}
	if info.Subject != id.Subject {
		return nil, fmt.Errorf("%w: its userinfo is of another subject", ErrRefused)
	}
	for name, value := range more {
		if _, there := claims[name]; !there {
			claims[name] = value
		}
	}
	return claims, nil
}

func (p *Provider) identity(id *oidc.IDToken, claims map[string]json.RawMessage) Identity {
	who := Identity{Issuer: id.Issuer, Subject: id.Subject, Email: controlplane.NormalEmail(text(claims["email"]))}
	if controlplane.ValidateEmail("email", who.Email) != nil {
		who.Email = ""
	}
	// Some providers write it as a text.
	switch said := strings.Trim(string(claims["email_verified"]), `"`); {
	case said == "true":
		who.Verified = true
	case claims["email_verified"] == nil:
		who.Verified = p.TrustEmail
	}
	who.Name = nameOf(claims, who.Email)
	if p.RoleClaim != "" {
		who.RoleValues = texts(claims[p.RoleClaim])
	}
	return who
}

// nameOf returns what to call somebody, that a member may be called.
func nameOf(claims map[string]json.RawMessage, email string) string {
	names := []string{
		text(claims["name"]), strings.TrimSpace(text(claims["given_name"]) + " " + text(claims["family_name"])), text(claims["preferred_username"]), email,
	}
	for i := range names {
		if controlplane.ValidateMemberName(&names[i]) == nil {
			return names[i]
		}
	}
	return ""
}

// text returns a claim that is a text, or else nothing.
func text(claim json.RawMessage) string {
	var s string
	if json.Unmarshal(claim, &s) != nil {
		return ""
	}
	return s
}

// texts returns a claim that is a text, or a list of them.
func texts(claim json.RawMessage) []string {
	var all []string
	if json.Unmarshal(claim, &all) == nil {
		return all
	}
	if s := text(claim); s != "" {
		return []string{s}
	}
	return nil
}
