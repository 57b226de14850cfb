package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/weirhq/weir/controlplane"
)

// cohorts are those that accounts are in, with the limits of their versions, and what
// splits them.
type cohorts struct {
	all    []cohort
	limits map[controlplane.ID][]controlplane.Limit // by version
	splits map[controlplane.ID]steps                // by the cohort that is split
}

// cohort is accounts of a tier that are on the same version of it.
type cohort struct{ ID, TierID, VersionID controlplane.ID }

// steps is a move in steps: some accounts of a cohort are on their way to another.
type steps struct {
	move, to controlplane.ID
	percent  int
}

func readCohorts(ctx context.Context, q querier) (c cohorts, err error) {
	if c.all, err = list[cohort](ctx, q, `select id, tier_id, version_id from cohorts`); err != nil {
		return c, err
	}
	versions := make([]controlplane.ID, len(c.all))
	for i := range c.all {
		versions[i] = c.all[i].VersionID
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

// of returns the cohort that an account counts with that is in one.
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
