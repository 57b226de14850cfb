package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

type tiersPreview struct {
	Remote
	Output
	period
	Tier    string           `arg:"" help:"Its name or its id."`
	Draft   bool             `xor:"what" field:"versionId" help:"Play the tier's draft; this is what happens without --version and --set."`
	Version *int             `xor:"what" help:"Play a published version, by its number."`
	Set     map[string]int64 `xor:"what" mapsep:"none" field:"limits" placeholder:"LIMIT=AMOUNT" help:"Play the limits as they are with another amount of this one. May be given again."`
	Account []string         `sep:"none" help:"Only this account of the tier, by name or id. May be given again."`
	Top     int              `default:"20" field:"first" help:"How many accounts to list, 1 to 500."`
}

// Run plays limits on stored usage.
func (c tiersPreview) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tier, err := findTier(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	from, to, err := c.limits(time.Now())
	if err != nil {
		return err
	}
	in := client.PreviewInput{TierId: &tier.Id, From: from, To: &to, First: c.Top}
	if in.AccountIds, err = all(ctx, remote, c.Account, accountID); err != nil {
		return err
	}
	if len(c.Set) > 0 {
		in.Limits, err = amountsSet(tier.Limits, c.Set)
	} else {
		in.VersionId, err = versionID(ctx, remote, tier, c.Version)
	}
	if err != nil {
		return err
	}
	played, err := client.PreviewLimits(ctx, remote, in)
	if err != nil {
		return err
	}
	return writePreview(t, c.Output, played.Preview)
}

// versionID finds a version of a tier by its number; its draft, without one.
func versionID(ctx context.Context, remote *client.Client, tier *client.CountedTier, number *int) (*string, error) {
	versions, draft, err := allVersions(ctx, remote, tier.Id)
	if err != nil {
		return nil, err
	}
	if number == nil {
		if draft == nil {
			return nil, fmt.Errorf("the tier %q has no draft; give --version or --set", tier.Name)
		}
		return &draft.Id, nil
	}
	for _, v := range versions {
		if v.Number != nil && *v.Number == *number {
			return &v.Id, nil
		}
	}
	return nil, fmt.Errorf("the tier %q has no version %d; weir tiers versions shows all", tier.Name, *number)
}

func writePreview(t *Terminal, o Output, p client.Preview) error {
	type account = client.PreviewAccountsPreviewAccount
	name := func(a account) string { return a.Account.Name }
	if o.Output == "json" {
		return writeOne(t, o, p, func(client.Preview) string { return "" })
	}
	if o.Output == "table" {
		fmt.Fprintf(t.Out, "%s to %s\naccounts throttled: %s of %s (today %s)\nrequests throttled: %s of %s (today %s, really %s)\n\n",
			p.From.UTC().Format(time.RFC3339), p.To.UTC().Format(time.RFC3339),
			between(int64(p.Surely), int64(p.Possibly)), grouped(int64(p.AccountCount)), between(int64(p.SurelyToday), int64(p.PossiblyToday)),
			between(p.Total.AtLeast, p.Total.AtMost), grouped(p.Total.Requests), between(p.Total.Today.AtLeast, p.Total.Today.AtMost), grouped(p.Total.Throttled))
	}
	return write(t, o, p.Accounts, name,
		column[account]{"ACCOUNT", false, func(a account) string { return printable(a.Account.Name) }},
		column[account]{"THROTTLED", true, func(a account) string { return between(a.Harm.AtLeast, a.Harm.AtMost) }},
		column[account]{"TODAY", true, func(a account) string { return between(a.Harm.Today.AtLeast, a.Harm.Today.AtMost) }},
		column[account]{"REALLY", true, func(a account) string { return grouped(a.Harm.Throttled) }},
		column[account]{"REQUESTS", true, func(a account) string { return grouped(a.Harm.Requests) }},
		column[account]{"BY", false, func(a account) string {
			if a.LimitName == nil {
				return "-"
			}
			return *a.LimitName
		}},
		column[account]{"FIRST", false, func(a account) string { return at(a.FirstAt) }},
		column[account]{"WORST", false, func(a account) string { return at(a.WorstAt) }},
	)
}

// between writes two figures that what would have happened lies between.
func between(least, most int64) string {
	if least == most {
		return grouped(least)
	}
	return grouped(least) + "-" + grouped(most)
}
