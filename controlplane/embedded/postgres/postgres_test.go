package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(t *testing.T, dir string) postgres.Config {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	return postgres.Config{BinDir: top.PostgresBin(), DataDir: dir, Volatile: true}
}

func start(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func query[T any](t *testing.T, s *postgres.Server, sql string) (answer T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func TestServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := postgres.Start(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	query[int](t, s, `with made as (select 1) select 7 from made`)

	t.Run("the role owns its database and is no superuser", func(t *testing.T) {
		if query[bool](t, s, `select rolsuper from pg_roles where rolname = current_user`) {
			t.Error("it is one")
		}
	})
	t.Run("no password, no entry", func(t *testing.T) {
		for _, url := range []string{
			strings.Replace(s.URL(), "weir:", "weir:x", 1),
			strings.Replace(s.URL(), "weir:", "postgres:", 1),
		} {
			if conn, err := pgx.Connect(t.Context(), url); err == nil {
				conn.Close(context.Background())
				t.Error("a wrong password or role got in")
			}
		}
	})
	t.Run("only the owner can read the password", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(dir, "password"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("its mode is %v", info.Mode())
		}
	})
	t.Run("a second start on the same directory is refused", func(t *testing.T) {
		_, err := postgres.Start(t.Context(), config(t, dir))
		if err == nil || !strings.Contains(err.Error(), "is in use by another process") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a restart finds what was written", func(t *testing.T) {
		query[int](t, s, `with c as (select 1) select count(*)::int from c`)
		exec(t, s, `create table kept as select 42 as n`)
		if err := s.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		s = start(t, dir)
		if n := query[int](t, s, `select n from kept`); n != 42 {
			t.Errorf("found %d", n)
		}
	})
}

func exec(t *testing.T, s *postgres.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestAKilledServerRecovers(t *testing.T) {
	dir := t.TempDir()
	c := config(t, dir)
	c.Volatile = false
	s, err := postgres.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, s, `create table kept as select 42 as n`)
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if got := s.Ending(); !strings.Contains(got, "killed") {
		t.Errorf("it says that it ended with %q", got)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	if n := query[int](t, s, `select n from kept`); n != 42 {
		t.Errorf("found %d", n)
	}
}

func TestStartExplains(t *testing.T) {
	running := start(t, t.TempDir())
	port := query[int](t, running, `select inet_server_port()`)

	cases := map[string]struct {
		arrange func(t *testing.T, c *postgres.Config)
		want    string
	}{
		"a cluster without its version": {
			func(t *testing.T, c *postgres.Config) { mkdir(t, c.DataDir, "cluster") },
			"cluster/PG_VERSION can't be read); restore it from a backup, or delete it",
		},
		"a cluster of another version": {
			func(t *testing.T, c *postgres.Config) {
				mkdir(t, c.DataDir, "cluster")
				write(t, c.DataDir, "cluster/PG_VERSION", "17\n")
			},
			`it was made by Postgres "17", and this is Postgres 18`,
		},
		"a cluster with its files missing": {
			func(t *testing.T, c *postgres.Config) {
				s, err := postgres.Start(t.Context(), *c)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Stop(context.Background()); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(filepath.Join(c.DataDir, "cluster/global/pg_control")); err != nil {
					t.Fatal(err)
				}
			},
			"can't be used (Postgres ended with",
		},
		"a taken port": {
			func(_ *testing.T, c *postgres.Config) { c.Port = port },
			"is taken, and Postgres needs it",
		},
		"missing programs": {
			func(_ *testing.T, c *postgres.Config) { c.BinDir = "/no/such/directory" },
			"run make tools, or set DATABASE_URL",
		},
		"a file for a directory": {
			func(t *testing.T, c *postgres.Config) {
				write(t, c.DataDir, "file", "")
				c.DataDir = filepath.Join(c.DataDir, "file")
			},
			"make the Postgres data directory",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := config(t, t.TempDir())
			tc.arrange(t, &c)
			s, err := postgres.Start(t.Context(), c)
			if err == nil {
				_ = s.Stop(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, tc.want)
			}
		})
	}
}

func TestAnUnfinishedClusterIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir, "cluster.unfinished")
	write(t, dir, "cluster.unfinished/PG_VERSION", "18\n")
	query[int](t, start(t, dir), `select 1`)
}

func mkdir(t *testing.T, parts ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(parts...), 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
