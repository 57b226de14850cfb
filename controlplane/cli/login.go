package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/weirhq/weir/controlplane/client"
)

type loginCommand struct {
	Remote
}

// Help says what is stored.
func (loginCommand) Help() string {
	return "Reads an API token from standard input, checks it, and stores it with the URL in weir/profiles.json in the user's configuration directory, for its owner's eyes only. " +
		"The token is used for that URL and no other."
}

// Run stores a profile.
func (c loginCommand) Run(ctx context.Context, t *Terminal) error {
	kept := profile{URL: strings.TrimRight(c.URL, "/"), CA: c.CA, PlainHTTP: c.PlainHTTP}
	if kept.URL == "" {
		kept.URL = defaultURL
	}
	var err error
	if kept.CA != "" { // later commands may run elsewhere
		if kept.CA, err = filepath.Abs(kept.CA); err != nil {
			return fmt.Errorf("find %s: %w", c.CA, err)
		}
	}
	if kept.Token, err = t.readToken(); err != nil {
		return err
	}
	remote, err := client.New(client.Config{URL: kept.URL, Token: kept.Token, CAFile: kept.CA, PlainHTTP: kept.PlainHTTP, Timeout: c.Timeout, Wait: t.Wait, Now: t.Now, Field: t.field, Retrying: t.retrying})
	if err != nil {
		return err
	}
	who, err := client.ReadViewer(ctx, remote)
	if err != nil {
		return err
	}
	path, err := storeProfile(c.Profile, kept)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "the API token %q for %s is stored in %s\n", printable(who.Viewer.Name), kept.URL, path)
	return nil
}

// readToken reads a line, which a terminal doesn't show.
func (t *Terminal) readToken() (string, error) {
	var line string
	if file, ok := t.In.(*os.File); ok && t.Interactive {
		fmt.Fprint(t.Err, "API token: ")
		typed, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(t.Err)
		if err != nil {
			return "", fmt.Errorf("read the API token: %w", err)
		}
		line = string(typed)
	} else {
		var err error
		if line, err = bufio.NewReader(io.LimitReader(t.In, 4096)).ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the API token: %w", err)
		}
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", wrongUsage("there is no API token on standard input; pipe it in, or type it in a terminal")
	}
	return line, nil
}

type logoutCommand struct {
	Profile string `env:"WEIR_PROFILE" default:"default" help:"Which profile to forget."`
}

// Run forgets a profile.
func (c logoutCommand) Run(t *Terminal) error {
	_, found, err := readProfile(c.Profile)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("there is no profile %q", c.Profile)
	}
	path, err := storeProfile(c.Profile, profile{})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "profile %q is taken out of %s; the API token goes on working until it is revoked\n", c.Profile, path)
	return nil
}
