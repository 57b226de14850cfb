package declare

import (
	"cmp"
	"slices"
	"time"
)

// accounts are those of the document, with what they leave as it is taken from the state.
func (p *planner) accounts() []Account {
	there := map[string]Account{}
	for _, a := range p.presentAccounts() {
		there[a.Name] = a
	}
	wanted := slices.Clone(p.document.Accounts)
	for i := range wanted {
		a := &wanted[i]
		was := there[a.Name]
		a.Status = cmp.Or(a.Status, was.Status, "ACTIVE")
		if a.Labels == nil {
			a.Labels = was.Labels
		}
		if a.Overrides == nil {
			a.Overrides = was.Overrides
		}
		if a.Identities == nil {
			a.Identities = was.Identities
		}
		a.Overrides = p.running(a.Overrides)
	}
	return wanted
}

func (p *planner) presentAccounts() []Account {
	there := slices.Clone(p.state.Document.Accounts)
	for i := range there {
		there[i].Overrides = p.running(there[i].Overrides)
	}
	return there
}

// running leaves out the overrides that have ended, and writes times as the API does.
func (p *planner) running(overrides []Override) []Override {
	var left []Override
	for _, o := range overrides {
		if o.Until != nil {
			if !o.Until.After(p.options.Now) {
				continue
			}
			until := o.Until.UTC().Truncate(time.Millisecond)
			o.Until = &until
		}
		left = append(left, o)
	}
	return left
}

// references tells of names that nothing has, neither the state nor the document.
func (p *planner) references() {
	has := func(kind Kind, name string) bool {
		_, held := p.state.Held[Key{kind, name}]
		return name == "" || held || p.wanted[Key{kind, name}]
	}
	check := func(o origin, of, field string, kind Kind, name string) {
		if !has(kind, name) {
			p.fault(o, "%s: %s names the %s %q, and there is none; add it to the files, or correct the name", of, field, kind, name)
		}
	}
	for _, e := range p.document.Endpoints {
		check(e.origin, "endpoint "+e.Name(), "group", KindGroup, e.Group)
	}
	for _, m := range p.document.Meters {
		check(m.origin, "meter "+m.Name, "endpoint", KindEndpoint, m.Endpoint)
	}
	for _, t := range p.document.Tiers {
		for _, l := range t.Limits {
			check(t.origin, "tier "+t.Name, "limits."+l.Name+".endpoint", KindEndpoint, l.Endpoint)
			check(t.origin, "tier "+t.Name, "limits."+l.Name+".group", KindGroup, l.Group)
		}
	}
	if d := p.document.Defaults; d != nil {
		check(d.origin, "defaults", "tier", KindTier, d.Tier)
		check(d.origin, "defaults", "anonymousTier", KindTier, d.AnonymousTier)
	}
	for _, a := range p.document.Accounts {
		check(a.origin, "account "+a.Name, "tier", KindTier, a.Tier)
		p.overridden(a)
	}
}

// overridden tells of overrides of limits that the account's tier will not have.
func (p *planner) overridden(a Account) {
	tier := a.Tier
	if tier == "" {
		defaults := cmp.Or(p.document.Defaults, p.state.Document.Defaults)
		if defaults == nil {
			return
		}
		tier = defaults.Tier
	}
	named := func(t Tier) bool { return t.Name == tier }
	tiers := p.document.Tiers
	i := slices.IndexFunc(tiers, named)
	if i < 0 {
		tiers = p.state.Document.Tiers
		i = slices.IndexFunc(tiers, named)
	}
	if i < 0 {
		return // told already
	}
	for _, o := range p.running(a.Overrides) {
		if !slices.ContainsFunc(tiers[i].Limits, func(l Limit) bool { return l.Name == o.Limit }) {
			p.fault(a.origin, "account %s overrides the limit %q, and tier %s has none of that name; correct the name, or leave the override out", a.Name, o.Limit, tier)
		}
	}
}
