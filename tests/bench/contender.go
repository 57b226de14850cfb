package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/deploy"
)

// Names of the contenders, in their order.
const (
	none   = "no filter"
	empty  = "empty Go filter"
	native = "local_ratelimit"
	weir   = "Weir"
	remote = "ratelimit and Redis"
)

var everyone = []string{none, empty, native, weir, remote}

// isBuild says whether a contender is another build of Weir's filter, by path.
func isBuild(name string) bool { return strings.HasSuffix(name, ".wasm") }

func (c *contender) isWeir() bool { return c.name == weir || isBuild(c.name) }

// contender is an Envoy and what it needs beside it.
type contender struct {
	name    string
	address string
	envoy   *envoy.Envoy
	pids    []int // whose CPU counts
	service *rateLimitService
	edge    *edgeServer
}

// bench is where contenders run.
type bench struct {
	top      checkout.Checkout
	dir      string // temporary
	upstream string
	callers  int
	workers  int // of each Envoy
}

const nodeToken = "node-token-of-the-benchmark-0123456789"

func (b bench) start(ctx context.Context, name string) (c *contender, err error) {
	dir, err := os.MkdirTemp(b.dir, "contender-")
	if err != nil {
		return nil, err
	}
	c = &contender{name: name}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start %s: %w", name, err), c.stop())
		}
	}()
	// Everybody has an edge, as it is part of the shipped configuration.
	if c.edge, err = startEdge(b.callers, nodeToken); err != nil {
		return c, err
	}
	g := gateway{Envoy: deploy.Envoy{
		Upstream: b.upstream, Edge: c.edge.address, Filter: b.top.Filter(), Node: "bench",
	}}
	if isBuild(name) {
		g.Filter = name
	}
	if g.Gateway, err = freeAddress(); err != nil {
		return c, err
	}
	if g.Admin, err = freeAddress(); err != nil {
		return c, err
	}
	c.address = g.Gateway
	if err := b.choose(&g, c, dir); err != nil {
		return c, err
	}
	return c, b.launch(ctx, g, c, dir)
}

// choose puts the contender's filter into the gateway.
func (b bench) choose(g *gateway, c *contender, dir string) (err error) {
	g.keep = c.isWeir()
	switch c.name {
	case empty:
		module := filepath.Join(dir, "empty.wasm")
		g.filter = wasmFilter("empty", module)
		return b.buildEmpty(module)
	case native:
		g.filter = nativeFilter()
	case remote:
		if c.service, err = startRateLimit(b.top, dir); err != nil {
			return err
		}
		c.pids = c.service.pids()
		cluster, err := grpcCluster("ratelimit", c.service.address)
		if err != nil {
			return err
		}
		g.filter, g.clusters = remoteFilter("ratelimit"), list{cluster}
		g.limits = byKey("per-second", "per-minute", "items-per-hour")
	}
	return nil
}

// buildEmpty builds as the SDK's documentation says.
func (b bench) buildEmpty(module string) error {
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", module, "./tests/bench/empty")
	build.Dir = string(b.top)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the empty filter: %w\n%s", err, out)
	}
	return nil
}

func (b bench) launch(ctx context.Context, g gateway, c *contender, dir string) error {
	file, err := g.write(dir)
	if err != nil {
		return err
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = b.top.Envoy()
	}
	c.envoy, err = envoy.Start(ctx, envoy.Config{
		Binary: binary, ConfigFile: file, Admin: g.Admin, Concurrency: b.workers, NodeToken: nodeToken, Output: os.Stderr,
	})
	if err != nil {
		return err
	}
	c.pids = append(c.pids, c.envoy.PID())
	if !c.isWeir() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.envoy.AwaitSnapshot(ctx)
}

func (c *contender) stop() (err error) {
	if c.envoy != nil {
		err = c.envoy.Stop(context.Background())
	}
	if c.service != nil {
		err = errors.Join(err, c.service.stop())
	}
	if c.edge != nil {
		err = errors.Join(err, c.edge.close())
	}
	return err
}

// measured is what one contender did in one pass.
type measured struct {
	cpuUS, perSecond float64
	latencies        *latencies
}

// effort is how much of a pass goes to each contender.
type effort struct {
	connections      int
	closed, openLoop time.Duration
	every            time.Duration // between requests of the open loop
}

// measure sends both loads to a contender.
func (c *contender) measure(b bench, e effort, firstKey int) (m measured, err error) {
	before, err := cpuTime(c.pids)
	if err != nil {
		return m, err
	}
	common := load{address: c.address, connections: e.connections, keys: b.callers, firstKey: firstKey}
	closed := common
	closed.lasting = e.closed
	busy, err := closed.run()
	if err != nil {
		return m, err
	}
	after, err := cpuTime(c.pids)
	if err != nil {
		return m, err
	}
	open := common
	open.lasting, open.every, open.connections = e.openLoop, e.every, 4*e.connections
	paced, err := open.run()
	if err != nil {
		return m, err
	}
	if len(busy.refused)+len(paced.refused) > 0 {
		return m, fmt.Errorf("%s refused requests that it should have let pass: by status, %v and %v", c.name, busy.refused, paced.refused)
	}
	return measured{
		cpuUS:     float64((after - before).Nanoseconds()) / 1000 / float64(busy.completed),
		perSecond: busy.perSecond(),
		latencies: paced.latencies,
	}, nil
}
