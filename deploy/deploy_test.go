package deploy_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/deploy"
)

//go:generate go test -run TestExample -update

var update = flag.Bool("update", false, "write envoy.yaml anew")

// example is the Envoy of the file envoy.yaml.
var example = deploy.Envoy{
	Gateway: "0.0.0.0:10000", Admin: "127.0.0.1:9901", Upstream: "upstream:8080",
	Edge: "weir:8081", Filter: "/etc/weir/weir.wasm", Node: "gateway-1",
}

func render(t *testing.T, e deploy.Envoy) []byte {
	t.Helper()
	text, err := e.Render()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const made = "# Made from envoy.yaml.tmpl by make generate.\n#\n"

func TestExampleIsFresh(t *testing.T) {
	fresh(t, "envoy.yaml", append([]byte(made), render(t, example)...))
}

func TestExampleWithTLSIsFresh(t *testing.T) {
	e := example
	e.EdgeTLS = &deploy.TLS{
		Name: "weir", CA: "/etc/weir/edge-ca.pem", Certificate: "/etc/weir/envoy-cert.pem", Key: "/etc/weir/envoy-key.pem",
	}
	_, cluster, _ := strings.Cut(string(render(t, e)), "no request of a client waits for it.\n")
	cluster, _, found := strings.Cut(cluster, "\noverload_manager")
	if !found {
		t.Fatal("the edge's cluster isn't where it was")
	}
	fresh(t, "edge-tls.yaml", []byte(made+"# The cluster weir_edge of envoy.yaml with TLS, and a certificate of Envoy's own.\n"+cluster))
}

func fresh(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale; run make generate", name)
	}
}

func TestRenderRefuses(t *testing.T) {
	cases := map[string]struct {
		edit func(*deploy.Envoy)
		want string
	}{
		"a gateway without a port": {func(e *deploy.Envoy) { e.Gateway = "0.0.0.0" }, "Gateway: give host:port"},
		"an edge without a host":   {func(e *deploy.Envoy) { e.Edge = ":8081" }, "Edge: give host:port"},
		"port 0":                   {func(e *deploy.Envoy) { e.Admin = "127.0.0.1:0" }, "Admin: give host:port"},
		"TLS without a CA":         {func(e *deploy.Envoy) { e.EdgeTLS = &deploy.TLS{Name: "weir"} }, "EdgeTLS: give the name"},
		"a certificate, no key":    {func(e *deploy.Envoy) { e.EdgeTLS = &deploy.TLS{Name: "weir", CA: "ca", Certificate: "c"} }, "both or neither"},
		"no filter":                {func(e *deploy.Envoy) { e.Filter = "" }, "Filter: give the path"},
		"no node":                  {func(e *deploy.Envoy) { e.Node = "" }, "Node: give a name"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := example
			tc.edit(&e)
			_, err := e.Render()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// idleFilter is the smallest module that Envoy takes for a filter: it names its
// ABI, can allocate in principle, and does nothing.
const idleFilter = "\x00asm\x01\x00\x00\x00" +
	"\x01\x09\x02\x60\x00\x00\x60\x01\x7f\x01\x7f" + // types: () and (i32) i32
	"\x03\x03\x02\x00\x01" + // one function of each
	"\x05\x03\x01\x00\x01" + // a page of memory
	"\x07\x2d\x03\x17proxy_abi_version_0_2_1\x00\x00\x06malloc\x00\x01\x06memory\x02\x00" +
	"\x0a\x09\x02\x02\x00\x0b\x04\x00\x41\x00\x0b"

func TestEnvoyTakesIt(t *testing.T) {
	binary := os.Getenv("ENVOY")
	if binary == "" {
		top, err := checkout.Find(".")
		if err != nil {
			t.Fatal(err)
		}
		binary = top.Envoy()
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("there is no Envoy at %s; run make tools", binary)
	}
	e := example
	e.Upstream, e.Edge = "127.0.0.1:8080", "127.0.0.1:8081"
	e.Node = "a name with \"quotes\" and a \\"
	e.Filter = filepath.Join(t.TempDir(), "idle.wasm")
	if err := os.WriteFile(e.Filter, []byte(idleFilter), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(path, render(t, e), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "--mode", "validate", "-c", path, "--log-level", "warn").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
