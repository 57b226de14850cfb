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

// retrying tells of a call that is made again.
func (t *Terminal) retrying(err error, wait time.Duration) {
	fmt.Fprintf(t.Err, "weir: %s; asked again in %s\n", printable(err.Error()), wait)
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
