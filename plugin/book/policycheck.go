package book

import (
	"slices"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// fault says what is out of bounds, occurs twice or isn't there in p; "" for
// nothing. Lists are sorted by ID, keys by digest.
func (p *Policy) fault() string {
	switch {
	case p.Version-1 >= wire.MaxNumber:
		return frame.OutOfRange("version", p.Version, 1, wire.MaxNumber)
	case len(p.Groups) > MaxGroups:
		return frame.OutOfRange("groups", uint64(len(p.Groups)), 0, MaxGroups)
	case len(p.Endpoints) > MaxEndpoints:
		return frame.OutOfRange("endpoints", uint64(len(p.Endpoints)), 0, MaxEndpoints)
	case len(p.Plans) > MaxPlans:
		return frame.OutOfRange("plans", uint64(len(p.Plans)), 0, MaxPlans)
	case len(p.Keys) > MaxKeys:
		return frame.OutOfRange("keys", uint64(len(p.Keys)), 0, MaxKeys)
	case len(p.Scopes) > MaxScopes:
		return frame.OutOfRange("scopes", uint64(len(p.Scopes)), 0, MaxScopes)
	case len(p.Meters) > MaxMeters:
		return frame.OutOfRange("meters", uint64(len(p.Meters)), 0, MaxMeters)
	}
	for _, check := range [...]func() string{p.groupsFault, p.endpointsFault, p.plansFault, p.scopesFault, p.keysFault, p.metersFault} {
		if what := check(); what != "" {
			return what
		}
	}
	if p.Anonymous != 0 && !p.hasPlan(p.Anonymous) {
		return "anonymous: there is no " + named("plan", p.Anonymous)
	}
	return ""
}

func named(noun string, id uint64) string { return noun + " " + frame.Decimal(id) }

// idFault checks the ID of a record against bounds and the one before it.
func idFault(noun string, id, before uint64) string {
	if id-1 >= wire.MaxNumber {
		return frame.OutOfRange(noun+": id", id, 1, wire.MaxNumber)
	}
	if id == before {
		return named(noun, id) + ": its id occurs twice"
	}
	return ""
}

// has finds an ID in a list sorted by it.
func has[T any](list []T, id uint64, idOf func(T) uint64) bool {
	_, found := slices.BinarySearchFunc(list, id, func(x T, id uint64) int {
		switch at := idOf(x); {
		case at < id:
			return -1
		case at > id:
			return 1
		}
		return 0
	})
	return found
}

func (p *Policy) hasGroup(id uint64) bool {
	return has(p.Groups, id, func(g Group) uint64 { return g.ID })
}

func (p *Policy) hasEndpoint(id uint64) bool {
	return has(p.Endpoints, id, func(e Endpoint) uint64 { return e.ID })
}

func (p *Policy) hasPlan(id uint64) bool {
	return has(p.Plans, id, func(q Plan) uint64 { return q.ID })
}

func (p *Policy) groupsFault() string {
	var before uint64
	names := make(map[string]uint64, len(p.Groups))
	for _, g := range p.Groups {
		if what := idFault("group", g.ID, before); what != "" {
			return what
		}
		before = g.ID
		if other, found := names[g.Name]; found {
			return named("group", g.ID) + ": has the name of " + named("group", other)
		}
		names[g.Name] = g.ID
		if what := frame.TextFault("name", g.Name, 1, MaxNameBytes); what != "" {
			return named("group", g.ID) + ": " + what
		}
	}
	return ""
}

func (p *Policy) endpointsFault() string {
	var before uint64
	for _, e := range p.Endpoints {
		if what := idFault("endpoint", e.ID, before); what != "" {
			return what
		}
		before = e.ID
		if what := e.fault(); what != "" {
			return named("endpoint", e.ID) + ": " + what
		}
		if e.Group != 0 && !p.hasGroup(e.Group) {
			return named("endpoint", e.ID) + ": there is no " + named("group", e.Group)
		}
	}
	return ""
}

func (e *Endpoint) fault() string {
	if !isMethod(e.Method) {
		return "method: \"" + e.Method + "\" is not 1 to 20 upper-case letters or *"
	}
	if e.Cost-1 >= MaxCost {
		return frame.OutOfRange("cost", uint64(e.Cost), 1, MaxCost)
	}
	return templateFault(e.Template)
}

func isMethod(s string) bool {
	if s == anyMethod {
		return true
	}
	return len(s) >= 1 && len(s) <= wire.MaxMethodBytes && only(s, func(c byte) bool { return c >= 'A' && c <= 'Z' })
}

func only(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func (p *Policy) plansFault() string {
	var before uint64
	tiers := map[string]uint64{}
	for i := range p.Plans {
		q := &p.Plans[i]
		if what := idFault("plan", q.ID, before); what != "" {
			return what
		}
		before = q.ID
		if what := q.fault(p); what != "" {
			return named("plan", q.ID) + ": " + what
		}
		if q.ID != q.Tier {
			continue
		}
		if other, found := tiers[q.Name]; found {
			return named("plan", q.ID) + ": has the name of " + named("plan", other)
		}
		tiers[q.Name] = q.ID
	}
	return ""
}

func (q *Plan) fault(p *Policy) string {
	if q.Tier-1 >= wire.MaxNumber {
		return frame.OutOfRange("tier", q.Tier, 1, wire.MaxNumber)
	}
	if what := frame.TextFault("name", q.Name, 1, MaxNameBytes); what != "" {
		return what
	}
	if len(q.Limits) > MaxPlanLimits {
		return frame.OutOfRange("limits", uint64(len(q.Limits)), 0, MaxPlanLimits)
	}
	for i := range q.Limits {
		l := &q.Limits[i]
		if what := l.fault(); what != "" {
			return named("limit", l.ID) + ": " + what
		}
		if slices.ContainsFunc(q.Limits[:i], func(o Limit) bool { return o.ID == l.ID || o.Name == l.Name }) {
			return named("limit", l.ID) + ": its id or its name, " + l.Name + ", occurs twice"
		}
		switch {
		case l.Selector == OneEndpoint && !p.hasEndpoint(l.Target):
			return named("limit", l.ID) + ": there is no " + named("endpoint", l.Target)
		case l.Selector == OneGroup && !p.hasGroup(l.Target):
			return named("limit", l.ID) + ": there is no " + named("group", l.Target)
		}
	}
	return ""
}

func (p *Policy) keysFault() string {
	ids := make(map[uint64]struct{}, len(p.Keys))
	accounts := make(map[uint64]int32, len(p.Keys))
	for i := range p.Keys {
		k := &p.Keys[i]
		if k.ID-1 >= wire.MaxNumber {
			return frame.OutOfRange("key: id", k.ID, 1, wire.MaxNumber)
		}
		if what := k.fault(p); what != "" {
			return named("key", k.ID) + ": " + what
		}
		if i > 0 && p.Keys[i-1].Digest == k.Digest {
			return named("key", k.ID) + ": has the digest of " + named("key", p.Keys[i-1].ID)
		}
		if ids[k.ID] = struct{}{}; len(ids) == i {
			return named("key", k.ID) + ": its id occurs twice"
		}
		first, found := accounts[k.Account]
		if !found {
			accounts[k.Account] = int32(i)
			continue
		}
		if o := &p.Keys[first]; o.Plan != k.Plan || o.Epoch != k.Epoch || o.AccountSuspended != k.AccountSuspended {
			return named("key", k.ID) + ": says another plan, epoch or suspension of " + named("account", k.Account) + " than " + named("key", o.ID)
		}
	}
	return ""
}

func (k *Key) fault(p *Policy) string {
	switch {
	case k.Account-1 >= wire.MaxNumber:
		return frame.OutOfRange("account", k.Account, 1, wire.MaxNumber)
	case k.Kind < APIKey || k.Kind > Certificate:
		return "kind: " + strconv.Itoa(int(k.Kind)) + " is none"
	case uint64(k.ExpiresAt) > wire.MaxTimeMS:
		return "expiresAt: not in the years 1970 to 9999"
	case !p.hasPlan(k.Plan):
		return "there is no " + named("plan", k.Plan)
	case k.Scope != 0 && !p.hasScope(k.Scope):
		return "there is no " + named("scope", uint64(k.Scope))
	}
	return ""
}
