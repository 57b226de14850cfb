package filter_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/deploy"
)

// gateway is a real Envoy with the filter, set up as it is shipped.
type gateway struct {
	url, admin string
	envoy      *envoy.Envoy
}

// setup is what differs from one gateway of the tests to another.
type setup struct {
	workers int
	envoy   deploy.Envoy               // the filter's settings
	edit    func(config string) string // of Envoy's configuration; nil leaves it
	module  string                     // of the filter; empty: as it is shipped
}

func startGateway(t *testing.T, edge, upstream string, s setup) *gateway {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	addresses := freeAddresses(t, 2)
	e := s.envoy
	e.Gateway, e.Admin, e.Edge, e.Upstream, e.Filter, e.Node, e.FlushMS = addresses[0], addresses[1], edge, upstream, s.module, "gateway-1", 200
	if e.Filter == "" {
		e.Filter = compiledFilter(t)
	}
	config, err := e.Render()
	if err != nil {
		t.Fatal(err)
	}
	if s.edit != nil {
		config = []byte(s.edit(string(config)))
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = top.Envoy()
	}
	var log lockedBuffer
	process, err := envoy.Start(t.Context(), envoy.Config{
		Binary: binary, ConfigFile: file, Admin: addresses[1], Concurrency: s.workers, NodeToken: nodeToken, Output: &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("Envoy's log:\n%s", &log)
		}
	})
	return &gateway{url: "http://" + addresses[0], admin: "http://" + addresses[1], envoy: process}
}

// stat returns a counter or gauge of the filter.
func (g *gateway) stat(t *testing.T, name string) int64 {
	t.Helper()
	r, err := http.Get(g.admin + "/stats?filter=" + name + "$")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(string(text)), ": ")
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatalf("stat %s: %q", name, text)
	}
	return n
}

// moduleDir is where the filter is built, and removed after the last test.
var moduleDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "weir-filter")
	if err != nil {
		panic(err)
	}
	moduleDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var buildFilter sync.Once

// compiledFilter builds the filter from the sources under test, once.
func compiledFilter(t *testing.T) string {
	t.Helper()
	module := filepath.Join(moduleDir, "weir.wasm")
	buildFilter.Do(func() { buildModule(t, "github.com/weirhq/weir/plugin", module) })
	return module
}

// buildModule builds a filter as make does.
func buildModule(t *testing.T, source, module string) {
	t.Helper()
	untrimmed := module + ".untrimmed"
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", untrimmed, source)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the filter: %v\n%s", err, out)
	}
	if out, err := exec.Command("go", "run", "github.com/weirhq/weir/plugin/trim", untrimmed, module).CombinedOutput(); err != nil {
		t.Fatalf("trim the filter: %v\n%s", err, out)
	}
}

func freeAddresses(t *testing.T, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// lockedBuffer is a buffer that a process writes to while a test may read it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
