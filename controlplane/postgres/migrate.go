package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/weirhq/weir/migrations"
)

// ErrOtherSchema is what Migrate fails with when the database has the schema of
// another build.
var ErrOtherSchema = errors.New("the database was made by another version of Weir")

// migrateLock is the advisory lock of the one who migrates.
const migrateLock = 0x77656972_6d696772

// Migrate brings the schema up to date. Several processes may call it at once: one
// works and the others wait. It fails with [ErrOtherSchema], and changes nothing,
// when a migration that was applied isn't the one of this build.
func (db *DB) Migrate(ctx context.Context) error { return db.migrate(ctx, migrations.Files) }

func (db *DB) migrate(ctx context.Context, files fs.FS) error {
	plain := stdlib.OpenDBFromPool(db.pool)
	defer plain.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, plain, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local statement_timeout = 0; select pg_advisory_xact_lock(%d)`, int64(migrateLock))); err != nil {
			return err
		}
		if err := db.checkApplied(ctx, provider, files); err != nil {
			return err
		}
		_, err := provider.Up(ctx)
		return err
	})
	if err != nil && !errors.Is(err, ErrOtherSchema) {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return err
}

// checkApplied compares the migrations that were applied with those of this build,
// and notes the checksums of those that are about to be.
func (db *DB) checkApplied(ctx context.Context, provider *goose.Provider, files fs.FS) error {
	_, err := db.pool.Exec(ctx, `create table if not exists migration_sums (version bigint primary key, sum text not null)`)
	if err != nil {
		return err
	}
	noted, err := list[struct {
		Version int64
		Sum     string
	}](ctx, db.pool, `select version, sum from migration_sums`)
	if err != nil {
		return err
	}
	sums := map[int64]string{}
	for _, n := range noted {
		sums[n.Version] = n.Sum
	}
	current, latest, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current > latest:
		return fmt.Errorf("%w: it is at migration %d, and this build ends with %d; use the version that made it, or an empty database", ErrOtherSchema, current, latest)
	}
	states, err := provider.Status(ctx)
	if err != nil {
		return err
	}
	for _, m := range states {
		name := path.Base(m.Source.Path)
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(text)
		sum := hex.EncodeToString(digest[:])
		switch {
		case m.State == goose.StateApplied && sums[m.Source.Version] != sum:
			return fmt.Errorf("%w: its migration %s is not the one of this build; use the version that made it, or an empty database", ErrOtherSchema, name)
		case m.State != goose.StateApplied:
			_, err = db.pool.Exec(ctx, `
				insert into migration_sums (version, sum) values ($1, $2) on conflict (version) do update set sum = excluded.sum`, m.Source.Version, sum)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
