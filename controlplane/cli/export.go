package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

// Destination is where an export goes.
type Destination struct {
	File string `name:"out" short:"f" placeholder:"FILE" type:"path" help:"Where to write it; by default standard output. The file is there once it is whole."`
}

// Draft is an export that is being written.
type Draft struct {
	io.Writer
	file *os.File // nil: standard output
	to   string   // what the file is called once it is whole; empty: as it is called now
}

// Open begins an export; out is standard output.
func (d Destination) Open(out io.Writer) (*Draft, error) {
	if d.File == "" {
		return &Draft{Writer: out}, nil
	}
	draft, err := d.draft()
	if err != nil {
		return nil, fmt.Errorf("write the export: %w", err)
	}
	draft.Writer = draft.file
	return draft, nil
}

func (d Destination) draft() (*Draft, error) {
	to, err := filepath.EvalSymlinks(d.File)
	if errors.Is(err, fs.ErrNotExist) {
		to, err = d.File, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(to)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory; give the name of a file", d.File)
	case err == nil && !info.Mode().IsRegular(): // nothing takes a device's or a pipe's place
		file, err := os.OpenFile(to, os.O_WRONLY, 0)
		return &Draft{file: file}, err
	}
	// Its own, so that of two exports to one file each is whole.
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part")
	return &Draft{file: file, to: to}, err
}

// part is the file that what came is in before it is whole; empty: there is none.
func (d *Draft) part() string {
	if d.to == "" {
		return ""
	}
	return d.file.Name()
}

// Close ends an export. A file gets its name if the export is whole, and keeps that of
// a part otherwise, unless there is nothing in it.
func (d *Draft) Close(whole bool) error {
	switch {
	case d.file == nil:
		return nil
	case d.to == "":
		return d.file.Close()
	}
	info, err := d.file.Stat()
	if whole {
		err = errors.Join(err, d.file.Sync())
	}
	err = errors.Join(err, d.file.Close())
	switch {
	case whole && err == nil:
		err = os.Rename(d.file.Name(), d.to)
	case err == nil && info.Size() == 0:
		err = os.Remove(d.file.Name())
	}
	if err != nil {
		return fmt.Errorf("finish the export: %w", err)
	}
	return nil
}

// restart empties the file.
func (d *Draft) restart() error {
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("write the export anew: %w", err)
	}
	if err := d.file.Truncate(0); err != nil {
		return fmt.Errorf("write the export anew: %w", err)
	}
	return nil
}

type exportCommand struct {
	Remote
	span
	Format string `enum:"csv,ndjson,parquet" default:"csv" help:"csv, ndjson or parquet."`
	Destination
}

// Run writes usage.
func (c exportCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	asked, err := c.resolve(ctx, remote, t.Now())
	if err != nil {
		return err
	}
	draft, err := c.Open(t.Out)
	if err != nil {
		return err
	}
	t.rewriting = t.Interactive && draft.to != ""
	p := &progress{Writer: draft, to: t.Err, shown: t.rewriting, now: t.Now, lines: c.Format != "parquet", titled: c.Format == "csv"}
	p.begin()
	sink := client.Sink{Writer: p}
	if draft.to != "" {
		sink.Restart = func() error {
			p.begin()
			return draft.restart()
		}
	}
	rows, err := remote.Download(ctx, "/api/v1/usage."+c.Format, asked.query(c.TimeZone), sink)
	p.end()
	if err = errors.Join(err, draft.Close(err == nil)); err != nil {
		return fmt.Errorf("%w; %s", err, p.cutOff(draft.part()))
	}
	fmt.Fprintf(t.Err, "%s, %s\n", Counted(rows, "row"), Counted(p.bytes, "byte"))
	return nil
}

// progress counts what passes and tells of it.
type progress struct {
	io.Writer
	to    io.Writer
	shown bool
	now   func() time.Time

	lines  bool // whether a row is a line
	titled bool // whether the first line has the names

	bytes, rows int64
	line, last  []byte // the line that is coming in, and the last whole one
	told        time.Time
}

const tellEvery = 200 * time.Millisecond

// begin counts from nothing.
func (p *progress) begin() {
	p.bytes, p.rows, p.line, p.last = 0, 0, nil, nil
	if p.titled {
		p.rows = -1
	}
}

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	p.bytes += int64(n)
	if p.lines {
		p.countLines(b[:n])
	}
	if now := p.now(); p.shown && now.Sub(p.told) >= tellEvery {
		p.told = now
		if p.lines {
			fmt.Fprintf(p.to, clearLine+"%s, %s ", Counted(max(0, p.rows), "row"), Counted(p.bytes, "byte"))
		} else {
			fmt.Fprintf(p.to, clearLine+"%s ", Counted(p.bytes, "byte"))
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
	if p.shown {
		fmt.Fprint(p.to, clearLine)
	}
}

// cutOff says how far an export came.
func (p *progress) cutOff(part string) string {
	if p.bytes == 0 {
		return "nothing was written"
	}
	said := ""
	if p.lines && p.rows > 0 {
		said = fmt.Sprintf("%s came, the last is %s; ", Counted(p.rows, "whole row"), printable(strings.TrimSpace(string(p.last))))
	}
	said += "what came is not whole"
	if part != "" {
		said += "; it is in " + part
	}
	return said
}
