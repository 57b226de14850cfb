package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/retry"
)

type auditExportCommand struct {
	database
	Format string     `enum:"ndjson,csv" default:"ndjson" help:"ndjson or csv."`
	Action []string   `help:"Only these actions, such as UPDATE_TIER."`
	Actor  string     `placeholder:"ID" help:"Only what this member or API token did."`
	Object string     `placeholder:"ID" help:"Only what was done to this, such as tier_3."`
	Since  *time.Time `name:"from" placeholder:"TIME" help:"Only from this RFC 3339 time on."`
	Until  *time.Time `name:"to" placeholder:"TIME" help:"Only before this RFC 3339 time."`
	cli.Destination
}

// Help says which database it uses.
func (auditExportCommand) Help() string { return databaseHelp }

// Run writes the records.
func (c auditExportCommand) Run(s signals, t *cli.Terminal) error {
	draft, err := c.Open(t.Out)
	if err != nil {
		return err
	}
	err = c.export(s.run, t, draft)
	return errors.Join(err, draft.Close(err == nil))
}

// export writes the records of one moment, also over several connections to the database.
func (c auditExportCommand) export(ctx context.Context, t *cli.Terminal, out io.Writer) error {
	f, err := c.filter()
	if err != nil {
		return t.Named(err)
	}
	going := auditExport{filter: f, format: c.Format, out: out}
	var pace retry.Pace
	for {
		before := going.part.After
		err := going.attempt(ctx, c.open)
		if going.part.After != before {
			pace.Progress()
		}
		if err == nil || going.to == nil || going.fault != nil || !postgres.Lost(err) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		try, again := pace.Next(t.Now(), rand.Float64(), 0)
		if !again {
			return fmt.Errorf("%w; it was tried again for %s and came no further", err, retry.Within)
		}
		fmt.Fprintf(t.Err, "weir: the connection to the database broke after record %d; trying again for another %.0f s\n", going.part.After.Seq, try.Left.Seconds())
		if err := t.Wait(ctx, try.After); err != nil {
			return err
		}
	}
}

func (c auditExportCommand) filter() (f audit.Filter, err error) {
	if err := cli.CheckActions(c.Action); err != nil {
		return f, err
	}
	f = audit.Filter{ObjectID: c.Object, From: c.Since, To: c.Until}
	for _, action := range c.Action {
		f.Actions = append(f.Actions, audit.Action(action))
	}
	if c.Actor != "" {
		if f.ActorKind, f.ActorID, err = audit.ParseActorID("--actor", c.Actor); err != nil {
			return f, err
		}
	}
	return f, f.Validate()
}

// auditExport is an export that is being written.
type auditExport struct {
	filter audit.Filter
	format string
	out    io.Writer

	to    audit.Writer // nil: it has not begun
	part  audit.Part   // what is left of it
	fault error        // of out, after which no attempt helps
}

// attempt goes on with the export over a connection of its own, after the last record
// that was written: a record is written whole or not at all.
func (e *auditExport) attempt(ctx context.Context, open func(context.Context) (*postgres.DB, error)) error {
	db, err := open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.ExportAudit(ctx, e.filter, e.part, func(head audit.Anchor) error {
		e.part.Last = head
		if e.to == nil {
			e.to, e.fault = audit.NewWriter(e.out, e.format)
		}
		return e.fault
	}, func(records []audit.Record) error {
		if e.fault = e.to.Write(records); e.fault == nil {
			e.part.After = records[len(records)-1].Place()
		}
		return e.fault
	})
}
