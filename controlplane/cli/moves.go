package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

// moving says when accounts move to a version that is published.
type moving struct {
	Move  string        `required:"" field:"when" enum:"none,now,period-end,steps" help:"When accounts move to it: ${enum}."`
	Steps []int         `field:"move.steps" help:"With --move=steps: percentages, such as 10,50,100."`
	Every time.Duration `field:"move.stepMinutes,stepMinutes" help:"With --move=steps: from one step to the next, in whole minutes."`
}

func (m moving) input() (client.MoveInput, error) {
	in := client.MoveInput{When: client.MoveWhen(constant(m.Move)), Steps: m.Steps}
	if m.Every%time.Minute != 0 {
		return in, wrongUsage("--every takes whole minutes")
	}
	if m.Every != 0 {
		in.StepMinutes = orNil(int(m.Every / time.Minute))
	}
	return in, nil
}

// constant returns a choice on the command line as the API has it.
func constant(choice string) string { return strings.ToUpper(strings.ReplaceAll(choice, "-", "_")) }

type tiersVersions struct {
	Remote
	Output
	Tier string `arg:"" field:"id" help:"Its name or its id."`
}

// Run lists the versions of a tier.
func (c tiersVersions) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	id, err := tierID(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	versions, draft, err := allVersions(ctx, remote, id)
	if err != nil {
		return err
	}
	if draft != nil {
		versions = append([]client.Version{*draft}, versions...)
	}
	return write(t, c.Output, versions, func(v client.Version) string { return v.Id },
		column[client.Version]{"VERSION", true, func(v client.Version) string {
			if v.Number == nil {
				return "draft"
			}
			return strconv.Itoa(*v.Number)
		}},
		column[client.Version]{"CURRENT", false, func(v client.Version) string {
			if v.Current {
				return "yes"
			}
			return "-"
		}},
		column[client.Version]{"ACCOUNTS", true, func(v client.Version) string { return grouped(int64(v.AccountCount)) }},
		column[client.Version]{"PUBLISHED", false, func(v client.Version) string { return at(v.PublishedAt) }},
		column[client.Version]{"BY", false, func(v client.Version) string {
			if v.PublishedBy == nil {
				return "-"
			}
			return printable(v.PublishedBy.Name)
		}},
		column[client.Version]{"NOTE", false, func(v client.Version) string { return orDash(printable(v.Note)) }},
	)
}

// allVersions returns the versions of a tier, newest first, and its draft.
func allVersions(ctx context.Context, remote *client.Client, tier string) (versions []client.Version, draft *client.Version, err error) {
	versions, err = gather(func(after *string) ([]client.Version, client.PageInfo, error) {
		page, err := client.ListVersions(ctx, remote, tier, pageSize, after)
		if err != nil || page.Tier == nil {
			return nil, client.PageInfo{}, err
		}
		draft = page.Tier.Draft
		return page.Tier.Versions.Nodes, page.Tier.Versions.PageInfo, nil
	})
	return versions, draft, err
}

type tiersPublish struct {
	Remote
	moving
	Tier        string `arg:"" field:"id,revision" help:"Its name or its id."`
	FromVersion *int   `help:"The number of an earlier version, to publish it again; without, the tier's draft is."`
	Note        string `help:"Why the version is made."`
}

// Run publishes a version of a tier.
func (c tiersPublish) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	move, err := c.input()
	if err != nil {
		return err
	}
	tier, err := findTier(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	made, err := client.PublishTier(ctx, remote, client.PublishTierInput{
		TierId: tier.Id, Revision: &tier.Revision, FromVersion: c.FromVersion, Note: some(c.Note), Move: move,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "version %s of %s is current from snapshot %d on\n", numbered(made.PublishTier.Tier.Version.Number), printable(tier.Name), made.PublishTier.Snapshot)
	return nil
}

type tiersMove struct {
	Remote
	Output
	Tier   string `arg:"" field:"id" help:"Its name or its id."`
	Change string `arg:"" default:"show" enum:"show,pause,resume,stop,turn-back" help:"What becomes of it: ${enum}."`
}

// Run shows or changes the move of accounts to a version.
func (c tiersMove) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	id, err := tierID(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	read, err := client.ReadTierMove(ctx, remote, id)
	if err != nil {
		return err
	}
	if read.Tier == nil || read.Tier.Move == nil {
		return fmt.Errorf("no accounts of the tier %q have been on the move; weir tiers publish moves them", c.Tier)
	}
	move := read.Tier.Move
	if c.Change != "show" {
		changed, err := client.ChangeTierMove(ctx, remote, client.ChangeTierMoveInput{Id: move.Id, Change: client.MoveChange(constant(c.Change))})
		if err != nil {
			return err
		}
		move = changed.ChangeTierMove.Tier.Move
	}
	if c.Output.Output != "table" {
		return writeOne(t, c.Output, *move, func(m client.TierMove) string { return m.Id })
	}
	fmt.Fprintf(t.Out, "%s  to version %s  %s  %s  %s of %s\n", move.Id, numbered(move.Version.Number), move.When, move.State,
		grouped(int64(move.Moved)), Counted(move.Accounts, "account"))
	if move.NextAt != nil {
		fmt.Fprintf(t.Out, "next at %s\n", at(move.NextAt))
	}
	return nil
}

type accountsMove struct {
	Remote
	Account string `arg:"" help:"Its name or its id."`
	Tier    string `arg:"" help:"Name or id of the tier, its own or another, whose current version it is to be on."`
	When    string `enum:"now,period-end" default:"now" help:"When it moves: ${enum}."`
}

// Run moves an account to the current version of a tier.
func (c accountsMove) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	account, err := accountID(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	tier, err := tierID(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	moved, err := client.MoveAccount(ctx, remote, client.MoveAccountInput{AccountId: account, TierId: tier, When: client.MoveWhen(constant(c.When))})
	if err != nil {
		return err
	}
	a := moved.MoveAccount.Account
	if m := a.PendingMove; m != nil {
		fmt.Fprintf(t.Err, "%s moves to %s version %s at %s\n", printable(a.Name), printable(m.Tier.Name), numbered(m.Version.Number), m.DueAt.UTC().Format(time.RFC3339))
		return nil
	}
	fmt.Fprintf(t.Err, "%s is on %s version %s from snapshot %d on\n", printable(a.Name), printable(a.Tier.Name), numbered(a.Version.Number), moved.MoveAccount.Snapshot)
	return nil
}

type accountsStay struct {
	Remote
	Account string `arg:"" field:"id" help:"Its name or its id."`
}

// Run takes back a move of an account that is to come.
func (c accountsStay) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	account, err := accountID(ctx, remote, c.Account)
	if err != nil {
		return err
	}
	kept, err := client.CancelAccountMove(ctx, remote, account)
	if err != nil {
		return err
	}
	a := kept.CancelAccountMove.Account
	fmt.Fprintf(t.Err, "%s stays on %s version %s\n", printable(a.Name), printable(a.Tier.Name), numbered(a.Version.Number))
	return nil
}
