package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// ownPlans is what the ids of plans that are not a tier's begin at: far beyond
// any tier's.
const ownPlans = 1 << 48

// plans makes the plans of a policy: one for each tier, and for the accounts
// with overrides one of their own. Accounts of a tier with the same overrides
// share one, whose id comes from the first of them.
type plans struct {
	all    []book.Plan
	tiers  map[controlplane.ID]controlplane.Tier
	own    map[controlplane.ID]uint64          // by account
	shared map[string]uint64                   // by tier and overrides
	limits map[controlplane.ID]controlplane.ID // the tier of each limit
}

func newPlans(tiers []controlplane.Tier) *plans {
	p := &plans{tiers: map[controlplane.ID]controlplane.Tier{}, own: map[controlplane.ID]uint64{}, shared: map[string]uint64{}, limits: map[controlplane.ID]controlplane.ID{}}
	for _, t := range tiers {
		p.tiers[t.ID] = t
		for _, l := range t.Limits {
			p.limits[l.ID] = t.ID
		}
		p.add(uint64(t.ID), t, t.Limits, make([]int64, len(t.Limits)))
	}
	return p
}

// has says whether a limit is one of a tier.
func (p *plans) has(tier, limit controlplane.ID) bool { return p.limits[limit] == tier }

// override gives an account a plan of its tier with the overrides put in place.
// They are of limits of that tier, in the order of their limits' ids.
func (p *plans) override(account, tier controlplane.ID, overrides []controlplane.Override) {
	var name strings.Builder
	fmt.Fprint(&name, tier)
	for _, o := range overrides {
		fmt.Fprint(&name, " ", o.LimitID, " ", o.Amount, " ", o.Burst, " ", o.Mode, " ", endOf(o))
	}
	id, ok := p.shared[name.String()]
	if !ok {
		id = ownPlans + uint64(account)
		p.shared[name.String()] = id
		t := p.tiers[tier]
		limits := slices.Clone(t.Limits)
		ends := make([]int64, len(limits))
		for i, l := range t.Limits {
			for _, o := range overrides {
				if o.LimitID == l.ID {
					limits[i], ends[i] = o.Apply(l), endOf(o)
				}
			}
		}
		p.add(id, t, limits, ends)
	}
	p.own[account] = id
}

// endOf returns when an override ends, in Unix milliseconds; 0: never.
func endOf(o controlplane.Override) int64 {
	if o.Until == nil {
		return 0
	}
	return o.Until.UnixMilli()
}

// add adds a plan. ends are when each of its limits gives way to the tier's.
func (p *plans) add(id uint64, tier controlplane.Tier, limits []controlplane.Limit, ends []int64) {
	plan := book.Plan{ID: id, Tier: uint64(tier.ID), Name: tier.Name}
	for i, l := range limits {
		compiled := l.Compiled()
		compiled.EndsAtMS = ends[i]
		plan.Limits = append(plan.Limits, compiled)
	}
	p.all = append(p.all, plan)
}

// checkPlans refuses one tier or override more than the filter takes.
func checkPlans(ctx context.Context, tx pgx.Tx, field string) error {
	return checkCount(ctx, tx, `select (select count(*) from tiers) + (select count(distinct account_id) from overrides where not ended)`, book.MaxPlans,
		controlplane.Conflict(field, "there are %d tiers and accounts with overrides, and the filter takes no more; delete one of them first", book.MaxPlans))
}
