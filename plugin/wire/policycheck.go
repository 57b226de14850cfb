package wire

import (
	"slices"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// fault says what is out of bounds or occurs twice in p; "" for nothing.
// Lists are sorted by ID, keys by digest.
func (p *Policy) fault() string {
	switch {
	case p.Version-1 >= MaxNumber:
		return frame.OutOfRange("version", p.Version, 1, MaxNumber)
	case len(p.Endpoints) > MaxEndpoints:
		return frame.OutOfRange("endpoints", uint64(len(p.Endpoints)), 0, MaxEndpoints)
	case len(p.Tiers) > MaxTiers:
		return frame.OutOfRange("tiers", uint64(len(p.Tiers)), 0, MaxTiers)
	case len(p.Accounts) > MaxAccounts:
		return frame.OutOfRange("accounts", uint64(len(p.Accounts)), 0, MaxAccounts)
	case len(p.Keys) > MaxKeys:
		return frame.OutOfRange("keys", uint64(len(p.Keys)), 0, MaxKeys)
	}
	for _, check := range []func() string{p.endpointsFault, p.tiersFault, p.accountsFault, p.keysFault} {
		if what := check(); what != "" {
			return what
		}
	}
	return ""
}

func named(noun string, id uint64) string { return noun + " " + frame.Decimal(id) }

// idFault checks the ID of a record against bounds and the one before it.
func idFault(noun string, id, before uint64) string {
	if id-1 >= MaxNumber {
		return frame.OutOfRange(noun+": id", id, 1, MaxNumber)
	}
	if id == before {
		return named(noun, id) + ": its id occurs twice"
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
	return len(s) >= 1 && len(s) <= MaxMethodBytes && only(s, func(c byte) bool { return c >= 'A' && c <= 'Z' })
}

func isLimitName(s string) bool {
	return len(s) >= 1 && len(s) <= MaxLimitNameBytes && only(s, func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	})
}

func only(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isPeriod(seconds uint32) bool {
	return seconds == 1 || seconds == 60 || seconds == 3600 || seconds == 86400
}

func (p *Policy) tiersFault() string {
	var before uint64
	names := make(map[string]uint64, len(p.Tiers))
	limitTier := map[uint64]uint64{}
	for _, t := range p.Tiers {
		if what := idFault("tier", t.ID, before); what != "" {
			return what
		}
		before = t.ID
		if other, found := names[t.Name]; found {
			return named("tier", t.ID) + ": has the name of " + named("tier", other)
		}
		names[t.Name] = t.ID
		if what := t.fault(); what != "" {
			return named("tier", t.ID) + ": " + what
		}
		for _, l := range t.Limits {
			if other, found := limitTier[l.ID]; found {
				return named("tier", t.ID) + ": " + named("limit", l.ID) + ": is also in " + named("tier", other)
			}
			limitTier[l.ID] = t.ID
		}
	}
	return ""
}

func (t *Tier) fault() string {
	if what := frame.TextFault("name", t.Name, 1, MaxTierNameBytes); what != "" {
		return what
	}
	if len(t.Limits) > MaxTierLimits {
		return frame.OutOfRange("limits", uint64(len(t.Limits)), 0, MaxTierLimits)
	}
	for i, l := range t.Limits {
		if what := l.fault(); what != "" {
			return named("limit", l.ID) + ": " + what
		}
		if slices.ContainsFunc(t.Limits[:i], func(o Limit) bool { return o.ID == l.ID || o.Name == l.Name }) {
			return named("limit", l.ID) + ": its id or its name, " + l.Name + ", occurs twice"
		}
	}
	return ""
}

// fault checks all but the endpoint.
func (l *Limit) fault() string {
	switch {
	case l.ID-1 >= MaxNumber:
		return frame.OutOfRange("id", l.ID, 1, MaxNumber)
	case !isLimitName(l.Name):
		return "name: \"" + l.Name + "\" is not 1 to 64 of a-z, 0-9 and -"
	case l.Amount-1 >= MaxAmount:
		return frame.OutOfRange("amount", l.Amount, 1, MaxAmount)
	case l.Burst-1 >= MaxAmount:
		return frame.OutOfRange("burst", l.Burst, 1, MaxAmount)
	case !isPeriod(l.PeriodSeconds):
		return "period: " + frame.Decimal(uint64(l.PeriodSeconds)) + " s is not 1, 60, 3600 or 86400"
	}
	return ""
}

func (p *Policy) accountsFault() string {
	var before uint64
	for _, a := range p.Accounts {
		if what := idFault("account", a.ID, before); what != "" {
			return what
		}
		before = a.ID
	}
	return ""
}

func (p *Policy) keysFault() string {
	ids := make(map[uint64]bool, len(p.Keys))
	for i, k := range p.Keys {
		switch {
		case k.ID-1 >= MaxNumber:
			return frame.OutOfRange("key: id", k.ID, 1, MaxNumber)
		case ids[k.ID]:
			return named("key", k.ID) + ": its id occurs twice"
		case i > 0 && p.Keys[i-1].Digest == k.Digest:
			return named("key", k.ID) + ": has the digest of " + named("key", p.Keys[i-1].ID)
		}
		ids[k.ID] = true
	}
	return ""
}
