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
			return "", errors.New("this command works on the database itself, not over the API of WEIR_URL, and DATABASE_URL is not set: set it, or change to a checkout of Weir, where the database of weir dev is taken")
		}
		dir = top.State()
	}
	content, err := os.ReadFile(filepath.Join(dir, "database-url"))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("this command works on the database itself, not over the API of WEIR_URL: set DATABASE_URL, or start weir dev with a Postgres of its own, of which there is none on %s", dir)
	}
	if err != nil {
		return "", fmt.Errorf("read the database's URL: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
