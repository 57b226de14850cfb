package postgres_test

import (
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/migrations"
)

// openEmpty opens a database without a schema.
func openEmpty(t *testing.T) (*postgres.DB, *pgx.Conn) {
	t.Helper()
	db, conn := openBoth(t)
	if _, err := conn.Exec(t.Context(), `drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	return db, conn
}

// build is the migrations of a build.
func build(t *testing.T, change func(fstest.MapFS)) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := fs.ReadDir(migrations.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := fs.ReadFile(migrations.Files, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: text}
	}
	change(files)
	return files
}

func TestMigrateRefusesTheSchemaOfAnotherBuild(t *testing.T) {
	as := func(fstest.MapFS) {}
	edited := func(files fstest.MapFS) {
		files["0002_usage.sql"] = &fstest.MapFile{Data: append(files["0002_usage.sql"].Data, "-- edited\n"...)}
	}
	later := func(files fstest.MapFS) {
		files["9999_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table later (id bigint);\n")}
	}
	for name, tc := range map[string]struct {
		made, started func(fstest.MapFS)
		want          string // part of the error; empty: none
	}{
		"the same build":      {as, as, ""},
		"a later one":         {as, later, ""},
		"one before it":       {later, as, "it is at migration 9999"},
		"one that was edited": {edited, as, "its migration 0002_usage.sql is not the one of this build"},
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := openEmpty(t)
			if err := postgres.MigrateTo(db, t.Context(), build(t, tc.made)); err != nil {
				t.Fatal(err)
			}
			err := postgres.MigrateTo(db, t.Context(), build(t, tc.started))
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (!errors.Is(err, postgres.ErrOtherSchema) || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want one that says %q", err, tc.want)
			}
		})
	}
	t.Run("one that noted nothing", func(t *testing.T) {
		db, conn := openEmpty(t)
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), `drop table migration_sums`); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); !errors.Is(err, postgres.ErrOtherSchema) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a start that broke off may have had another file", func(t *testing.T) {
		db, _ := openEmpty(t)
		broken := func(files fstest.MapFS) {
			later(files)
			maps.Copy(files, fstest.MapFS{"9999_later.sql": {Data: []byte("-- +goose Up\nnot sql;\n")}})
		}
		if err := postgres.MigrateTo(db, t.Context(), build(t, broken)); err == nil || errors.Is(err, postgres.ErrOtherSchema) {
			t.Fatalf("got %v, want the database's own error", err)
		}
		if err := postgres.MigrateTo(db, t.Context(), build(t, later)); err != nil {
			t.Error(err)
		}
	})
}
