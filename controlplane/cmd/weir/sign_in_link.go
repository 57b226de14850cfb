package main

import (
	"fmt"
	"log/slog"

	"github.com/weirhq/weir/controlplane/auth"
)

type signInLinkCommand struct {
	database
	PublicURL string `name:"public-url" env:"WEIR_PUBLIC_URL" help:"What the link begins with; by default http:// and the address."`
	HTTP      string `name:"http-addr" env:"WEIR_HTTP_ADDR" default:"127.0.0.1:8080" help:"Where the dashboard listens."`
}

// Help says which database it uses.
func (signInLinkCommand) Help() string {
	return "The link is stored in the database. " + databaseHelp
}

// Run makes and prints a link.
func (c signInLinkCommand) Run(s signals) error {
	db, err := c.open(s.run)
	if err != nil {
		return err
	}
	defer db.Close()
	base := c.PublicURL
	if base == "" {
		base = "http://" + c.HTTP
	}
	link, _, err := auth.New(db, auth.Config{PublicURL: base}, slog.New(slog.DiscardHandler)).NewLink(s.run, base)
	if err != nil {
		return err
	}
	fmt.Println(link)
	return nil
}
