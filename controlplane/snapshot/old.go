package snapshot

import (
	"context"
	"strconv"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// NewerOld is Newer in the format that filters have had so far.
func (p *Publisher) NewerOld(ctx context.Context, have uint64) (data []byte, version uint64, ok bool) {
	if !p.await(ctx, have) {
		return nil, 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.old, p.version(), true
}

// oldPolicy leaves out what the old format can't say.
func oldPolicy(p book.Policy) wire.Policy {
	old := wire.Policy{Version: p.Version}
	for _, e := range p.Endpoints {
		old.Endpoints = append(old.Endpoints, wire.Endpoint{ID: e.ID, Method: e.Method, Template: e.Template, Cost: e.Cost})
	}
	for _, plan := range p.Plans {
		tier := wire.Tier{ID: plan.ID, Name: plan.Name}
		if plan.ID != plan.Tier {
			tier.Name += " " + strconv.FormatUint(plan.ID, 10)
		}
		for _, l := range plan.Limits {
			if l.Kind == book.Rate && l.Subject == book.PerAccount && l.Selector <= book.OneEndpoint && l.Measure == book.Requests && l.Mode == book.Enforce {
				tier.Limits = append(tier.Limits, wire.Limit{
					ID: l.ID, Name: l.Name, Endpoint: l.Target, Amount: l.Amount, PeriodSeconds: l.PeriodSeconds, Burst: l.Burst,
				})
			}
		}
		old.Tiers = append(old.Tiers, tier)
	}
	accounts := map[uint64]bool{}
	for _, k := range p.Keys {
		if !accounts[k.Account] {
			accounts[k.Account] = true
			old.Accounts = append(old.Accounts, wire.Account{ID: k.Account, Tier: k.Plan, Suspended: k.AccountSuspended})
		}
		if k.Kind == book.APIKey && !k.Suspended {
			old.Keys = append(old.Keys, wire.Key{ID: k.ID, Account: k.Account, Digest: k.Digest})
		}
	}
	return old
}
