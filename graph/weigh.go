package graph

import (
	"math"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/graph/generated"
	"github.com/weirhq/weir/graph/model"
)

// heaviest is what the weight of a field ends at: an operation that asks for more is
// refused, and doesn't wrap round to one that asks for little.
const heaviest = math.MaxInt32

// replayCosts is the weight of reading all of something, for seconds: few fit into an
// operation.
const replayCosts = maxComplexity / 4

func sum(a, b int) int { return min(heaviest, max(0, a)+max(0, b)) }

// rows is the weight of a list of n.
func rows(n, child int) int {
	return sum(1, min(max(0, n), heaviest)*min(max(0, child), heaviest))
}

// weigh makes a field cost as many times its children as it can have rows.
func weigh(c *generated.Config) {
	weighLive(c)
	c.Complexity.Query.Accounts = func(child, first int, _ *string, _ *model.AccountFilter, _ *model.AccountOrder) int {
		return rows(first, child)
	}
	paged := func(child, first int, _ *string) int { return rows(first, child) }
	weighLists(c)
	c.Complexity.Tier.Versions = paged
	c.Complexity.Account.Keys, c.Complexity.Account.Overrides, c.Complexity.Account.Identities = paged, paged, paged
	c.Complexity.EndpointGroup.Endpoints = paged
	c.Complexity.Query.Tiers, c.Complexity.Query.EndpointGroups = paged, paged
	c.Complexity.Query.Meters, c.Complexity.Query.APITokens = paged, paged
	c.Complexity.Query.Endpoints = func(child, first int, _, _ *string) int { return rows(first, child) }
	c.Complexity.Query.SuggestedEndpoints = func(child, first int, _ *string) int { return sum(suggestingCosts, rows(first, child)) }
	c.Complexity.Query.Nodes = func(child int, ids []string) int { return rows(len(ids), child) }
	c.Complexity.Query.Members = func(child, first int, _, _ *string, _ *controlplane.Role) int { return rows(first, child) }
	c.Complexity.Query.TopConsumers = func(child int, _ time.Time, _ *time.Time, first int, _ *model.UsageFilter) int {
		return rows(first, child)
	}
	c.Complexity.Query.Denials = func(child int, _, _ *string, first int, _ *string) int { return rows(first, child) }
	c.Complexity.Query.LimitActivity = func(child int, _ time.Time, _ *time.Time, _, _ *string) int { return rows(maxActiveLimits, child) }
	c.Complexity.Query.LimitEffect = func(child int, _ string, from time.Time, to *time.Time, g controlplane.Granularity) int {
		return rows(g.Points(from, orNow(to)), child)
	}
	c.Complexity.Pilot.Effect = func(child int) int { return sum(500, child) }              // it looks at all accounts of the tier
	c.Complexity.AuditRecord.RevertPreview = func(child int) int { return sum(100, child) } // of a publication it looks at all accounts of the tier
	c.Complexity.Query.Preview = func(child int, in model.PreviewInput) int { return sum(replayCosts, rows(in.First, child)) }
	c.Complexity.Query.AuditVerify = func(child int, _ int64, _ []string) int { return sum(replayCosts, child) }
	c.Complexity.Query.Explore = func(child int, in model.ExploreInput) int { return rows(in.Top, child) }
	c.Complexity.Query.HeatMap = func(child int, _ model.HeatMapInput) int { return rows(explore.HoursOfWeek, child) }
	c.Complexity.Query.Reconciliation = func(child int, _, _ time.Time, _ *string, first int, _ *string) int { return rows(first, child) }
	c.Complexity.Query.UnaccountedUsage = func(child, first int, _ *string, _ *bool) int { return rows(first, child) }
	c.Complexity.Query.AuditLog = func(child, first int, _ *string, _ *model.AuditFilter) int { return rows(first, child) }
	c.Complexity.Query.ScheduledChanges = func(child, first int, _, _ *string, _ []controlplane.ScheduleStatus) int { return rows(first, child) }
	c.Complexity.Query.Corrections = func(child int, _ *string, first int, _ *string) int { return rows(first, child) }
	c.Complexity.Query.Usage = func(child int, from time.Time, to *time.Time, g controlplane.Granularity, _ *model.UsageFilter) int {
		return rows(g.Points(from, orNow(to)), child)
	}
}

// weighLists gives the lists without a size that is asked for the one that they
// usually have; those that can be longer are held by an operation's budget.
func weighLists(c *generated.Config) {
	of := func(n int) func(int) int { return func(child int) int { return rows(n, child) } }
	w := &c.Complexity
	w.Account.Labels, w.Account.Levels, w.Account.Quotas = of(5), of(5), of(3)
	w.LiveRemaining.Levels, w.LiveRemaining.Quotas = of(5), of(3)
	w.AuditRecord.Changes, w.Denial.Levels = of(10), of(5)
	w.KeyScope.Endpoints, w.KeyScope.Groups = of(2), of(2)
	w.Tier.Limits, w.TierVersion.Limits = of(3), of(3)
	w.EndpointChange.UsedBy, w.ImportOpenApiPayload.Changes = of(3), of(500)
	w.ChangeAccountsPayload.Outcomes, w.LeakedKeysPayload.Leaks = of(100), of(100)
	w.Query.EndpointSources, w.Query.ManagedObjects = of(20), of(1000)
	w.Retention.Levels, w.RetentionPlan.Levels = of(5), of(5)
	w.Rollout.Workers, w.Rollout.Gone, w.Rollout.Recent = of(100), of(50), of(20)
	w.UsageColumns.Meters, w.UsageFigures.Meters = of(3), of(3)
	w.Viewer.Sessions, w.EndpointsPayload.Endpoints = of(10), of(100)
	// The field that these are below has counted their rows.
	counted := of(1)
	w.HeatMap.Cells, w.LimitEffect.Accounts, w.LimitEffect.Points = counted, counted, counted
	w.LiveConsumers.Consumers = counted
	w.Preview.Accounts, w.Preview.Limits, w.Preview.Points = counted, counted, counted
	w.Reconciliation.Levels, w.Reconciliation.Rows, w.Reconciliation.Sources = counted, counted, counted
	w.UsageReport.Groups, w.UsageSeries.Points = counted, counted
}

func orNow(to *time.Time) time.Time {
	if to != nil {
		return *to
	}
	return time.Now()
}
