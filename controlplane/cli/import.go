package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirhq/weir/controlplane/client"
)

type importCommand struct {
	Remote
	Output
	File   string `arg:"" help:"CSV or NDJSON; - is standard input."`
	Reason string `required:"" help:"Why, for the audit log; 1 to 500 characters."`
	Format string `enum:",csv,ndjson" default:"" help:"csv or ndjson; by default what the file's name ends with."`
}

// Help says what rows have.
func (importCommand) Help() string {
	return "Columns: client_id, at and account, and any of key, endpoint, tier, requests, cost, bytes_in, bytes_out, meter, amount. " +
		"A row counts once by its client_id: after a failure, send the same file again."
}

var contentTypes = map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"}

// Run sends usage.
func (c importCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	format := c.Format
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(c.File), ".")
	}
	kind, ok := contentTypes[format]
	if !ok {
		return wrongUsage("it can't be seen whether %s is CSV or NDJSON; give --format", c.File)
	}
	rows := t.In
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read the rows: %w", err)
		}
		defer file.Close()
		rows = file
	}
	p := &progress{Writer: io.Discard, to: t.Err, shown: t.Interactive && c.File != "-", now: t.Now, lines: true}
	done, err := remote.Import(ctx, kind, c.Reason, io.TeeReader(rows, p))
	p.end()
	if err != nil {
		return fmt.Errorf("%w; rows that were taken stay taken: send the same file again, and they count once", err)
	}
	err = writeOne(t, c.Output, done, func(client.Imported) string { return c.File },
		column[client.Imported]{"new", false, func(d client.Imported) string { return grouped(d.Taken) }},
		column[client.Imported]{"taken before", false, func(d client.Imported) string { return grouped(d.Known) }},
		column[client.Imported]{"failed", false, func(d client.Imported) string { return grouped(d.Failed) }},
	)
	if len(done.Errors) > 0 {
		return errors.Join(err, &client.Error{Faults: done.Errors})
	}
	return err
}
