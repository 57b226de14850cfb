package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/weirhq/weir/controlplane"
)

// cohorts are those that accounts are in, with the limits of their versions, what
// splits them, and what lies over them.
type cohorts struct {
	all    []cohort
	limits map[controlplane.ID][]controlplane.Limit // by version
	splits map[controlplane.ID]steps                // by the cohort that is split
	pilots map[controlplane.ID]pilot                // by tier
}

// cohort is accounts of a tier that are on the same version of it.
type cohort struct{ ID, TierID, VersionID controlplane.ID }

// steps is a move in steps: some accounts of a cohort are on their way to another.
type steps struct {
	move, to controlplane.ID
	percent  int
}

// pilot is one that lies over the cohorts of a tier.
type pilot struct {
	id, version controlplane.ID
	percent     int
	listed      map[int64]bool // accounts
	// Once it is promoted: the cohort to which its accounts go, and from which.
	to   controlplane.ID
	from []int64
}

func readCohorts(ctx context.Context, q querier) (c cohorts, err error) {
	if c.all, err = list[cohort](ctx, q, `select id, tier_id, version_id from cohorts`); err != nil {
		return c, err
	}
	if c.pilots, err = readPilots(ctx, q); err != nil {
		return c, err
	}
	versions := make([]controlplane.ID, len(c.all))
	for i := range c.all {
		versions[i] = c.all[i].VersionID
	}
	for _, p := range c.pilots {
		versions = append(versions, p.version)
	}
	if c.limits, err = limitsOfVersions(ctx, q, versions); err != nil {
		return c, err
	}
	moves, err := list[struct {
		ID, To, From controlplane.ID
		Percent      int
	}](ctx, q, `
		select id, cohort_id, unnest(from_cohorts), percent from tier_moves where way = 'steps' and state in ('running', 'paused', 'stopping')`)
	c.splits = make(map[controlplane.ID]steps, len(moves))
	for _, m := range moves {
		c.splits[m.From] = steps{m.ID, m.To, m.Percent}
	}
	return c, err
}

// readPilots returns the pilots that lie over something, by tier.
func readPilots(ctx context.Context, q querier) (map[controlplane.ID]pilot, error) {
	rows, err := list[struct {
		Tier, ID, Version controlplane.ID
		Percent           int
		To                controlplane.ID
		From, Listed      []int64
	}](ctx, q, `
		select tier_id, id, version_id, percent, coalesce(cohort_id, 0), from_cohorts, (select array_agg(account_id) from pilot_accounts where pilot_id = id)
		from pilots p where state in ('running', 'promoting') and exists (select from tiers t where t.id = p.tier_id)`)
	pilots := make(map[controlplane.ID]pilot, len(rows))
	for _, r := range rows {
		p := pilot{r.ID, r.Version, r.Percent, make(map[int64]bool, len(r.Listed)), r.To, r.From}
		for _, account := range r.Listed {
			p.listed[account] = true
		}
		pilots[r.Tier] = p
	}
	return pilots, err
}

// has tells whether an account is in the pilot that is in a cohort of its tier.
func (p pilot) has(account, cohort controlplane.ID) bool {
	if p.id == 0 || p.to != 0 && !slices.Contains(p.from, int64(cohort)) {
		return false
	}
	return p.listed[int64(account)] || accountPlace("pilot "+strconv.FormatInt(int64(p.id), 10), account) < p.percent*100
}

// of returns the cohort that an account counts with that is in one, pilots aside.
func (c cohorts) of(account, cohort controlplane.ID) controlplane.ID {
	s, ok := c.splits[cohort]
	if ok && accountPlace("move "+strconv.FormatInt(int64(s.move), 10), account) < s.percent*100 {
		return s.to
	}
	return cohort
}

// accountPlace is where in a split of accounts by percentage one stands, from 0 to
// 9999: what the database's function of that name says.
func accountPlace(split string, account controlplane.ID) int {
	sum := sha256.Sum256([]byte(split + ":" + strconv.FormatInt(int64(account), 10)))
	return int(uint64(binary.BigEndian.Uint32(sum[:])) * 10000 >> 32)
}
