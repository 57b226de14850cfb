package envoy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plain is an Envoy without the filter. What the filter adds is covered by the
// tests that have one.
const plain = `
admin: { address: { socket_address: { address: 127.0.0.1, port_value: %d } } }
static_resources:
  listeners:
    - name: gateway
      address: { socket_address: { address: 127.0.0.1, port_value: %d } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: gateway
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: upstream } }] }
  clusters:
    - name: upstream
      load_assignment:
        cluster_name: upstream
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: %d } } } }] }]
`

func config(t *testing.T, upstream string) (c envoy.Config, gateway string) {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = top.Envoy()
	}
	admin, listener := freePort(t), freePort(t)
	var upstreamPort int
	if _, err := fmt.Sscanf(upstream, "http://127.0.0.1:%d", &upstreamPort); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, plain, admin, listener, upstreamPort), 0o600); err != nil {
		t.Fatal(err)
	}
	return envoy.Config{
		Binary: binary, ConfigFile: file, Admin: fmt.Sprintf("127.0.0.1:%d", admin), Concurrency: 1,
	}, fmt.Sprintf("http://127.0.0.1:%d", listener)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func start(t *testing.T, c envoy.Config) *envoy.Envoy {
	t.Helper()
	e, err := envoy.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestStopLetsRequestsFinish(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		fmt.Fprint(w, "finished")
	}))
	defer upstream.Close()
	c, gateway := config(t, upstream.URL)
	e := start(t, c)

	answered := make(chan string, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get(gateway)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- e.Stop(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("it stopped with a request under way: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(finish)
	if got := <-answered; got != "finished" {
		t.Errorf("the request got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopTellsOfAnEnvoyThatWasGone(t *testing.T) {
	c, _ := config(t, "http://127.0.0.1:1")
	e := start(t, c)
	p, err := os.FindProcess(e.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	<-e.Done()
	if err := e.Stop(context.Background()); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
}

func TestStartExplains(t *testing.T) {
	cases := map[string]struct {
		arrange func(t *testing.T, c *envoy.Config)
		want    string
	}{
		"a missing binary": {
			func(_ *testing.T, c *envoy.Config) { c.Binary = "/no/such/envoy" },
			"there is no Envoy at /no/such/envoy; run make tools, or set ENVOY",
		},
		"a configuration that it refuses": {
			func(t *testing.T, c *envoy.Config) {
				if err := os.WriteFile(c.ConfigFile, []byte("no_such_field: 1\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"no_such_field",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, _ := config(t, "http://127.0.0.1:1")
			tc.arrange(t, &c)
			e, err := envoy.Start(t.Context(), c)
			if err == nil {
				_ = e.Stop(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
		})
	}
}
