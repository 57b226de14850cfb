package filter

import (
	"bytes"
	"crypto/sha256"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// caller is who sent a request, and by which plan it is limited.
type caller struct {
	account, key uint64 // 0: known by its address only
	plan         uint64
	epoch        uint32
	claimed      bool     // the plan comes from a verified claim
	scope        uint16   // what the key may be used for; 0: everything
	sandbox      bool     // the key is for trying things out
	address      uint64   // hash of the address, see hashAddress
	shard        int      // segment where the key was found; -1 nowhere
	from         keyPlace // where its API key was
}

// refusal is why nobody was identified, or somebody who may not pass.
type refusal uint8

const (
	welcome refusal = iota
	noCredential
	unknownCredential
	mistypedKey
	keyExpired
	keySuspended
	accountSuspended
	outOfScope
	unsettled // the policy that would tell is just being published
)

func (f refusal) decision() wire.Decision {
	switch f {
	case welcome:
		return wire.Allowed
	case keySuspended, accountSuspended, outOfScope:
		return wire.Forbidden
	}
	return wire.Unauthenticated
}

// identify finds out who sent the current request, by each configured way in
// order. A credential that nobody knows is passed over, so that a bearer token
// may be an API key or a JWT; whether the address may take its place is
// configuration.
func (r *request) identify(f *fields) refusal {
	r.caller = caller{shard: -1}
	sent, mistyped := false, false
	for _, w := range r.config.identify {
		var text []byte
		var from keyPlace
		switch w {
		case byKey:
			text, from = r.config.apiKey(f)
			if len(text) > maxSecretBytes {
				sent, text = true, nil
			}
		case byJWT:
			found, why := r.identifyIssued()
			if found {
				return why
			}
			text = r.named("jwt\x00", r.host.property(r.paths.subject))
		case byCertificate:
			text = r.named("cert\x00", r.certificateName())
		case byAddress:
			if (!sent || r.config.allowUnknown) && r.identifyAddress() {
				return welcome
			}
		}
		if len(text) == 0 {
			continue
		}
		sent = true
		if found, why := r.lookUp(text, w); found {
			r.caller.from = from
			return why
		}
		mistyped = mistyped || w == byKey && book.Mistyped(text)
	}
	r.caller = caller{shard: -1}
	if mistyped {
		return mistypedKey
	}
	if sent {
		return unknownCredential
	}
	return noCredential
}

// identifyIssued finds out who a verified token's subject is where its issuer counts,
// too. It reports whether it is known; one of whatever issuer may be still.
func (r *request) identifyIssued() (found bool, why refusal) {
	issuer := r.host.property(r.paths.issuer)
	if len(issuer) == 0 || len(issuer) > maxSecretBytes || bytes.IndexByte(issuer, 0) >= 0 {
		return false, welcome
	}
	b := append(append(append(r.scratch.name[:0], "jwt-issued\x00"...), issuer...), 0)
	r.scratch.name = b
	subject := r.host.property(r.paths.subject)
	if len(subject) == 0 || len(subject) > maxSecretBytes {
		return false, welcome
	}
	r.scratch.name = append(b, subject...)
	return r.lookUp(r.scratch.name, byJWT)
}

// named returns what a verified name is known by, see book.SubjectDigest and
// book.CertificateDigest; nil without a name.
func (p *plugin) named(prefix string, name []byte) []byte {
	if len(name) == 0 || len(name) > maxSecretBytes {
		return nil
	}
	p.scratch.name = append(append(p.scratch.name[:0], prefix...), name...)
	return p.scratch.name
}

var (
	certificateGiven  = newProperty("connection", "mtls")
	certificateNaming = [...]*property{
		uriSAN:      newProperty("connection", "uri_san_peer_certificate"),
		dnsSAN:      newProperty("connection", "dns_san_peer_certificate"),
		subjectName: newProperty("connection", "subject_peer_certificate"),
	}
)

// certificateName returns the name in the client's certificate. Envoy checks the
// certificate itself, by the listener's validation_context.
func (p *plugin) certificateName() []byte {
	if given := p.host.property(certificateGiven); len(given) != 1 || given[0] == 0 {
		return nil
	}
	return p.host.property(certificateNaming[p.config.certificate])
}

// lookUp finds out whose credential this is. It reports whether it is known.
func (r *request) lookUp(text []byte, w way) (found bool, why refusal) {
	ref, shard, ok := r.findKey(text)
	if shard < 0 {
		return true, unsettled
	}
	if !ok || way(ref.Kind) != w {
		return false, welcome
	}
	c := &r.caller
	c.account, c.key, c.plan, c.epoch, c.shard = ref.Account, ref.ID, ref.Plan, ref.Epoch, shard
	c.scope, c.sandbox = ref.Scope, ref.Sandbox
	switch {
	case ref.AccountSuspended:
		return true, accountSuspended
	case ref.Suspended:
		return true, keySuspended
	case ref.ExpiresAt != 0 && r.wallNS(r.nowNS)/millisecond >= ref.ExpiresAt:
		return true, keyExpired
	}
	if w == byJWT && r.paths.tier != nil {
		r.claimTier()
	}
	return true, welcome
}

// The kinds of keys are the first ways.
var (
	_ = [1]struct{}{}[byKey-way(book.APIKey)]
	_ = [1]struct{}{}[byJWT-way(book.JWTSubject)]
	_ = [1]struct{}{}[byCertificate-way(book.Certificate)]
)

// findKey finds a credential in the policy. shard is the segment that it belongs
// to, -1 while what is under that number doesn't have such credentials.
func (p *plugin) findKey(text []byte) (ref book.KeyRef, shard int, ok bool) {
	if e := p.keys.find(text); e != nil && p.shardAt(e.number) == e.at {
		return e.ref, e.number, true
	}
	digest := sha256.Sum256(text)
	shard = book.SegmentOf(&digest, p.policy.manifest.Bits)
	s := p.shardFor(&digest, shard)
	if s == nil {
		return ref, shard, false
	}
	if !s.Covers(&digest) {
		return ref, -1, false
	}
	if ref, ok = s.Find(&digest); ok && s == p.shard(shard) {
		p.keys.put(text, shard, p.shardAt(shard), ref)
	}
	return ref, shard, ok
}

// claimTier puts the caller on the tier that its verified claim names, with
// counters of its own for each tier but the account's. A claim that names no
// tier, or one for callers without an account, is ignored.
func (r *request) claimTier() {
	name := r.host.property(r.paths.tier)
	if len(name) == 0 || len(name) > book.MaxNameBytes {
		return
	}
	own, _ := r.policy.core.FindPlan(r.caller.plan)
	t, ok := r.policy.core.FindPlanByName(view(name))
	if !ok || t.Tier == own.Tier || r.limitsAddresses(t.ID) {
		return
	}
	r.caller.plan, r.caller.claimed = t.ID, true
}

// limitsAddresses reports whether a plan is one for callers known by their address
// only: none of its limits would apply to an account.
func (r *request) limitsAddresses(plan uint64) bool {
	ready := r.policy.readyPlan(plan, &r.health)
	return ready != nil && len(ready.parts[ofAddress].rules) > 0
}

// identifyAddress puts the caller on the plan of those who are known by their
// address only, if there is one.
func (r *request) identifyAddress() bool {
	plan, ok := r.policy.core.Anonymous()
	if !ok {
		return false
	}
	address, ok := hashAddress(r.host.property(sourceAddress), &r.process)
	if !ok {
		return false
	}
	r.caller = caller{plan: plan.ID, address: address, shard: -1}
	return true
}

// paths are the properties whose names come from the configuration.
type paths struct{ subject, issuer, tier *property }

func newPaths(c *config) (p paths) {
	claim := func(name string) *property {
		return newProperty("metadata", "filter_metadata", "envoy.filters.http.jwt_authn", c.jwtPayload, name)
	}
	p.subject, p.issuer = claim(c.jwtSubject), claim("iss")
	if c.jwtTier != "" {
		p.tier = claim(c.jwtTier)
	}
	return p
}
