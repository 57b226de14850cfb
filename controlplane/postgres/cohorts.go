package postgres

import (
	"context"

	"github.com/weirhq/weir/controlplane"
)

// cohorts are those that accounts are in, with the limits of their versions.
type cohorts struct {
	all    []cohort
	limits map[controlplane.ID][]controlplane.Limit // by version
}

// cohort is accounts of a tier that are on the same version of it.
type cohort struct{ ID, TierID, VersionID controlplane.ID }

func readCohorts(ctx context.Context, q querier) (c cohorts, err error) {
	if c.all, err = list[cohort](ctx, q, `select id, tier_id, version_id from cohorts`); err != nil {
		return c, err
	}
	versions := make([]controlplane.ID, len(c.all))
	for i := range c.all {
		versions[i] = c.all[i].VersionID
	}
	c.limits, err = limitsOfVersions(ctx, q, versions)
	return c, err
}
