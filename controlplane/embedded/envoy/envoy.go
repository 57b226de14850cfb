package envoy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// Config says what to run.
type Config struct {
	Binary      string
	ConfigFile  string
	Admin       string    // host:port of the admin listener in ConfigFile
	Concurrency int       // worker threads; 0: one a core
	NodeToken   string    // what the filter shows the edge
	Output      io.Writer // gets Envoy's log; may be nil
}

// Envoy is a running Envoy.
type Envoy struct {
	admin  string
	child  *process.Process
	output *process.Tail
	client *http.Client
}

// Bounds of start and stop.
const (
	startWithin = 60 * time.Second
	drainWithin = 5 * time.Second
	flushWithin = 10 * time.Second
	endWithin   = 5 * time.Second
	pollEvery   = 20 * time.Millisecond
)

// Start starts Envoy and returns when it serves. ctx bounds the start only.
func Start(ctx context.Context, c Config) (*Envoy, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if _, err := os.Stat(c.Binary); err != nil {
		return nil, fmt.Errorf("there is no Envoy at %s; run make tools, or set ENVOY to the path of one", c.Binary)
	}
	e := &Envoy{
		admin:  "http://" + c.Admin,
		output: &process.Tail{Next: c.Output},
		client: &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	cmd := exec.Command(c.Binary, arguments(c)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "WEIR_NODE_TOKEN=" + c.NodeToken}
	cmd.Stdout, cmd.Stderr = e.output, e.output
	var err error
	if e.child, err = process.Start(cmd, syscall.SIGKILL); err != nil {
		return nil, err
	}
	if err := e.awaitReady(ctx); err != nil {
		_, stopErr := e.child.Stop(context.Background())
		return nil, errors.Join(err, stopErr)
	}
	return e, nil
}

func arguments(c Config) []string {
	args := []string{
		"-c", c.ConfigFile, "--disable-hot-restart", "--log-level", "warning",
		"--drain-time-s", "1", "--drain-strategy", "immediate",
	}
	if c.Concurrency > 0 {
		args = append(args, "--concurrency", strconv.Itoa(c.Concurrency))
	}
	return args
}

func (e *Envoy) awaitReady(ctx context.Context) error {
	return e.poll(ctx, "serve", func() (bool, error) {
		answer, err := e.get(ctx, "/ready")
		return err == nil && strings.HasPrefix(answer, "LIVE"), nil
	})
}

// poll asks until the answer is yes, Envoy has ended, or ctx is over.
func (e *Envoy) poll(ctx context.Context, what string, done func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-e.child.Done():
			return fmt.Errorf("Envoy ended with %s", e.Ending())
		case <-ctx.Done():
			return fmt.Errorf("Envoy did not %s in time: %s", what, e.lastWords())
		case <-tick.C:
		}
	}
}

// AwaitSnapshot waits until the filter runs a snapshot of the policy, or ctx ends.
func (e *Envoy) AwaitSnapshot(ctx context.Context) error {
	return e.poll(ctx, "get its first snapshot", func() (bool, error) {
		answer, err := e.get(ctx, "/stats?filter="+url.QueryEscape(`^wasmcustom\.weir\.snapshot\.version$`))
		_, version, found := strings.Cut(strings.TrimSpace(answer), ": ")
		return err == nil && found && version != "0", nil
	})
}

// PID is Envoy's process id.
func (e *Envoy) PID() int { return e.child.PID() }

// Done is closed when Envoy has ended, asked or not.
func (e *Envoy) Done() <-chan struct{} { return e.child.Done() }

// Ending says how Envoy ended. It waits for the end.
func (e *Envoy) Ending() string { return e.child.Ending() + ": " + e.lastWords() }

// lastWords is the log line that best tells what is wrong, without its date.
func (e *Envoy) lastWords() string {
	line := e.output.LastLine("[critical]", "[error]")
	if line == "" {
		return "it logged nothing"
	}
	return line
}

// Stop lets Envoy finish its requests and the filter its usage, each for a
// bounded time, and ends it. An ended ctx ends it at once. The error says what
// was cut short; Envoy has ended in any case.
func (e *Envoy) Stop(ctx context.Context) error {
	drained := e.drain(ctx)
	_, err := e.child.Stop(ctx, process.Step{Signal: syscall.SIGTERM, Within: endWithin})
	return errors.Join(drained, err)
}

func (e *Envoy) drain(ctx context.Context) error {
	select {
	case <-e.child.Done():
		return fmt.Errorf("it had ended already with %s", e.Ending())
	default:
	}
	draining, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	if _, err := e.send(draining, http.MethodPost, "/drain_listeners?graceful"); err != nil {
		return err
	}
	if err := e.poll(draining, "finish its requests", func() (bool, error) {
		return e.isZero(draining, `^http\.gateway\.downstream_rq_active$`)
	}); err != nil {
		return err
	}
	flushing, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	return e.awaitFlush(flushing)
}

// settled is how many times in a row the filter must say that nothing is
// pending. It says so once a tick, by default 100 ms, so this spans several.
const settled = 15

func (e *Envoy) awaitFlush(ctx context.Context) error {
	zeros := 0
	return e.poll(ctx, "hand over all usage", func() (bool, error) {
		zero, err := e.isZero(ctx, `^wasmcustom\.weir\.usage\.pending_(requests|batches)$`)
		if zero {
			zeros++
		} else {
			zeros = 0
		}
		return zeros >= settled, err
	})
}

// isZero says whether every stat whose name matches is zero.
func (e *Envoy) isZero(ctx context.Context, pattern string) (bool, error) {
	answer, err := e.get(ctx, "/stats?filter="+url.QueryEscape(pattern))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(answer) {
		_, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && value != "0" {
			return false, nil
		}
	}
	return true, nil
}

func (e *Envoy) get(ctx context.Context, path string) (string, error) {
	return e.send(ctx, http.MethodGet, path)
}

func (e *Envoy) send(ctx context.Context, method, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.admin+path, nil)
	if err != nil {
		return "", fmt.Errorf("ask Envoy's admin: %w", err)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask Envoy's admin: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read the answer of Envoy's admin: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask Envoy's admin for %s: %s", path, response.Status)
	}
	return string(body), nil
}
