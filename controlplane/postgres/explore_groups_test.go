package postgres_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// Pages of groups, one after the other, have those of one large page.
func TestPagesOfGroupsHaveEachGroupOnce(t *testing.T) {
	db := open(t)
	commitSummed(t, db, someEntries(11))
	b := &wire.Batch{Source: wire.SourceID{2}, Sequence: 1, Node: "n"}
	for account, amount := range []uint64{9, 4, 9} {
		b.Meters = append(b.Meters, wire.MeterEntry{MeterKey: wire.MeterKey{Minute: autumn.Unix() / 60, Account: uint64(account), Meter: 1}, Requests: 1, Amount: amount})
	}
	commit(t, db, b)
	berlin, err := explore.Zone("timeZone", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	daily := controlplane.ByDay
	own := controlplane.UsageFilter{Accounts: []controlplane.ID{1, 2, 3}}
	for name, q := range map[string]explore.Question{
		"from packs":            {GroupBy: []explore.Dimension{explore.ByKey, explore.ByEndpoint}},
		"of equal ones":         {GroupBy: []explore.Dimension{explore.ByEndpoint, explore.ByDecision, explore.ByTier}, OrderBy: explore.Errors},
		"from rows":             {GroupBy: []explore.Dimension{explore.ByAccount, explore.ByEndpoint, explore.ByStatus}, OrderBy: explore.BytesIn},
		"of an account":         {GroupBy: []explore.Dimension{explore.ByStatus, explore.ByTier}, Filter: controlplane.UsageFilter{Accounts: []controlplane.ID{2}}},
		"in its own time zone":  {GroupBy: []explore.Dimension{explore.ByKey, explore.ByAccount}, Zone: berlin, OwnZone: true, Granularity: &daily, Filter: own, OrderBy: explore.Cost},
		"by a custom meter":     {GroupBy: []explore.Dimension{explore.ByAccount}, Meters: []controlplane.ID{1}, OrderByMeter: 1},
		"along points compared": {GroupBy: []explore.Dimension{explore.ByKey}, Granularity: &daily, Compare: explore.WithPreviousPeriod, Want: explore.Want{Series: true}},
	} {
		t.Run(name, func(t *testing.T) {
			q.From, q.To = autumn, autumn.AddDate(0, 0, 4)
			if q.Zone == nil {
				q.Zone = time.UTC
			}
			ask := func(top int, after *explore.Place) *explore.Report {
				t.Helper()
				q.Top, q.After = top, after
				r, err := db.Explore(t.Context(), q, q.To)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			all := ask(100, nil)
			if all.More || all.GroupCount != len(all.Groups) || len(all.Groups) < 3 {
				t.Fatalf("%d groups of %d on one page", len(all.Groups), all.GroupCount)
			}
			const size = 2
			var pages []explore.Group
			var place *explore.Place
			for more := true; more; {
				r := ask(size, place)
				pages = append(pages, r.Groups...)
				if more = r.More; more != (len(pages) < len(all.Groups)) || r.GroupCount != len(all.Groups) || more && len(r.Groups) != size {
					t.Fatalf("%d groups on a page, %d in all, %d read, more: %v", len(r.Groups), r.GroupCount, len(pages), more)
				}
				if place, err = q.ReadCursor(r.EndCursor); err != nil {
					t.Fatal(err)
				}
			}
			if diff := gocmp.Diff(all.Groups, pages); diff != "" {
				t.Errorf("(-one page +several):\n%s", diff)
			}
			if r := ask(size, place); len(r.Groups) != 0 || r.More || r.GroupCount != len(all.Groups) || r.Other.Totals.Requests != all.Totals.Requests {
				t.Errorf("after the last: %+v", r)
			}
		})
	}
}
