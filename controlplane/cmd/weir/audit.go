package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/cli"
)

type auditCommand struct {
	cli.Audit
	Verify auditVerifyCommand `cmd:"" help:"Check that no record of the audit log was changed, added or taken out."`
	Export auditExportCommand `cmd:"" help:"Write the audit log, oldest first."`
}

type auditVerifyCommand struct {
	database
	From   int64    `default:"1" help:"The first record to check; the hash before it is taken for granted. An earlier anchor is where it begins instead."`
	Anchor []string `placeholder:"SEQ:HASH" help:"What an earlier verification printed: the log has to pass through it. May be given again."`
}

// Help says what an anchor is for.
func (auditVerifyCommand) Help() string {
	return "Only an anchor that was kept elsewhere shows that records were cut off at the end. " + databaseHelp
}

// errNotWhole ends a verification that found a break, which it has printed.
var errNotWhole = errors.New("the audit log is not whole")

// Run verifies, and prints what it found.
func (c auditVerifyCommand) Run(s signals, t *cli.Terminal) error {
	return t.Named(c.verify(s.run, os.Stdout))
}

func (c auditVerifyCommand) verify(ctx context.Context, out io.Writer) error {
	check := audit.Check{From: c.From}
	for _, text := range c.Anchor {
		anchor, err := audit.ParseAnchor("--anchor", text)
		if err != nil {
			return err
		}
		check.Anchors = append(check.Anchors, anchor)
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := db.VerifyAudit(ctx, check)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, verdict(report))
	if report.Break != nil {
		return errNotWhole
	}
	return nil
}

// verdict says in a line what a verification found.
func verdict(r audit.Report) string {
	if r.Break != nil {
		return fmt.Sprintf("%s, chain broken at %v", cli.Counted(r.Checked, "record"), r.Break)
	}
	return fmt.Sprintf("%s, chain whole, head %s", cli.Counted(r.Checked, "record"), r.Head)
}
