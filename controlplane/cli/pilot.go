package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

// Pilot are the commands for pilots: a tier has one at a time.
type Pilot struct {
	Start   pilotStart   `cmd:"" help:"Try other limits on some of a tier's accounts."`
	Change  pilotChange  `cmd:"" help:"Change who is in a tier's pilot."`
	End     pilotEnd     `cmd:"" help:"End a tier's pilot; its accounts are as they would be without it."`
	Promote pilotPromote `cmd:"" help:"Make a version of what a tier's pilot tries."`
	Show    pilotShow    `cmd:"" help:"Show a tier's pilot, the one that runs or was the last, and what it did."`
}

type pilotStart struct {
	Remote
	Tier    string           `arg:"" field:"id,revision" help:"Its name or its id."`
	Name    string           `required:"" help:"What the pilot is called."`
	Percent int              `help:"Of the tier's accounts, that are in it."`
	Account []string         `help:"An account that is in it, by name or id. May be given again."`
	Set     map[string]int64 `mapsep:"none" field:"limits" placeholder:"LIMIT=AMOUNT" help:"Another amount of one of the tier's limits. May be given again; without, the tier's draft is tried."`
}

// Run starts a pilot.
func (c pilotStart) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tier, id, err := readPilot(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	in := client.StartPilotInput{TierId: id, Revision: &tier.Revision, Name: c.Name, Percent: c.Percent}
	if in.AccountIds, err = all(ctx, remote, c.Account, accountID); err != nil {
		return err
	}
	if in.AccountIds == nil {
		in.AccountIds = []string{}
	}
	if len(c.Set) > 0 {
		if in.Limits, err = amountsSet(tier.Limits, c.Set); err != nil {
			return err
		}
	}
	made, err := client.StartPilot(ctx, remote, in)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the pilot runs from snapshot %d on\n", made.StartPilot.Snapshot)
	return nil
}

// amountsSet returns limits with other amounts. A burst that is the amount follows it.
func amountsSet(limits []client.Limit, amounts map[string]int64) ([]client.LimitInput, error) {
	var inputs []client.LimitInput
	for _, l := range limits {
		in := inputOf(l)
		if amount, ok := amounts[l.Name]; ok {
			if l.Burst != nil && *l.Burst == l.Amount {
				in.Burst = &amount
			}
			in.Amount = amount
		}
		inputs = append(inputs, in)
	}
	for name := range amounts {
		if !slices.ContainsFunc(limits, func(l client.Limit) bool { return l.Name == name }) {
			return nil, fmt.Errorf("the tier has no limit %q; weir tiers get shows all", name)
		}
	}
	return inputs, nil
}

func inputOf(l client.Limit) client.LimitInput {
	in := client.LimitInput{
		Id: &l.Id, Name: l.Name, Subject: l.Subject, Selector: &l.Selector, Measure: l.Measure, Kind: l.Kind, Amount: l.Amount, Period: l.Period,
		Burst: l.Burst, Mode: l.Mode, GracePercent: l.GracePercent, GraceSeconds: l.GraceSeconds, FailMode: &l.FailMode, RefundErrors: l.RefundErrors,
	}
	if l.Endpoint != nil {
		in.EndpointId = &l.Endpoint.Id
	}
	if l.Group != nil {
		in.GroupId = &l.Group.Id
	}
	if a := l.Adaptive; a != nil {
		in.Adaptive = &client.AdaptiveInput{ErrorPercent: a.ErrorPercent, SlowMs: a.SlowMs, SlowPercent: a.SlowPercent, FloorPercent: a.FloorPercent}
	}
	return in
}

type pilotChange struct {
	Remote
	Tier       string   `arg:"" field:"id,revision" help:"Its name or its id."`
	Percent    *int     `help:"Of the tier's accounts, that are in it."`
	Account    []string `xor:"accounts" help:"An account that is in it besides, by name or id. May be given again; those that aren't given are out."`
	NoAccounts bool     `xor:"accounts" field:"accountIds" help:"No account is in it by name."`
}

// Run changes who is in a pilot.
func (c pilotChange) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	if c.Percent == nil && len(c.Account) == 0 && !c.NoAccounts {
		return wrongUsage("give --percent, --account or --no-accounts")
	}
	tier, err := runningPilot(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	in := client.ChangePilotInput{Id: tier.Pilot.Id, Revision: &tier.Revision, Percent: c.Percent}
	if in.AccountIds, err = all(ctx, remote, c.Account, accountID); err != nil {
		return err
	}
	if c.NoAccounts {
		in.AccountIds = []string{}
	}
	made, err := client.ChangePilot(ctx, remote, in)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the pilot is changed from snapshot %d on\n", made.ChangePilot.Snapshot)
	return nil
}

type pilotEnd struct {
	Remote
	Tier string `arg:"" field:"id,revision" help:"Its name or its id."`
}

// Run ends a pilot.
func (c pilotEnd) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tier, err := runningPilot(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	made, err := client.EndPilot(ctx, remote, client.EndPilotInput{Id: tier.Pilot.Id, Revision: &tier.Revision})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the pilot has ended from snapshot %d on\n", made.EndPilot.Snapshot)
	return nil
}

type pilotPromote struct {
	Remote
	moving
	Tier string `arg:"" field:"id,revision" help:"Its name or its id."`
	Note string `help:"Why the version is made; without, the pilot's name."`
}

// Run makes a version of what a pilot tries.
func (c pilotPromote) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	move, err := c.input()
	if err != nil {
		return err
	}
	tier, err := runningPilot(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	made, err := client.PromotePilot(ctx, remote, client.PromotePilotInput{Id: tier.Pilot.Id, Revision: &tier.Revision, Note: some(c.Note), Move: move})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the pilot is version %s from snapshot %d on\n", numbered(made.PromotePilot.Tier.Version.Number), made.PromotePilot.Snapshot)
	return nil
}

type pilotShow struct {
	Remote
	Output
	Tier string `arg:"" field:"id,revision" help:"Its name or its id."`
}

// Run shows a pilot.
func (c pilotShow) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	tier, err := runningPilot(ctx, remote, c.Tier)
	if err != nil {
		return err
	}
	p := *tier.Pilot
	name := func(p client.Pilot) string { return p.Name }
	if c.Output.Output != "table" {
		return writeOne(t, c.Output, p, name)
	}
	fmt.Fprintf(t.Out, "%s  %s  %s  %d%%, %d by name  since %s by %s\n", p.Id, printable(p.Name), p.State, p.Percent, len(p.AccountIds),
		p.StartedAt.UTC().Format(time.RFC3339), printable(p.StartedBy.Name))
	if p.EndedAt != nil && p.EndedBy != nil {
		became := ""
		if p.PromotedTo != nil {
			became = ", is version " + numbered(p.PromotedTo.Number)
		}
		fmt.Fprintf(t.Out, "ended %s by %s%s\n", p.EndedAt.UTC().Format(time.RFC3339), printable(p.EndedBy.Name), became)
	}
	fmt.Fprintln(t.Out)
	if err := writePilotLimits(t, tier.Limits, p.Version.Limits); err != nil {
		return err
	}
	fmt.Fprintln(t.Out)
	return writePilotEffect(t, p.Effect)
}

// writePilotLimits writes what a pilot tries beside the limits of the tier's current
// version.
func writePilotLimits(t *Terminal, current, tried []client.Limit) error {
	amount := func(limits []client.Limit, name string) string {
		for _, l := range limits {
			if l.Name == name {
				return grouped(l.Amount) + " " + strings.ToLower(string(l.Measure)) + "/" + strings.ToLower(string(l.Period))
			}
		}
		return "-"
	}
	var names []string
	for _, l := range append(slices.Clone(current), tried...) {
		if !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	name := func(n string) string { return n }
	return write(t, Output{"table"}, names, name,
		column[string]{"LIMIT", false, name},
		column[string]{"CURRENT", true, func(n string) string { return amount(current, n) }},
		column[string]{"PILOT", true, func(n string) string { return amount(tried, n) }},
	)
}

func writePilotEffect(t *Terminal, e client.PilotEffect) error {
	type group struct {
		name string
		client.PilotGroup
	}
	count := func(n func(group) int64) func(group) string {
		return func(g group) string { return grouped(n(g)) }
	}
	name := func(g group) string { return g.name }
	return write(t, Output{"table"}, []group{{"in the pilot", e.Inside}, {"outside", e.Outside}}, name,
		column[group]{"ACCOUNTS", false, name},
		column[group]{"ALL", true, count(func(g group) int64 { return int64(g.Accounts) })},
		column[group]{"LOOKED AT", true, count(func(g group) int64 { return int64(g.Sampled) })},
		column[group]{"THROTTLED", true, count(func(g group) int64 { return int64(g.ThrottledAccounts) })},
		column[group]{"REQUESTS ALLOWED", true, count(func(g group) int64 { return g.Allowed })},
		column[group]{"REQUESTS THROTTLED", true, count(func(g group) int64 { return g.Throttled })},
	)
}

// runningPilot finds a tier that has a pilot.
func runningPilot(ctx context.Context, remote *client.Client, nameOrID string) (*client.ReadPilotTier, error) {
	tier, _, err := readPilot(ctx, remote, nameOrID)
	if err == nil && tier.Pilot == nil {
		err = fmt.Errorf("the tier %q has no pilot; weir pilot start begins one", nameOrID)
	}
	return tier, err
}

func readPilot(ctx context.Context, remote *client.Client, nameOrID string) (*client.ReadPilotTier, string, error) {
	id, err := tierID(ctx, remote, nameOrID)
	if err != nil {
		return nil, "", err
	}
	read, err := client.ReadPilot(ctx, remote, id)
	if err == nil && read.Tier == nil {
		err = fmt.Errorf("there is no tier %q; weir tiers list shows all", nameOrID)
	}
	if err != nil {
		return nil, "", err
	}
	return read.Tier, id, nil
}

func numbered(number *int) string {
	if number == nil {
		return "-"
	}
	return strconv.Itoa(*number)
}
