package main

import (
	"fmt"

	"github.com/weirhq/weir/controlplane/postgres"
)

type migrateCommand struct {
	database
	AppRole  string `name:"app-role" env:"WEIR_APP_ROLE" help:"The role that weir serve runs as: it gets what that needs, and nothing else."`
	ReadRole string `name:"read-role" env:"WEIR_READ_ROLE" help:"A role that reports are made with: it may read all but digests and secrets."`
}

// Help says who has to run it.
func (migrateCommand) Help() string {
	return databaseHelp + " Its role has to own the database's schema. Roles that were named once keep what they need."
}

// Run brings the schema up to date, and gives roles what they need.
func (c migrateCommand) Run(s signals) error {
	db, err := c.open(s.run)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(s.run); err != nil {
		return err
	}
	if roles := (postgres.Roles{App: c.AppRole, Read: c.ReadRole}); roles != (postgres.Roles{}) {
		if err := db.GrantRoles(s.run, roles); err != nil {
			return err
		}
	}
	fmt.Println("the database is up to date")
	return nil
}
