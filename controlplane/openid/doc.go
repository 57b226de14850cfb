// Package openid lets an OpenID Connect provider say who somebody is.
//
// In come what the operator set of the provider, and the codes that browsers bring
// back from it; out go the address to send a browser to, and an [Identity] whose
// token was checked: signature, issuer, audience, nonce and time. Nothing is stored.
// The provider is looked up when it is first needed, and again until it answers, so
// that the control plane starts and runs while it is away.
package openid
