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

func startGateway(t *testing.T, edge, upstream string, workers int) *gateway {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	addresses := freeAddresses(t, 2)
	config, err := deploy.Envoy{
		Gateway: addresses[0], Admin: addresses[1], Edge: edge, Upstream: upstream,
		Filter: compiledFilter(t), Node: "gateway-1", FlushMS: 200,
	}.Render()
	if err != nil {
		t.Fatal(err)
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
	e, err := envoy.Start(t.Context(), envoy.Config{
		Binary: binary, ConfigFile: file, Admin: addresses[1], Concurrency: workers, NodeToken: nodeToken, Output: &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("Envoy's log:\n%s", &log)
		}
	})
	return &gateway{url: "http://" + addresses[0], admin: "http://" + addresses[1], envoy: e}
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
	buildFilter.Do(func() {
		untrimmed := filepath.Join(moduleDir, "untrimmed.wasm")
		build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", untrimmed, "github.com/weirhq/weir/plugin")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build the filter: %v\n%s", err, out)
		}
		if out, err := exec.Command("go", "run", "github.com/weirhq/weir/plugin/trim", untrimmed, module).CombinedOutput(); err != nil {
			t.Fatalf("trim the filter: %v\n%s", err, out)
		}
	})
	return module
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
