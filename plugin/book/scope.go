package book

import (
	"slices"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Scope is what a key may be used for. A key without one may be used for everything.
type Scope struct {
	ID        uint16 // 1 to MaxScopes
	ReadsOnly bool   // GET, HEAD and OPTIONS
	// Endpoints and Groups are IDs of which an endpoint or its group has to be one;
	// with none of both any path will do. Those that there are not match nothing.
	Endpoints, Groups []uint64
}

// Bounds of scopes.
const (
	MaxScopes       = 65_535
	MaxScopeTargets = 1_000 // endpoints and groups of one scope
)

const scopeBytes = 24

// scopesFault checks scopes, which are sorted by ID, their targets too.
func (p *Policy) scopesFault() string {
	var before uint64
	for i := range p.Scopes {
		s := &p.Scopes[i]
		if what := idFault("scope", uint64(s.ID), before); what != "" {
			return what
		}
		before = uint64(s.ID)
		if n := len(s.Endpoints) + len(s.Groups); n > MaxScopeTargets {
			return named("scope", uint64(s.ID)) + ": " + frame.OutOfRange("endpoints and groups", uint64(n), 0, MaxScopeTargets)
		}
	}
	return ""
}

func (p *Policy) hasScope(id uint16) bool {
	return has(p.Scopes, uint64(id), func(s Scope) uint64 { return uint64(s.ID) })
}

func (c *compiler) scopes() {
	first := 0
	for _, s := range c.p.Scopes {
		flags := uint32(0)
		if s.ReadsOnly {
			flags = 1
		}
		c.sections[scopes] = frame.AppendU32(frame.AppendU64(c.sections[scopes], uint64(s.ID)),
			flags, uint32(first), uint32(len(s.Endpoints)), uint32(len(s.Groups)))
		for _, ids := range [...][]uint64{s.Endpoints, s.Groups} {
			c.sections[targets] = frame.AppendU64(c.sections[targets], slices.Sorted(slices.Values(ids))...)
			first += len(ids)
		}
	}
}

func (c *Core) scopesFault() string {
	var before uint64
	first := uint64(0)
	for i := range c.counts[scopes] {
		r := c.record(scopes, i)
		id, ours := frame.U64(r, 0), uint64(frame.U32(r, 16))+uint64(frame.U32(r, 20))
		if !ascends(id, before) || id > MaxScopes || frame.U32(r, 8) > 1 || uint64(frame.U32(r, 12)) != first || ours > MaxScopeTargets {
			return brokenAt("scope", i)
		}
		before = id
		first += ours
	}
	if first != uint64(c.counts[targets]) {
		return "the scopes don't own all targets: " + strconv.Itoa(c.counts[targets])
	}
	return ""
}

// InScope reports whether a key with a scope may be used for a request: of this
// method and to this endpoint, the zero one for none. With a scope that isn't there
// it may not.
func (c *Core) InScope(scope uint16, method string, endpoint EndpointRef) bool {
	i, found := c.find(scopes, uint64(scope))
	if !found {
		return false
	}
	r := c.record(scopes, i)
	if frame.U32(r, 8) != 0 && !isRead(method) {
		return false
	}
	first, endpoints, groups := int(frame.U32(r, 12)), int(frame.U32(r, 16)), int(frame.U32(r, 20))
	if endpoints+groups == 0 {
		return true
	}
	return endpoint.ID != 0 && (c.isTarget(first, endpoints, endpoint.ID) ||
		endpoint.Group != 0 && c.isTarget(first+endpoints, groups, endpoint.Group))
}

// isTarget looks an ID up among n sorted targets.
func (c *Core) isTarget(first, n int, id uint64) bool {
	lo, hi := first, first+n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch at := frame.U64(c.record(targets, mid), 0); {
		case at == id:
			return true
		case at < id:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}
