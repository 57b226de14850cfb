package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/postgres"
)

type signInLinkCommand struct {
	Data      string `env:"WEIR_DATA" help:"Data directory of a running weir dev; by default .weir in the checkout." type:"path"`
	PublicURL string `name:"public-url" env:"WEIR_PUBLIC_URL" help:"What the link begins with; by default http:// and the address."`
	HTTP      string `name:"http-addr" env:"WEIR_HTTP_ADDR" default:"127.0.0.1:8080" help:"Where the dashboard listens."`
}

// Help says which database it uses.
func (signInLinkCommand) Help() string {
	return "The link is stored in the database at DATABASE_URL (or DATABASE_URL_FILE), or else in that of the weir dev that runs on the data directory."
}

// Run makes and prints a link.
func (c signInLinkCommand) Run(s signals) error {
	url, err := c.databaseURL()
	if err != nil {
		return err
	}
	db, err := postgres.Open(s.run, url)
	if err != nil {
		return err
	}
	defer db.Close()
	base := c.PublicURL
	if base == "" {
		base = "http://" + c.HTTP
	}
	link, _, err := auth.New(db, strings.HasPrefix(base, "https:"), slog.New(slog.DiscardHandler)).NewLink(s.run, base)
	if err != nil {
		return err
	}
	fmt.Println(link)
	return nil
}

func (c signInLinkCommand) databaseURL() (string, error) {
	url, err := secret("DATABASE_URL")
	if err != nil || url != "" {
		return url, err
	}
	dir := c.Data
	if dir == "" {
		top, err := checkout.Find(".")
		if err != nil {
			return "", err
		}
		dir = top.State()
	}
	content, err := os.ReadFile(filepath.Join(dir, "database-url"))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("no weir dev with a Postgres of its own runs on %s; start it with make run, or set DATABASE_URL", dir)
	}
	if err != nil {
		return "", fmt.Errorf("read the database's URL: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
