package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

type exportCommand struct {
	Remote
	span
	Format string `enum:"csv,ndjson,parquet" default:"csv" help:"csv, ndjson or parquet."`
	File   string `name:"out" short:"f" placeholder:"FILE" type:"path" help:"Where to write it; by default standard output. The file is there once it is whole."`
}

// Run writes usage.
func (c exportCommand) Run(ctx context.Context, t *Terminal) error {
	remote, err := c.connect()
	if err != nil {
		return err
	}
	asked, err := c.resolve(ctx, remote, t.Now())
	if err != nil {
		return err
	}
	out, keep, err := c.open(t)
	if err != nil {
		return err
	}
	p := &progress{Writer: out, to: t.Err, shown: t.Interactive && c.File != "", now: t.Now, lines: c.Format != "parquet"}
	if c.Format == "csv" {
		p.rows = -1 // the line with the names
	}
	rows, err := remote.Download(ctx, "/api/v1/usage."+c.Format, asked.query(c.TimeZone), p)
	p.end()
	if err = errors.Join(err, keep(err == nil)); err != nil {
		return fmt.Errorf("%w; %s", err, p.cutOff(c))
	}
	fmt.Fprintf(t.Err, "%s rows, %s bytes\n", grouped(rows), grouped(p.bytes))
	return nil
}

// open returns where the export goes, and what to call once it has ended: a file gets
// its name only when the export is whole.
func (c exportCommand) open(t *Terminal) (io.Writer, func(whole bool) error, error) {
	if c.File == "" {
		return t.Out, func(bool) error { return nil }, nil
	}
	file, err := os.OpenFile(c.part(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("write the export: %w", err)
	}
	return file, func(whole bool) error {
		err := file.Close()
		if whole && err == nil {
			err = os.Rename(c.part(), c.File)
		}
		return err
	}, nil
}

func (c exportCommand) part() string { return c.File + ".part" }

// progress counts what passes and tells of it.
type progress struct {
	io.Writer
	to    io.Writer
	shown bool
	now   func() time.Time
	lines bool // whether a row is a line

	bytes, rows int64
	line, last  []byte // the line that is coming in, and the last whole one
	told        time.Time
}

const tellEvery = 200 * time.Millisecond

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	p.bytes += int64(n)
	if p.lines {
		p.countLines(b[:n])
	}
	if now := p.now(); p.shown && now.Sub(p.told) >= tellEvery {
		p.told = now
		if p.lines {
			fmt.Fprintf(p.to, "\r%s rows, %s bytes ", grouped(max(0, p.rows)), grouped(p.bytes))
		} else {
			fmt.Fprintf(p.to, "\r%s bytes ", grouped(p.bytes))
		}
	}
	return n, err
}

func (p *progress) countLines(b []byte) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.line = append(p.line, b...)
			return
		}
		p.rows++
		p.last = append(append(p.last[:0], p.line...), b[:i]...)
		p.line, b = p.line[:0], b[i+1:]
	}
}

// end ends the line that tells of progress.
func (p *progress) end() {
	if p.shown && !p.told.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// cutOff says how far an export came.
func (p *progress) cutOff(c exportCommand) string {
	if p.bytes == 0 {
		return "nothing was written"
	}
	said := "what came is not whole"
	if p.lines && p.rows > 0 {
		said = fmt.Sprintf("%s whole rows came, the last is %s", grouped(p.rows), printable(strings.TrimSpace(string(p.last))))
	}
	if c.File != "" {
		said += "; they are in " + c.part()
	}
	return said
}

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
func (c importCommand) Run(ctx context.Context, t *Terminal) error {
	format := c.Format
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(c.File), ".")
	}
	kind, ok := contentTypes[format]
	if !ok {
		return wrongUsage("it can't be seen whether %s is CSV or NDJSON; give --format", c.File)
	}
	remote, err := c.connect()
	if err != nil {
		return err
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
