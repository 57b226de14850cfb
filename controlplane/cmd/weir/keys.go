package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/controlplane/postgres"
)

type keysCommand struct {
	cli.Keys
	Leaked leakedCommand `cmd:"" help:"Find out which keys stand in the text on standard input."`
}

type leakedCommand struct {
	database
	Revoke bool `help:"Revoke the keys that are found."`
}

// Help says what is looked for.
func (leakedCommand) Help() string {
	return "Looks for keys that Weir made anywhere in the text, and at each whole line for keys that were made elsewhere. What is found is in the audit log. " + databaseHelp
}

// errLeaked ends a report that found keys which still work.
var errLeaked = errors.New("leaked keys still work; revoke them with --revoke")

// Run reports what is found.
func (c leakedCommand) Run(s signals) error { return c.report(s.run, os.Stdin, os.Stdout) }

func (c leakedCommand) report(ctx context.Context, in io.Reader, out io.Writer) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	search := leakSearch{db: db, revoke: c.Revoke, out: out}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := search.line(ctx, lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read standard input after line %d: %w", search.read, err)
	}
	if err := search.flush(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %s\n", cli.Counted(search.read, "line"), cli.Counted(search.found, "leaked key"))
	if search.working > 0 {
		return errLeaked
	}
	return nil
}

// keyText finds the keys that Weir made.
var keyText = regexp.MustCompile(`wk_(?:live|test)_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}`)

// leakSearch looks lines up, some at a time.
type leakSearch struct {
	db     *postgres.DB
	revoke bool
	out    io.Writer

	texts          []string
	at             []int64 // the lines that they stand in, from 1
	read           int64
	found, working int
}

func (s *leakSearch) line(ctx context.Context, text string) error {
	s.read++
	candidates := keyText.FindAllString(text, -1)
	if whole := strings.TrimSpace(text); whole != "" && len(whole) <= 256 {
		candidates = append(candidates, whole)
	}
	for _, candidate := range candidates {
		s.texts, s.at = append(s.texts, candidate), append(s.at, s.read)
		if len(s.texts) == controlplane.MaxLeaks {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *leakSearch) flush(ctx context.Context) error {
	if len(s.texts) == 0 {
		return nil
	}
	secrets, err := controlplane.ReportedSecrets(s.texts)
	if err != nil {
		return err
	}
	leaks, _, err := s.db.ReportLeaks(ctx, secrets, s.revoke)
	if err != nil {
		return err
	}
	for _, l := range leaks {
		state := string(l.Key.StatusAt(time.Now()))
		if l.Revoked {
			state = "revoked now"
		}
		if state == string(controlplane.KeyLive) {
			s.working++
		}
		fmt.Fprintf(s.out, "line %d: %s %q of %s, %s\n", s.at[l.Index], controlplane.KindKey.Format(l.Key.ID), l.Key.Name, controlplane.KindAccount.Format(l.Key.AccountID), state)
	}
	s.found += len(leaks)
	s.texts, s.at = nil, nil
	return nil
}
