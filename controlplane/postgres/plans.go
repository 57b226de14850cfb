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

// What the ids of plans begin at that are not a tier's: far beyond any tier's.
const (
	cohortPlans = 1 << 46
	pilotPlans  = 1 << 47
	ownPlans    = 1 << 48
)

// plans makes the plans of a policy: one for each tier as it is now, one for each
// cohort and pilot that has keys, and for the accounts with overrides one of their own. Accounts of
// a version with the same overrides share one, whose id comes from the first of them.
type plans struct {
	all       []book.Plan
	splits    cohorts
	tiers     map[controlplane.ID]*plan  // by tier: of the current version
	cohorts   map[controlplane.ID]*plan  // by cohort
	pilots    map[controlplane.ID]*plan  // by tier
	byDefault *plan                      // of accounts that have no tier of their own
	own       map[controlplane.ID]uint64 // by account
	shared    map[string]uint64          // by version and overrides
}

// plan is one that several accounts share who have no overrides.
type plan struct {
	id      uint64
	tier    controlplane.ID
	name    string // the tier's
	version controlplane.ID
	limits  []controlplane.Limit
	added   bool
}

func (p *plan) has(limit controlplane.ID) bool {
	return slices.ContainsFunc(p.limits, func(l controlplane.Limit) bool { return l.ID == limit })
}

func newPlans(tiers []controlplane.Tier, c cohorts, byDefault controlplane.ID) *plans {
	p := &plans{
		splits: c, tiers: map[controlplane.ID]*plan{}, cohorts: map[controlplane.ID]*plan{}, pilots: map[controlplane.ID]*plan{},
		own: map[controlplane.ID]uint64{}, shared: map[string]uint64{},
	}
	for _, t := range tiers {
		p.tiers[t.ID] = &plan{id: uint64(t.ID), tier: t.ID, name: t.Name, version: t.VersionID, limits: t.Limits}
		p.share(p.tiers[t.ID])
	}
	for _, c := range c.all {
		p.cohorts[c.ID] = &plan{id: cohortPlans + uint64(c.ID), tier: c.TierID, name: p.tiers[c.TierID].name, version: c.VersionID, limits: p.splits.limits[c.VersionID]}
	}
	for tier, of := range c.pilots {
		p.pilots[tier] = &plan{id: pilotPlans + uint64(of.id), tier: tier, name: p.tiers[tier].name, version: of.version, limits: c.limits[of.version]}
		if of.to != 0 {
			p.pilots[tier] = p.cohorts[of.to]
		}
	}
	p.byDefault = p.tiers[byDefault]
	return p
}

// share adds the plan of accounts without overrides, unless it is there.
func (p *plans) share(of *plan) uint64 {
	if !of.added {
		of.added = true
		p.add(of.id, of, of.limits, make([]int64, len(of.limits)))
	}
	return of.id
}

// of returns the plan that an account of a cohort is on when it has no overrides.
func (p *plans) of(account, cohort controlplane.ID) *plan {
	if cohort == 0 {
		return p.byDefault
	}
	if tier := p.cohorts[cohort].tier; p.splits.pilots[tier].has(account, cohort) {
		return p.pilots[tier]
	}
	return p.cohorts[p.splits.of(account, cohort)]
}

// override gives an account a plan of its own: that which it is on, with the overrides
// put in place. They are of limits of that plan, in the order of their limits' ids.
func (p *plans) override(account controlplane.ID, on *plan, overrides []controlplane.Override) {
	var name strings.Builder
	fmt.Fprint(&name, on.version)
	for _, o := range overrides {
		fmt.Fprint(&name, " ", o.LimitID, " ", o.Amount, " ", o.Burst, " ", o.Mode, " ", endOf(o))
	}
	id, ok := p.shared[name.String()]
	if !ok {
		id = ownPlans + uint64(account)
		p.shared[name.String()] = id
		limits := slices.Clone(on.limits)
		ends := make([]int64, len(limits))
		for i, l := range on.limits {
			for _, o := range overrides {
				if o.LimitID == l.ID {
					limits[i], ends[i] = o.Apply(l), endOf(o)
				}
			}
		}
		p.add(id, on, limits, ends)
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

// add adds a plan. ends are when each of its limits gives way to the version's.
func (p *plans) add(id uint64, of *plan, limits []controlplane.Limit, ends []int64) {
	made := book.Plan{ID: id, Tier: uint64(of.tier), Name: of.name}
	for i, l := range limits {
		compiled := l.Compiled()
		compiled.EndsAtMS = ends[i]
		made.Limits = append(made.Limits, compiled)
	}
	p.all = append(p.all, made)
}

// checkPlans refuses one plan more than the filter takes.
func checkPlans(ctx context.Context, tx pgx.Tx, field string) error {
	return checkCount(ctx, tx, `
		select (select count(*) from tiers) + (select count(*) from cohorts) + (select count(*) from pilots join tiers on tiers.id = tier_id where state = 'running') + (select count(distinct account_id) from overrides where not ended)`, book.MaxPlans,
		controlplane.Conflict(field, "there are %d tiers, versions and pilots of them with accounts, and accounts with overrides, and the filter takes no more; delete one of them first", book.MaxPlans))
}
