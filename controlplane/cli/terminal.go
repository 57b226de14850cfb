package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/weirhq/weir/controlplane/client"
)

// Terminal is what a command reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Interactive says whether people read Err and may answer on In; so there is
	// progress, and questions are asked.
	Interactive bool
	Color       bool // whether Out may have colours
	Now         func() time.Time
	// Wait lets time pass; it ends early with the context.
	Wait func(context.Context, time.Duration) error

	// typed is how a field is given on the command line; nil: there is none.
	typed func(field string) string
	// rewriting says that the last line of Err tells of progress, and may be written anew.
	rewriting bool
}

// Standard is the terminal of this process.
func Standard() *Terminal {
	return &Terminal{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Interactive: isatty.IsTerminal(os.Stdin.Fd()) && isatty.IsTerminal(os.Stderr.Fd()),
		Color:       isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Now:         time.Now,
		Wait:        client.Sleep,
	}
}

// retrying tells of a call that is made again; of a transfer, on a terminal, in the line
// that tells of its progress if there is one.
func (t *Terminal) retrying(r client.Retry) {
	left := r.Left.Round(time.Second)
	switch {
	case r.Transfer && t.Interactive:
		end := "\n"
		if t.rewriting {
			end = " "
		}
		fmt.Fprintf(t.Err, "%sthe connection broke at %s; trying again for another %s%s", clearLine, size(r.Bytes), seconds(left), end)
	case r.Left > 0:
		fmt.Fprintf(t.Err, "weir: %s; asked again in %s, for another %s\n", printable(r.Err.Error()), r.Wait.Round(time.Millisecond), seconds(left))
	default:
		fmt.Fprintf(t.Err, "weir: %s; asked again in %s\n", printable(r.Err.Error()), r.Wait.Round(time.Millisecond))
	}
}

// clearLine begins the line anew.
const clearLine = "\r\x1b[K"

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }

// size is a number of bytes as people say it.
func size(bytes int64) string {
	if bytes < 1000 {
		return Counted(bytes, "byte")
	}
	n, unit := float64(bytes)/1000, "kB"
	for _, larger := range []string{"MB", "GB", "TB"} {
		if n < 1000 {
			break
		}
		n, unit = n/1000, larger
	}
	if n < 10 {
		return fmt.Sprintf("%.1f %s", n, unit)
	}
	return fmt.Sprintf("%.0f %s", n, unit)
}

// confirm asks a question that only yes answers. Where nobody can be asked, --yes has
// to have been given.
func (t *Terminal) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !t.Interactive {
		return wrongUsage("there is nobody to ask; give --yes to go ahead")
	}
	fmt.Fprintf(t.Err, "%s Type yes to go ahead: ", printable(question))
	answer, err := bufio.NewReader(io.LimitReader(t.In, 64)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}
