package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

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

// ErrBehind is what CheckSchema fails with, and Migrate where the role may not make
// tables, when the database lacks migrations of this build.
var ErrBehind = errors.New("the database is of an earlier version of Weir; run `weir migrate` as the role that owns it")

// Migrate brings the schema up to date. Several processes may call it at once: one
// works and the others wait. It fails with [ErrOtherSchema], and changes nothing,
// when a migration that was applied isn't the one of this build, and with [ErrBehind]
// when something is left to do that the role may not. The roles that GrantRoles was
// told of have what they need afterwards.
func (db *DB) Migrate(ctx context.Context) error { return db.migrate(ctx, migrations.Files) }

// CheckSchema fails with [ErrOtherSchema] or [ErrBehind] when the schema isn't that of
// this build. It changes nothing.
func (db *DB) CheckSchema(ctx context.Context) error {
	pending, err := db.pending(ctx, migrations.Files)
	if err == nil && len(pending) > 0 {
		err = ErrBehind
	}
	return schemaFault(err)
}

func schemaFault(err error) error {
	if err == nil || errors.Is(err, ErrOtherSchema) || errors.Is(err, ErrBehind) {
		return err
	}
	return fmt.Errorf("migrate the database: %w", err)
}

func (db *DB) migrate(ctx context.Context, files fs.FS) error {
	pending, err := db.pending(ctx, files)
	if err != nil || len(pending) == 0 {
		return schemaFault(err)
	}
	var may bool
	err = db.pool.QueryRow(ctx, `
		select has_schema_privilege(current_schema(), 'CREATE')
			and coalesce((select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass('migration_sums')), true)`).Scan(&may)
	switch {
	case err != nil:
		return schemaFault(err)
	case !may:
		return ErrBehind
	}
	return schemaFault(db.apply(ctx, files))
}

func (db *DB) apply(ctx context.Context, files fs.FS) error {
	plain := stdlib.OpenDBFromPool(db.pool)
	defer plain.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, plain, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local statement_timeout = 0; select pg_advisory_xact_lock(%d)`, int64(migrateLock))); err != nil {
			return err
		}
		if _, err := db.pool.Exec(ctx, `create table if not exists migration_sums (version bigint primary key, sum text not null)`); err != nil {
			return err
		}
		// Somebody else may have been at it until now.
		pending, err := db.pending(ctx, files)
		if err != nil || len(pending) == 0 {
			return err
		}
		for _, m := range pending {
			_, err := db.pool.Exec(ctx, `
				insert into migration_sums (version, sum) values ($1, $2) on conflict (version) do update set sum = excluded.sum`, m.Version, m.Sum)
			if err != nil {
				return err
			}
		}
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
		return db.grantAll(ctx)
	})
}

// pending compares the migrations that were applied with those of this build, and
// returns those that were not.
func (db *DB) pending(ctx context.Context, files fs.FS) (pending []applied, err error) {
	known, err := migrationsIn(files)
	if err != nil {
		return nil, err
	}
	done, sums, err := db.applied(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range known {
		switch {
		case !done[m.Version]:
			pending = append(pending, m.applied)
		case sums[m.Version] != m.Sum:
			return nil, fmt.Errorf("%w: its migration %s is not the one of this build; use the version that made it, or an empty database", ErrOtherSchema, m.name)
		}
	}
	current, latest := slices.Max(append(slices.Collect(maps.Keys(done)), 0)), known[len(known)-1].Version
	if current > latest {
		return nil, fmt.Errorf("%w: it is at migration %d, and this build ends with %d; use the version that made it, or an empty database", ErrOtherSchema, current, latest)
	}
	return pending, nil
}

// migration is one of this build.
type migration struct {
	applied
	name string
}

func migrationsIn(files fs.FS) (all []migration, err error) {
	entries, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range entries {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(text)
		all = append(all, migration{applied{version, hex.EncodeToString(digest[:])}, name})
	}
	return all, nil
}

// applied returns which migrations the database has, and the sums that were noted.
func (db *DB) applied(ctx context.Context) (done map[int64]bool, sums map[int64]string, err error) {
	done, sums = map[int64]bool{}, map[int64]string{}
	var versioned, summed bool
	err = db.pool.QueryRow(ctx, `select to_regclass('goose_db_version') is not null, to_regclass('migration_sums') is not null`).Scan(&versioned, &summed)
	if err != nil {
		return nil, nil, err
	}
	if versioned {
		versions, err := list[struct{ Version int64 }](ctx, db.pool, `select version_id from goose_db_version where is_applied and version_id > 0`)
		if err != nil {
			return nil, nil, err
		}
		for _, v := range versions {
			done[v.Version] = true
		}
	}
	if summed {
		noted, err := list[applied](ctx, db.pool, `select version, sum from migration_sums`)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range noted {
			sums[n.Version] = n.Sum
		}
	}
	return done, sums, nil
}
