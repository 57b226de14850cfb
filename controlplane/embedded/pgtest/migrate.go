package pgtest

import (
	"context"

	store "github.com/weirhq/weir/controlplane/postgres"
)

// Migrate gives a database Weir's schema; it is for Databases.Migrate.
func Migrate(ctx context.Context, url string) error {
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}
