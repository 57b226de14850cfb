package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane/client"
)

// Tiers are the commands for tiers. They are made and changed with weir apply.
type Tiers struct {
	List tiersList `cmd:"" help:"List tiers by name."`
	Get  tiersGet  `cmd:"" help:"Show one tier and its limits."`

	Versions tiersVersions `cmd:"" help:"List the versions of a tier, newest first, and its draft."`
	Preview  tiersPreview  `cmd:"" help:"Play limits on stored usage: whom a draft, an earlier version or other amounts would have throttled."`
	Publish  tiersPublish  `cmd:"" help:"Publish a tier's draft, or an earlier version again, as its current version."`
	Move     tiersMove     `cmd:"" help:"Show, pause, resume, stop or turn back the move of accounts to a version."`
}

func tierName(t client.CountedTier) string { return t.Name }

type tiersList struct {
	Remote
	Output
}

// Run lists tiers.
func (c tiersList) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tiers, err := allTiers(ctx, remote)
	if err != nil {
		return err
	}
	return write(t, c.Output, tiers, tierName,
		column[client.CountedTier]{"ID", false, func(t client.CountedTier) string { return t.Id }},
		column[client.CountedTier]{"NAME", false, tierName},
		column[client.CountedTier]{"REVISION", true, func(t client.CountedTier) string { return strconv.Itoa(t.Revision) }},
		column[client.CountedTier]{"ACCOUNTS", true, func(t client.CountedTier) string { return grouped(int64(t.AccountCount)) }},
		column[client.CountedTier]{"LIMITS", false, func(t client.CountedTier) string {
			var names []string
			for _, l := range t.Limits {
				names = append(names, l.Name)
			}
			return orDash(strings.Join(names, ", "))
		}},
	)
}

type tiersGet struct {
	Remote
	Output
	Tier string `arg:"" field:"id" help:"Its name or its id."`
}

// Run shows a tier.
func (c tiersGet) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tier, err := findTier(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	if c.Output.Output != "table" {
		return writeOne(t, c.Output, *tier, tierName)
	}
	fmt.Fprintf(t.Out, "%s  %s  revision %d  accounts %s\n\n", tier.Id, printable(tier.Name), tier.Revision, grouped(int64(tier.AccountCount)))
	return write(t, c.Output, tier.Limits, func(l client.Limit) string { return l.Name },
		column[client.Limit]{"LIMIT", false, func(l client.Limit) string { return l.Name }},
		column[client.Limit]{"KIND", false, func(l client.Limit) string { return string(l.Kind) }},
		column[client.Limit]{"AMOUNT", true, func(l client.Limit) string { return grouped(l.Amount) }},
		column[client.Limit]{"MEASURE", false, func(l client.Limit) string { return string(l.Measure) }},
		column[client.Limit]{"PERIOD", false, func(l client.Limit) string { return string(l.Period) }},
		column[client.Limit]{"BURST", true, func(l client.Limit) string {
			if l.Burst == nil {
				return "-"
			}
			return grouped(*l.Burst)
		}},
		column[client.Limit]{"SUBJECT", false, func(l client.Limit) string { return string(l.Subject) }},
		column[client.Limit]{"COUNTS", false, selected},
		column[client.Limit]{"MODE", false, func(l client.Limit) string { return string(l.Mode) }},
	)
}

// selected says which requests a limit counts.
func selected(l client.Limit) string {
	switch {
	case l.Endpoint != nil:
		return l.Endpoint.Method + " " + l.Endpoint.Template
	case l.Group != nil:
		return "group " + l.Group.Name
	}
	return string(l.Selector)
}
