package faults

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/controlplane/embedded/process"
	"github.com/weirhq/weir/deploy"
)

// starting has room for one Envoy that starts: it compiles the filter with all the
// cores that there are.
var starting = make(chan struct{}, 1)

// startEnvoy starts Envoy, and waits until its filter has the policy.
func (w *world) startEnvoy(ctx context.Context) error {
	if w.envoyLog == nil {
		upstream := httptest.NewServer(declaring(demo.Upstream()))
		w.onStop(upstream.Close)
		if err := w.configureEnvoy(strings.TrimPrefix(upstream.URL, "http://")); err != nil {
			return err
		}
		w.envoyLog = &process.Tail{}
		w.onStop(func() { w.killEnvoy() })
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = w.top.Envoy()
	}
	starting <- struct{}{}
	defer func() { <-starting }()
	e, err := envoy.Start(ctx, envoy.Config{
		Binary: binary, ConfigFile: filepath.Join(w.dir, "envoy.yaml"), Admin: w.admin, Concurrency: 2, NodeToken: nodeToken, Output: w.envoyLog,
	})
	if err != nil {
		return err
	}
	w.envoy = e
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := e.AwaitSnapshot(ctx); err != nil {
		return err
	}
	// Each worker takes the policy up by itself.
	return w.awaitWorkers(ctx)
}

func (w *world) configureEnvoy(upstream string) error {
	config, err := deploy.Envoy{
		Gateway: w.gateway, Admin: w.admin, Edge: w.edge.addr(), Node: "faults", Upstream: upstream, Filter: w.top.Filter(),
	}.Render()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "envoy.yaml"), config, 0o600)
}

// awaitWorkers waits until requests on fresh connections are decided by a policy
// some times in a row, so that every worker is likely to have it.
func (w *world) awaitWorkers(ctx context.Context) error {
	const enough = 16
	ready := 0
	q := request{caller: w.policy.callers[0], method: http.MethodGet, path: "/"}
	var answers []answer
	err := poll(ctx, func() bool {
		for range enough {
			c := &client{gateway: w.gateway}
			sent := time.Now()
			status, _, err := c.send(ctx, q)
			c.close()
			if err != nil {
				ready = 0
				return false
			}
			a := answer{dims{0, 0, 0, int16(status), unauthenticated}, sent, time.Time{}, -1}
			if ready++; status == http.StatusServiceUnavailable {
				ready, a.decision = 0, unready
			}
			answers = append(answers, a)
		}
		return ready >= enough
	})
	w.truth.add(answers, time.Now())
	if err != nil {
		return errors.New("the workers have no policy")
	}
	return nil
}

func (w *world) killEnvoy() {
	if w.envoy != nil {
		_ = syscall.Kill(w.envoy.PID(), syscall.SIGKILL) // it may have ended
		<-w.envoy.Done()
	}
}
