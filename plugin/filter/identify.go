package filter

import (
	"crypto/sha256"
	"strings"

	"github.com/weirhq/weir/plugin/wire"
)

// maxSecretBytes bounds what is hashed for a caller that nobody knows yet.
const maxSecretBytes = 256

// caller is who sent a request.
type caller struct {
	key     wire.KeyRef
	account wire.AccountRef
	sent    bool // there was a key, known or not
}

// identify finds out who sent the current request: by the API key in the
// configured header field or, when that isn't there, by the bearer token.
// It answers Allowed, Unauthenticated or Forbidden.
func (p *plugin) identify(s *wire.Snapshot) (caller, wire.Decision) {
	secret := requestHeader(p.config.keyHeader)
	if secret == "" {
		secret = bearerToken(requestHeader("authorization"))
	}
	c := caller{sent: secret != ""}
	if secret == "" || len(secret) > maxSecretBytes {
		return c, wire.Unauthenticated
	}
	p.scratch.secret = append(p.scratch.secret[:0], secret...)
	digest := sha256.Sum256(p.scratch.secret)
	clear(p.scratch.secret)
	key, known := s.FindKey(&digest)
	if !known {
		return c, wire.Unauthenticated
	}
	c.key, c.account = key, s.Account(key.Account)
	if c.account.Suspended {
		return c, wire.Forbidden
	}
	return c, wire.Allowed
}

// bearerToken returns the token of an authorization header field with the
// scheme Bearer (RFC 6750; scheme names are case-insensitive), or "".
func bearerToken(authorization string) string {
	const scheme = "bearer "
	if len(authorization) <= len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return ""
	}
	return strings.Trim(authorization[len(scheme):], " ")
}
