package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/controlplane/embedded/postgres"
	"github.com/weirhq/weir/controlplane/embedded/process"
)

const nodeToken = "a-node-token-of-enough-characters-for-faults"

// planes is how many control planes a world has.
const planes = 2

// world is all of Weir, each part a process of its own.
type world struct {
	t   *testing.T
	dir string
	top checkout.Checkout

	database *database
	embedded bool           // each control plane has a NATS in it
	nats     *part          // nil where that is so
	store    string         // NATS's directory
	stores   [planes]string // of the NATS in each control plane
	planes   [planes]*part
	httpAddr [planes]string
	envoy    *envoy.Envoy
	gateway  string // host:port for clients
	admin    string // host:port of Envoy's admin pages
	envoyLog *process.Tail

	edge     *link
	toSQL    [planes]*link
	toNATS   [planes]*link
	taps     [planes]*tap
	natsAddr string
	edgeAddr [planes]string

	policy  policy
	truth   truth
	killed  time.Time     // when Envoy was
	unheard time.Duration // how long it had had no edge then
	spoiled atomic.Int64  // stores that had usage in them when they were
	// Of unaccounted usage: the rows that there should be, and the last of them.
	lost     int
	lastLoss int64
	// Bounds the time from the last fault to the last commit.
	drainWithin time.Duration
	stops       []func()
}

// startWorld starts a world, which ends with the test.
func startWorld(t *testing.T, embedded bool, plant bug) *world {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), top: top, embedded: embedded, drainWithin: drainWithin}
	t.Cleanup(w.close)
	if err := w.start(t.Context(), plant); err != nil {
		t.Fatalf("start a world: %v", err)
	}
	return w
}

func (w *world) start(ctx context.Context, plant bug) error {
	for _, file := range []string{w.top.Command(), w.top.Filter()} {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%w; run make build", err)
		}
	}
	addrs, err := freeAddrs(3 + 2*planes)
	if err != nil {
		return err
	}
	w.gateway, w.admin, w.natsAddr = addrs[0], addrs[1], addrs[2]
	for i := range planes {
		w.httpAddr[i], w.edgeAddr[i] = addrs[3+2*i], addrs[4+2*i]
	}
	if w.database, err = startDatabase(ctx, postgres.Config{BinDir: w.top.PostgresBin(), DataDir: filepath.Join(w.dir, "postgres")}); err != nil {
		return err
	}
	w.onStop(w.database.end)
	if w.policy, err = makePolicy(ctx, w.database.url()); err != nil {
		return err
	}
	if !w.embedded {
		w.startNATS()
	}
	if err := w.startLinks(plant); err != nil {
		return err
	}
	for i := range planes {
		w.startPlane(i)
	}
	if err := w.awaitPlanes(ctx); err != nil {
		return err
	}
	if err := plant.plant(ctx, w); err != nil {
		return err
	}
	return w.startEnvoy(ctx)
}

func (w *world) onStop(stop func()) { w.stops = append(w.stops, stop) }

func (w *world) close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
	if !w.t.Failed() {
		return
	}
	for _, p := range []*part{w.nats, w.planes[0], w.planes[1]} {
		if p != nil {
			w.t.Logf("the end of the log of %s:\n%s", p.name, p.log)
		}
	}
	if w.envoyLog != nil {
		w.t.Logf("the end of the log of Envoy:\n%s", w.envoyLog)
	}
}

func (w *world) startNATS() {
	w.store = filepath.Join(w.dir, "nats")
	_, port, _ := strings.Cut(w.natsAddr, ":")
	w.nats = &part{name: "NATS", log: &process.Tail{}, command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{asNATS + "=" + port + " " + w.store}
		return cmd
	}}
	w.nats.up()
	w.onStop(w.nats.kill)
}

func (w *world) startLinks(plant bug) error {
	server := newToxiproxy()
	upstream := newSpread(w.edgeAddr[:]...)
	if err := upstream.open(); err != nil {
		return err
	}
	w.onStop(upstream.close)
	edge := upstream.addr()
	if plant.edge != nil {
		liar := httptest.NewServer(plant.edge.handler(&url.URL{Scheme: "http", Host: edge}))
		w.onStop(liar.Close)
		edge = strings.TrimPrefix(liar.URL, "http://")
	}
	var err error
	if w.edge, err = newLink(server, "edge", edge); err != nil {
		return err
	}
	w.onStop(w.edge.cut)
	for i := range planes {
		w.taps[i] = newTap(w.database.addr, w.database.kill)
		if err := w.taps[i].open(); err != nil {
			return err
		}
		w.onStop(w.taps[i].close)
		if w.toSQL[i], err = newLink(server, fmt.Sprintf("postgres %d", i+1), w.taps[i].addr()); err != nil {
			return err
		}
		w.onStop(w.toSQL[i].cut)
		if w.embedded {
			continue
		}
		if w.toNATS[i], err = newLink(server, fmt.Sprintf("nats %d", i+1), w.natsAddr); err != nil {
			return err
		}
		w.onStop(w.toNATS[i].cut)
	}
	return nil
}

// links returns all of them, those that a stroke may take.
func (w *world) links() []*link {
	all := append([]*link{w.edge}, w.toSQL[:]...)
	if w.embedded {
		return all
	}
	return append(all, w.toNATS[:]...)
}

func (w *world) startPlane(i int) {
	w.stores[i] = filepath.Join(w.dir, fmt.Sprint("store ", i))
	natsURL := ""
	if !w.embedded {
		natsURL = "nats://" + w.toNATS[i].addr()
	}
	env := []string{
		"DATABASE_URL=" + w.database.urlAt(w.toSQL[i].addr()), "NATS_URL=" + natsURL, "WEIR_STORE_DIR=" + w.stores[i],
		"WEIR_NODE_TOKEN=" + nodeToken, "WEIR_HTTP_ADDR=" + w.httpAddr[i], "WEIR_EDGE_ADDR=" + w.edgeAddr[i],
	}
	w.planes[i] = &part{name: fmt.Sprintf("control plane %d", i+1), log: &process.Tail{}, command: func() *exec.Cmd {
		cmd := exec.Command(w.top.Command(), "serve")
		cmd.Dir, cmd.Env = w.dir, env
		return cmd
	}}
	w.planes[i].up()
	w.onStop(w.planes[i].kill)
}

// awaitPlanes waits until every control plane says that it is ready.
func (w *world) awaitPlanes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range planes {
		err := poll(ctx, func() bool {
			resp, err := client.Get("http://" + w.httpAddr[i] + "/readyz")
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
		if err != nil {
			return fmt.Errorf("control plane %d is not ready within %v", i+1, readyWithin)
		}
	}
	return nil
}

const (
	readyWithin = time.Minute
	pollEvery   = 25 * time.Millisecond
)

// poll asks until the answer is yes or ctx is over.
func poll(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// heal brings everything back, whatever has been done to it.
func (w *world) heal(ctx context.Context) error {
	for _, tap := range w.taps {
		tap.arm(passCommit)
	}
	errs := []error{w.database.up(ctx)}
	w.database.signal(syscall.SIGCONT)
	if !w.embedded {
		w.nats.thaw()
		w.nats.up()
	}
	for _, l := range w.links() {
		l.cure(ctx)
		errs = append(errs, l.mend())
	}
	for _, p := range w.planes {
		p.thaw()
		p.up()
	}
	if err := syscall.Kill(w.envoy.PID(), syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return w.awaitPlanes(ctx)
}

// Ports that the system gives to nobody unasked, so that they are still free when
// what listens there is killed and started again.
const leastPort, mostPort = 14_000, 32_000

// freeAddrs returns addresses that nobody listens on now.
func freeAddrs(n int) (addrs []string, err error) {
	for tries := 0; len(addrs) < n; tries++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", leastPort+rand.IntN(mostPort-leastPort)))
		if err != nil && tries > 100*n {
			return nil, fmt.Errorf("find free ports: %w", err)
		}
		if err == nil {
			defer l.Close()
			addrs = append(addrs, l.Addr().String())
		}
	}
	return addrs, nil
}
