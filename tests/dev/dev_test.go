package dev

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
)

// dev is a `weir dev` under test, with a data directory and ports of its own.
type dev struct {
	t       *testing.T
	command []string
	data    string
	env     map[string]string
}

func newDev(t *testing.T) *dev {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(top.Command()); err != nil {
		t.Fatalf("there is no weir command at %s; run make build", top.Command())
	}
	d := &dev{t: t, command: []string{top.Command(), "dev"}, data: filepath.Join(t.TempDir(), "data")}
	d.env = map[string]string{"WEIR_DATA": d.data, "WEIR_WORKERS": "1"}
	for _, name := range []string{"WEIR_GATEWAY_ADDR", "WEIR_HTTP_ADDR", "WEIR_EDGE_ADDR", "WEIR_ENVOY_ADMIN_ADDR"} {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d.env[name] = l.Addr().String()
	}
	return d
}

// prepare makes the command in a process group of its own, as a shell would.
func (d *dev) prepare() *exec.Cmd {
	cmd := exec.Command(d.command[0], d.command[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	if binary := os.Getenv("ENVOY"); binary != "" {
		cmd.Env = append(cmd.Env, "ENVOY="+binary)
	}
	for name, value := range d.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// refused runs it to its end, which must be at once and with one sentence.
func (d *dev) refused() string {
	d.t.Helper()
	cmd := d.prepare()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		d.t.Fatalf("it ended with %v, not with exit status 1", err)
	}
	d.nothingRuns()
	sentence := strings.TrimSpace(stderr.String())
	if strings.Contains(sentence, "\n") {
		d.t.Errorf("it said more than one sentence: %s", sentence)
	}
	return sentence
}

// running is a dev that is ready.
type running struct {
	*dev
	cmd    *exec.Cmd
	ready  string // everything it printed until it was ready
	stderr bytes.Buffer
	rest   chan string // what it printed afterwards, once it has ended
}

func (d *dev) start() *running {
	d.t.Helper()
	r := &running{dev: d, cmd: d.prepare(), rest: make(chan string, 1)}
	r.cmd.Stderr = &r.stderr
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		r.ready += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Weir is ready: ") {
			go func() {
				var rest strings.Builder
				for lines.Scan() {
					rest.WriteString(lines.Text() + "\n")
				}
				r.rest <- rest.String()
			}()
			return r
		}
	}
	_ = r.cmd.Wait()
	d.t.Fatalf("it never got ready:\n%s%s", r.ready, r.stderr.String())
	return nil
}

// end sends a signal and returns the exit status and everything printed since.
func (r *running) end(sig syscall.Signal) (status int, printed string) {
	r.t.Helper()
	family := descendants(r.t, r.cmd.Process.Pid)
	if len(family) < 2 {
		r.t.Errorf("it has %d children, and should have Postgres and Envoy", len(family))
	}
	if err := r.cmd.Process.Signal(sig); err != nil {
		r.t.Fatal(err)
	}
	return r.await(family)
}

func (r *running) await(family []kin) (status int, printed string) {
	r.t.Helper()
	rest := <-r.rest
	_ = r.cmd.Wait()
	for _, m := range family {
		m.awaitEnd(r.t)
	}
	r.nothingRuns()
	return r.cmd.ProcessState.ExitCode(), rest + r.stderr.String()
}

// get asks the gateway as a demo account.
func (r *running) get(path string) *http.Response {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.env["WEIR_GATEWAY_ADDR"]+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("x-api-key", "demo-professional")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	response.Body.Close()
	return response
}

// query asks GraphQL with the API token that the ready block shows.
func (r *running) query(operation string) string {
	r.t.Helper()
	token, err := os.ReadFile(filepath.Join(r.data, "api-token"))
	if err != nil {
		r.t.Fatal(err)
	}
	if !strings.Contains(r.ready, strings.TrimSpace(string(token))) {
		r.t.Error("the ready block does not show the API token")
	}
	body := strings.NewReader(fmt.Sprintf(`{"query":%q}`, operation))
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.env["WEIR_HTTP_ADDR"]+"/graphql", body)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil {
		r.t.Fatal(err)
	}
	return answer.String()
}

// nothingRuns makes sure that no process works on the data directory.
func (d *dev) nothingRuns() {
	d.t.Helper()
	for _, pid := range pids(d.t) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(line, []byte(d.data)) {
			d.t.Errorf("left behind: %d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
}

// kin is a process whose end can be waited for, even if it is nobody's child.
type kin struct{ pid, fd int }

func (m kin) awaitEnd(t *testing.T) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLIN}}
	deadline := time.Now().Add(30 * time.Second)
	for {
		n, err := unix.Poll(poll, int(time.Until(deadline).Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if n != 1 {
			t.Errorf("process %d is still there (%v)", m.pid, err)
		}
		break
	}
	_ = unix.Close(m.fd)
}

// descendants opens all processes below pid.
func descendants(t *testing.T, pid int) (family []kin) {
	t.Helper()
	parents := map[int]int{}
	for _, p := range pids(t) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		// The name before the state may hold anything, even parentheses.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			parents[p] = parent
		}
	}
	known := []int{pid}
	for i := 0; i < len(known); i++ {
		for p, parent := range parents {
			if parent == known[i] && !slices.Contains(known, p) {
				known = append(known, p)
				if fd, err := unix.PidfdOpen(p, 0); err == nil {
					family = append(family, kin{p, fd})
				}
			}
		}
	}
	return family
}

func pids(t *testing.T) (all []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

func TestDevStartsStopsAndFindsItsDataAgain(t *testing.T) {
	d := newDev(t)
	r := d.start()
	for _, name := range []string{"WEIR_GATEWAY_ADDR", "WEIR_HTTP_ADDR", "WEIR_EDGE_ADDR", "WEIR_ENVOY_ADMIN_ADDR"} {
		if !strings.Contains(r.ready, d.env[name]) {
			t.Errorf("the ready block does not name %s", name)
		}
	}
	if !strings.Contains(r.ready, "/sign-in#token=") {
		t.Error("the ready block has no sign-in link")
	}
	if got := r.get("/hello").StatusCode; got != http.StatusOK {
		t.Errorf("the gateway answers %d", got)
	}
	if got := r.query(`mutation { createTier(input: {name: "Kept", limits: []}) { tier { name } } }`); !strings.Contains(got, "Kept") {
		t.Errorf("createTier answers %s", got)
	}
	token, err := os.ReadFile(filepath.Join(d.data, "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	if status, printed := r.end(os.Interrupt.(syscall.Signal)); status != 0 {
		t.Fatalf("Ctrl-C ends it with exit status %d: %s", status, printed)
	}

	r = d.start()
	again, err := os.ReadFile(filepath.Join(d.data, "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(token, again) {
		t.Error("the API token is another one")
	}
	if got := r.query(`{ tiers { nodes { name } } }`); !strings.Contains(got, "Kept") {
		t.Errorf("after a restart there are the tiers %s", got)
	}
	// The first request was handed over before Envoy stopped.
	since := time.Now().Add(-time.Hour).Format(time.RFC3339)
	usage := `{ usage(from: "` + since + `", granularity: HOUR) { totals { allowed } } }`
	if got := r.query(usage); !strings.Contains(got, `"allowed":1`) {
		t.Errorf("after a restart the usage is %s", got)
	}
	if got := r.get("/hello").StatusCode; got != http.StatusOK {
		t.Errorf("after a restart the gateway answers %d", got)
	}
	if status, printed := r.end(syscall.SIGTERM); status != 0 {
		t.Errorf("SIGTERM ends it with exit status %d: %s", status, printed)
	}
}

func TestDevThatIsKilledLeavesNothingAndStartsAgain(t *testing.T) {
	d := newDev(t)
	d.start().end(syscall.SIGKILL)
	r := d.start()
	if got := r.get("/hello").StatusCode; got != http.StatusOK {
		t.Errorf("the gateway answers %d", got)
	}
	r.end(syscall.SIGTERM)
}

func TestDevEndsWhenAPartDoes(t *testing.T) {
	for _, part := range []struct{ name, program string }{{"Envoy", "envoy"}, {"Postgres", "postgres"}} {
		t.Run(part.name, func(t *testing.T) {
			r := newDev(t).start()
			family := descendants(t, r.cmd.Process.Pid)
			for _, m := range family {
				line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", m.pid))
				if err != nil {
					continue
				}
				program, rest, _ := bytes.Cut(line, []byte{0})
				if filepath.Base(string(program)) == part.program && bytes.Contains(rest, []byte(r.data)) {
					if err := syscall.Kill(m.pid, syscall.SIGKILL); err != nil {
						t.Fatal(err)
					}
				}
			}
			status, printed := r.await(family)
			if status != 1 || !strings.Contains(printed, part.name+" ended unexpectedly") {
				t.Errorf("exit status %d: %s", status, printed)
			}
		})
	}
}

func TestDevSaysWhatIsInTheWay(t *testing.T) {
	t.Run("a taken port", func(t *testing.T) {
		for _, tc := range []struct{ variable, part string }{
			{"WEIR_GATEWAY_ADDR", "the gateway"},
			{"WEIR_HTTP_ADDR", "the dashboard"},
			{"WEIR_EDGE_ADDR", "the edge"},
			{"WEIR_ENVOY_ADMIN_ADDR", "Envoy's admin"},
		} {
			d := newDev(t)
			l, err := net.Listen("tcp4", d.env[tc.variable])
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("weir: %s is taken, and %s needs it; stop what listens there, or set %s to another address", d.env[tc.variable], tc.part, tc.variable)
			if got := d.refused(); got != want {
				t.Errorf("it says %q, not %q", got, want)
			}
			l.Close()
		}
	})
	t.Run("a missing Envoy", func(t *testing.T) {
		d := newDev(t)
		d.env["ENVOY"] = "/no/such/envoy"
		t.Setenv("ENVOY", "")
		if got := d.refused(); !strings.Contains(got, "there is no Envoy at /no/such/envoy; run make tools, or set ENVOY") {
			t.Errorf("it says %q", got)
		}
	})
	t.Run("a broken data directory", func(t *testing.T) {
		d := newDev(t)
		if err := os.MkdirAll(filepath.Join(d.data, "postgres/cluster"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := d.refused(); !strings.Contains(got, "can't be used (cluster/PG_VERSION can't be read); restore it from a backup, or delete it") {
			t.Errorf("it says %q", got)
		}
	})
	t.Run("another Weir on the data directory", func(t *testing.T) {
		first := newDev(t)
		r := first.start()
		second := newDev(t)
		second.env["WEIR_DATA"] = first.data
		cmd := second.prepare()
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "another Weir runs on the data directory "+first.data) {
			t.Errorf("it says %q", out)
		}
		if got := r.get("/hello").StatusCode; got != http.StatusOK {
			t.Errorf("afterwards the first one's gateway answers %d", got)
		}
		r.end(syscall.SIGTERM)
	})
}
