package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/secretenv"
)

// databaseHelp says which database a command uses.
const databaseHelp = "The database is the one at DATABASE_URL (or DATABASE_URL_FILE), or else that of the weir dev that runs on the data directory."

// database is the database that a command works on.
type database struct {
	Data string `env:"WEIR_DATA" help:"Data directory of a running weir dev; by default .weir in the checkout." type:"path"`
}

func (d database) open(ctx context.Context) (*postgres.DB, error) {
	url, err := d.url()
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, url)
}

func (d database) url() (string, error) {
	url, err := secretenv.Read("DATABASE_URL")
	if err != nil || url != "" {
		return url, err
	}
	dir := d.Data
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
