// Package envoy runs the compiled filter in a real Envoy, for tests.
//
// In come the addresses of an edge and an upstream; out comes a running Envoy on
// ports of its own. It ends with the test, or with the test's process.
package envoy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// Config is what an Envoy is started with.
type Config struct {
	Module      string // compiled filter; see BuildModule
	Plugin      string // the plugin's configuration, JSON
	NodeToken   string
	Edge        string // host:port
	Upstream    string // host:port
	Concurrency int
}

// Envoy is one that runs.
type Envoy struct {
	Gateway string // URL of the listener that is limited
	Admin   string // URL
	log     string
	process *os.Process
	exited  chan struct{}
	stop    sync.Once
}

//go:embed envoy.yaml.tmpl
var configuration string

// Start starts Envoy and waits until it takes requests.
func Start(t testing.TB, c Config) *Envoy {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	parsed := template.Must(template.New("envoy").Funcs(template.FuncMap{"json": quote, "host": host, "port": port}).Parse(configuration))
	if err := parsed.Execute(&text, c); err != nil {
		t.Fatal(err)
	}
	file, admin := filepath.Join(dir, "envoy.yaml"), filepath.Join(dir, "admin")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Envoy{log: filepath.Join(dir, "envoy.log"), exited: make(chan struct{})}
	e.run(t, c, file, admin)
	t.Cleanup(func() { e.Stop(t) })
	e.Admin = "http://" + e.await(t, "the admin address", func() (string, bool) {
		b, err := os.ReadFile(admin)
		return string(b), err == nil && len(b) > 0
	})
	e.await(t, "readiness", func() (string, bool) {
		r, err := http.Get(e.Admin + "/ready")
		if err != nil {
			return "", false
		}
		r.Body.Close()
		return "", r.StatusCode == http.StatusOK
	})
	e.Gateway = "http://" + e.listener(t)
	return e
}

// run starts the process from a thread that stays for its whole life, as the
// signal that ends Envoy when its parent is gone belongs to the parent's thread.
func (e *Envoy) run(t testing.TB, c Config, file, admin string) {
	t.Helper()
	log, err := os.Create(e.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t), "-c", file, "--admin-address-path", admin,
		"--concurrency", strconv.Itoa(c.Concurrency), "--disable-hot-restart", "--log-level", "warning")
	cmd.Env = append(os.Environ(), "WEIR_NODE_TOKEN="+c.NodeToken)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // how it ended is in the log
		}
		close(e.exited)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	e.process = cmd.Process
}

// Stop ends Envoy as an operator would, and shows its log if the test failed.
func (e *Envoy) Stop(t testing.TB) {
	e.stop.Do(func() {
		e.process.Signal(syscall.SIGTERM)
		select {
		case <-e.exited:
		case <-time.After(10 * time.Second):
			e.process.Kill()
			<-e.exited
			t.Error("Envoy did not end within 10 s of SIGTERM")
		}
	})
	if t.Failed() {
		t.Logf("Envoy's log:\n%s", e.Log(t))
	}
}

// Log returns what Envoy and the filter have logged.
func (e *Envoy) Log(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(e.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Stat returns a counter or gauge of the filter, such as weir.decisions.allowed.
func (e *Envoy) Stat(t testing.TB, name string) int64 {
	t.Helper()
	full := "wasmcustom." + name
	for line := range strings.Lines(e.get(t, "/stats?filter=^"+strings.ReplaceAll(full, ".", `\.`)+"$")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), full+": "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

func (e *Envoy) get(t testing.TB, path string) string {
	t.Helper()
	r, err := http.Get(e.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (e *Envoy) listener(t testing.TB) string {
	t.Helper()
	var answer struct {
		Statuses []struct {
			Address struct {
				Socket struct {
					Host string `json:"address"`
					Port int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(e.get(t, "/listeners?format=json")), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Statuses) != 1 {
		t.Fatalf("Envoy has %d listeners, want 1", len(answer.Statuses))
	}
	s := answer.Statuses[0].Address.Socket
	return fmt.Sprintf("%s:%d", s.Host, s.Port)
}

// await asks until it gets an answer, which takes as long as the module needs to
// be compiled.
func (e *Envoy) await(t testing.TB, what string, ask func() (string, bool)) string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		if answer, ok := ask(); ok {
			return answer
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-e.exited:
			t.Fatalf("Envoy ended before %s:\n%s", what, e.Log(t))
		case <-deadline:
			t.Fatalf("no %s of Envoy within a minute:\n%s", what, e.Log(t))
		}
	}
}

// binary is $ENVOY, or what `make tools` has installed.
func binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("ENVOY")
	if path == "" {
		path = filepath.Join(root(t), ".tools", "envoy", "envoy", "_bin", "envoy")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no Envoy (%v); install it with\n\tmake tools\nor set ENVOY to the path of one", err)
	}
	return path
}

// BuildModule compiles the filter into dir and returns the module's path.
func BuildModule(t testing.TB, dir string) string {
	t.Helper()
	module := filepath.Join(dir, "weir.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", module, "./plugin")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the filter: %v\n%s", err, out)
	}
	return module
}

// root is the checkout's.
func root(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func host(address string) string { h, _, _ := strings.Cut(address, ":"); return h }
func port(address string) string { _, p, _ := strings.Cut(address, ":"); return p }
