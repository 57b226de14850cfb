// Package stack runs all of Weir for a test: Postgres, JetStream, the control
// plane, Envoy with the compiled filter, and the demo's upstream and accounts.
// Everything is real, and ends with the test.
package stack

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/deploy"
)

// NodeToken is what the stack's Envoy shows the edge.
const NodeToken = "a-node-token-of-enough-characters-for-tests"

// Stack is a running Weir.
type Stack struct {
	Gateway string // base URL for clients of the API
	Admin   string // base URL of Envoy's admin pages
	Token   string // an API token
	Config  app.Config
	Envoy   *envoy.Envoy
	// EnvoyTLS is how the next Envoy that is started reaches the edge.
	EnvoyTLS *deploy.TLS

	t        testing.TB
	app      *app.App // nil when it is outside
	workers  int
	answered atomic.Int64
	killed   map[*envoy.Envoy]bool
}

// Options say how a stack differs from the usual.
type Options struct {
	Workers int // Envoy's worker threads; 0: 2
	// Outside leaves the control plane to the test, which starts it with Config.
	Outside bool
	// EdgeTLS and EnvoyTLS are what the edge serves with and how Envoy reaches it;
	// nothing: in plain HTTP.
	EdgeTLS  certs.Files
	EnvoyTLS *deploy.TLS
}

// Migrate brings a test's database to where a stack begins.
func Migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	return demo.Seed(ctx, db)
}

// Start starts a stack on a database that Migrate prepared. The filter may not
// have a snapshot yet when it returns.
func Start(t testing.TB, database string, o Options) *Stack {
	t.Helper()
	addrs := freeAddrs(t, 4)
	s := &Stack{
		Gateway: "http://" + addrs[0], Admin: "http://" + addrs[1], Token: rememberToken(t, database), t: t,
		EnvoyTLS: o.EnvoyTLS,
		Config: app.Config{
			DatabaseURL: database, StoreDir: t.TempDir(), NodeToken: NodeToken, EdgeTLS: o.EdgeTLS,
			HTTPAddr: addrs[2], EdgeAddr: addrs[3], PublicURL: "http://" + addrs[2],
			Log: slog.New(slog.NewTextHandler(logFile(t), nil)),
		},
	}
	if !o.Outside {
		s.app = s.open()
	}
	s.workers = max(o.Workers, 2)
	s.Envoy = s.startEnvoy(addrs[0], addrs[1], "test")
	return s
}

// StartEnvoy starts one more Envoy, and returns it with its base URL for clients.
func (s *Stack) StartEnvoy(node string) (e *envoy.Envoy, gateway string) {
	s.t.Helper()
	addrs := freeAddrs(s.t, 2)
	return s.startEnvoy(addrs[0], addrs[1], node), "http://" + addrs[0]
}

// Kill ends an Envoy without notice.
func (s *Stack) Kill(e *envoy.Envoy) {
	s.t.Helper()
	if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	<-e.Done()
	if s.killed == nil {
		s.killed = map[*envoy.Envoy]bool{}
	}
	s.killed[e] = true
}

// open starts the control plane in this process.
func (s *Stack) open() *app.App {
	s.t.Helper()
	a, err := app.Open(s.t.Context(), s.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return a
}

func (s *Stack) startEnvoy(gateway, admin, node string) *envoy.Envoy {
	s.t.Helper()
	top := checkoutOf(s.t)
	if _, err := os.Stat(top.Filter()); err != nil {
		s.t.Fatalf("there is no filter at %s; run make build", top.Filter())
	}
	upstream := httptest.NewServer(demo.Upstream())
	s.t.Cleanup(upstream.Close)
	config, err := deploy.Envoy{
		Gateway: gateway, Admin: admin, Edge: s.Config.EdgeAddr, Node: node,
		Upstream: strings.TrimPrefix(upstream.URL, "http://"), Filter: top.Filter(), EdgeTLS: s.EnvoyTLS,
	}.Render()
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		s.t.Fatal(err)
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = top.Envoy()
	}
	e, err := envoy.Start(s.t.Context(), envoy.Config{
		Binary: binary, ConfigFile: file, Admin: admin, Concurrency: s.workers, NodeToken: NodeToken, Output: logFile(s.t),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.killed[e] {
			return
		}
		// Where the control plane went first, Envoy can't get rid of its usage.
		if err := e.Stop(context.Background()); err != nil && s.app != nil {
			s.t.Error(err)
		}
	})
	return e
}

// patience is far beyond what any healthy stack needs.
const patience = time.Minute

// Eventually waits until done says so, with patience.
func (s *Stack) Eventually(what string, done func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(5 * time.Millisecond); !done(); <-tick.C {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func checkoutOf(t testing.TB) checkout.Checkout {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// freeAddrs returns addresses that nobody listens on now.
func freeAddrs(t testing.TB, n int) []string {
	t.Helper()
	addrs := make([]string, n)
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return addrs
}

func rememberToken(t testing.TB, database string) string {
	t.Helper()
	db, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	secret := controlplane.NewSecret("")
	if err := db.SetAPIToken(t.Context(), "tests", secret); err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// logFile is where a service's log goes; a failed test shows its end.
func logFile(t testing.TB) io.Writer {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		if text, err := os.ReadFile(f.Name()); err == nil && t.Failed() {
			t.Logf("…%s", text[max(0, len(text)-4000):])
		}
	})
	return f
}
