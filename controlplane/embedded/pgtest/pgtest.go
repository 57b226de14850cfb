// Package pgtest gives each test a Postgres database of its own.
//
// In comes a function that migrates a database; out come URLs of databases that
// are already migrated, made in some 50 ms each as copies of a template. Tests
// may run in parallel, in one process or in several. Nothing survives: a
// package's databases go with its last test, or with its process.
//
// A package of tests has one Databases:
//
//	var databases = pgtest.Databases{Migrate: migrate}
//
//	func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }
//
//	func TestStore(t *testing.T) { url := databases.New(t) … }
//
// The server is the one at WEIR_TEST_DATABASE_URL, whose role must be allowed to
// create databases, or else one that is started for the package.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/postgres"
	store "github.com/weirhq/weir/controlplane/postgres"
)

// Databases makes databases. Its zero value makes empty ones. It must not be
// copied once it is in use.
type Databases struct {
	// Migrate brings the empty database at url to the state that every test
	// begins with, and closes its connections. It may be nil.
	Migrate func(ctx context.Context, url string) error

	// Roles makes roles that own nothing, which AsApp and AsReader connect as.
	Roles bool

	begin    sync.Once
	app      *url.Userinfo
	reader   *url.Userinfo
	err      error
	admin    *url.URL // a database to give orders from
	template string
	server   *postgres.Server // nil when it is somebody else's
	dir      string           // of server; removed after the last test
}

// Run runs a package's tests and then removes what New made. It returns the exit
// code; a Postgres that does not stop turns it to failure.
func (d *Databases) Run(m *testing.M) int {
	code := m.Run()
	if err := d.remove(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "remove the tests' databases:", err)
		return max(code, 1)
	}
	return code
}

// New makes a database for one test, which is dropped when the test ends, and
// returns its URL.
func (d *Databases) New(t testing.TB) string {
	t.Helper()
	d.begin.Do(func() { d.err = d.prepare(context.Background()) })
	if d.err != nil {
		t.Fatalf("prepare a Postgres for tests: %v", d.err)
	}
	name := randomName("weir_test_")
	if err := d.order(t.Context(), "create database "+name+" template "+d.template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return d.at(name)
}

// drop drops a database, and ends what is connected to it. Only a superuser may end
// an autovacuum by force; a drop without force ends it all the same.
func (d *Databases) drop(ctx context.Context, name string) error {
	err := d.order(ctx, "drop database "+name+" with (force)")
	var refused *pgconn.PgError
	const insufficientPrivilege = "42501"
	if errors.As(err, &refused) && refused.Code == insufficientPrivilege {
		err = d.order(ctx, "drop database "+name)
	}
	return err
}

func (d *Databases) prepare(ctx context.Context) error {
	adminURL := os.Getenv("WEIR_TEST_DATABASE_URL")
	if adminURL == "" {
		if err := d.startServer(ctx); err != nil {
			return err
		}
		adminURL = d.server.URL()
	}
	admin, err := url.Parse(adminURL)
	if err != nil {
		return errors.New("read WEIR_TEST_DATABASE_URL: it is not a URL")
	}
	d.admin = admin
	d.template = randomName("weir_template_")
	if err := d.order(ctx, "create database "+d.template); err != nil {
		return err
	}
	if d.Migrate == nil {
		return nil
	}
	if err := d.Migrate(ctx, d.at(d.template)); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	if d.Roles {
		return d.makeRoles(ctx)
	}
	return nil
}

// makeRoles makes the roles, and gives them what they need of the template, which
// each copy of it has, too.
func (d *Databases) makeRoles(ctx context.Context) error {
	db, err := store.Open(ctx, d.at(d.template))
	if err != nil {
		return err
	}
	defer db.Close()
	for kind, user := range map[string]**url.Userinfo{"app_": &d.app, "read_": &d.reader} {
		*user = url.UserPassword(randomName("weir_test_"+kind), rand.Text())
		password, _ := (*user).Password()
		if err := d.order(ctx, fmt.Sprintf("create role %s login password '%s'", (*user).Username(), password)); err != nil {
			return err
		}
	}
	return db.GrantRoles(ctx, store.Roles{App: d.app.Username(), Read: d.reader.Username()})
}

// AsApp returns the URL of a database that New returned, for the role that the
// control plane runs as.
func (d *Databases) AsApp(t testing.TB, database string) string { return as(t, database, d.app) }

// AsReader returns the URL of a database that New returned, for the role that reports
// are made with.
func (d *Databases) AsReader(t testing.TB, database string) string { return as(t, database, d.reader) }

func as(t testing.TB, database string, user *url.Userinfo) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil || user == nil {
		t.Fatalf("there is no role to connect as: %v", err)
	}
	u.User = user
	return u.String()
}

func (d *Databases) startServer(ctx context.Context) error {
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "weir-pgtest-"); err != nil {
		return fmt.Errorf("make a directory for Postgres: %w", err)
	}
	d.server, err = postgres.Start(ctx, postgres.Config{BinDir: top.PostgresBin(), DataDir: d.dir, Volatile: true})
	return err
}

func (d *Databases) remove(ctx context.Context) error {
	var errs []error
	switch {
	case d.server != nil:
		errs = append(errs, d.server.Stop(ctx))
	case d.template != "":
		errs = append(errs, d.order(ctx, "drop database if exists "+d.template))
		for _, user := range []*url.Userinfo{d.app, d.reader} {
			if user != nil {
				errs = append(errs, d.order(ctx, "drop role "+user.Username()))
			}
		}
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// order runs one statement that can't be part of a transaction.
func (d *Databases) order(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, d.admin.String())
	if err != nil {
		return fmt.Errorf("connect to the tests' Postgres: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func (d *Databases) at(name string) string {
	u := *d.admin
	u.Path = "/" + name
	return u.String()
}

func randomName(prefix string) string { return prefix + strings.ToLower(rand.Text()) }
