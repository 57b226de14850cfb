package cli

import (
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
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
}

// Standard is the terminal of this process.
func Standard() *Terminal {
	return &Terminal{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Interactive: isatty.IsTerminal(os.Stdin.Fd()) && isatty.IsTerminal(os.Stderr.Fd()),
		Color:       isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Now:         time.Now,
	}
}
