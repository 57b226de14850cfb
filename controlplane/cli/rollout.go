package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/client"
)

type rolloutCommand struct {
	Remote
	Output
	Snapshot int64         `help:"Which snapshot is meant; by default the newest."`
	Wait     bool          `help:"Wait until every Envoy worker runs it."`
	Within   time.Duration `default:"60s" help:"With --wait: how long to wait at most."`
}

// pollEvery is how often a rollout that is waited for is looked at.
const pollEvery = 250 * time.Millisecond

// Run shows which Envoys run a snapshot.
func (c rolloutCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	waiting, stop := ctx, context.CancelFunc(func() {})
	if c.Wait {
		waiting, stop = context.WithTimeout(ctx, c.Within)
	}
	defer stop()
	asked := orNil(c.Snapshot)
	for {
		got, err := client.ReadRollout(ctx, remote, asked)
		if err != nil {
			return err
		}
		asked = &got.Rollout.Progress.Snapshot // not one that comes meanwhile
		p := got.Rollout.Progress
		arrived := p.Of > 0 && p.Confirmed == p.Of
		if c.Wait && !arrived && t.Wait(waiting, pollEvery) == nil {
			continue
		}
		if err := c.show(t, got.Rollout); err != nil {
			return err
		}
		switch {
		case !c.Wait || arrived:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case p.Of == 0:
			return fmt.Errorf("no Envoy was heard from within %s", c.Within)
		}
		return fmt.Errorf("after %s, snapshot %d is on %d of %s; behind: %s", c.Within, p.Snapshot, p.Confirmed, Counted(p.Of, "worker"), strings.Join(p.Behind, ", "))
	}
}

func (c rolloutCommand) show(t *Terminal, r client.ReadRolloutRollout) error {
	if c.Output.Output == "json" {
		return writeJSON(t.Out, r, "  ")
	}
	took := ""
	if r.Progress.TookMs != nil {
		took = fmt.Sprintf(" after %.1f s", float64(*r.Progress.TookMs)/1000)
	}
	fmt.Fprintf(t.Err, "snapshot %d is on %d of %s%s\n", r.Progress.Snapshot, r.Progress.Confirmed, Counted(r.Progress.Of, "worker"), took)
	type worker = client.ReadRolloutRolloutWorkersWorker
	return write(t, c.Output, r.Workers, func(w worker) string { return w.Node },
		column[worker]{"ENVOY", false, func(w worker) string { return w.Node }},
		column[worker]{"WORKER", false, func(w worker) string { return w.Source[:min(8, len(w.Source))] }},
		column[worker]{"SNAPSHOT", true, func(w worker) string { return fmt.Sprint(w.Snapshot) }},
		column[worker]{"SINCE", false, func(w worker) string { return at(&w.SnapshotSince) }},
		column[worker]{"LAST SEEN", false, func(w worker) string { return at(&w.LastSeenAt) }},
	)
}

// CheckActions returns what is wrong with actions that a command is narrowed to by --action.
func CheckActions(names []string) error {
	known := audit.Actions()
	for _, name := range names {
		if slices.Contains(known, audit.Action(name)) {
			continue
		}
		var all []string
		for _, a := range known {
			all = append(all, string(a))
		}
		slices.Sort(all)
		return wrongUsage("--action: there is no action %q; there are %s", name, strings.Join(all, ", "))
	}
	return nil
}

// Audit are the commands for the audit log that use the API.
type Audit struct {
	List auditList `cmd:"" help:"List what was changed, newest first."`
}

type auditList struct {
	Remote
	Output
	First  int        `default:"50" help:"How many, 1 to 200."`
	Action []string   `help:"Only these actions, such as UPDATE_TIER."`
	Actor  string     `placeholder:"ID" help:"Only what this member or API token did."`
	Object string     `placeholder:"ID" help:"Only what was done to this, such as tier_3."`
	Text   string     `help:"Only where actor or object have this in their name."`
	Since  *time.Time `name:"from" placeholder:"TIME" help:"Only from this RFC 3339 time on."`
	Until  *time.Time `name:"to" placeholder:"TIME" help:"Only before this RFC 3339 time."`
}

// Run lists records.
func (c auditList) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	if c.First < 1 || c.First > 200 {
		return wrongUsage("--first: give 1 to 200; weir audit export writes all")
	}
	if err := CheckActions(c.Action); err != nil {
		return err
	}
	got, err := client.ListAudit(ctx, remote, c.First, nil, &client.AuditFilter{
		Actions: c.Action, ActorId: some(c.Actor), ObjectId: some(c.Object), Text: some(c.Text), From: c.Since, To: c.Until,
	})
	if err != nil {
		return err
	}
	type record = client.ListAuditAuditLogAuditConnectionNodesAuditRecord
	return write(t, c.Output, got.AuditLog.Nodes, func(r record) string { return fmt.Sprint(r.Seq) },
		column[record]{"SEQ", true, func(r record) string { return fmt.Sprint(r.Seq) }},
		column[record]{"AT", false, func(r record) string { return at(&r.At) }},
		column[record]{"ACTOR", false, func(r record) string { return r.Actor.Name }},
		column[record]{"ACTION", false, func(r record) string { return r.Action }},
		column[record]{"OBJECT", false, func(r record) string { return strings.TrimSpace(orZero(r.Object.Id) + " " + r.Object.Name) }},
		column[record]{"CHANGED", false, func(r record) string {
			var paths []string
			for _, change := range r.Changes {
				paths = append(paths, change.Path)
			}
			return orDash(strings.Join(paths, ", "))
		}},
	)
}
