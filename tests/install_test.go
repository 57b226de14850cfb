package tests

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/tests/internal/stack"
)

// rendering is what another control plane makes of Weir's manifests for Envoy;
// tools/manifests writes it.
type rendering struct {
	MadeBy    string            `json:"made_by"`
	Manifests map[string]string `json:"manifests"` // file below deploy, SHA-256 of its text
	Filter    map[string]any    `json:"filter"`
	Cluster   map[string]any    `json:"cluster"`
}

func readRendering(t *testing.T, name string) (r rendering) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "install", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

var renderings = []string{"istio.json", "envoy-gateway.json"}

func TestRenderingsAreOfTheManifests(t *testing.T) {
	for _, name := range renderings {
		for file, want := range readRendering(t, name).Manifests {
			text, err := os.ReadFile(filepath.Join("..", "deploy", file))
			if err != nil {
				t.Error(err)
				continue
			}
			if got := sha256.Sum256(text); hex.EncodeToString(got[:]) != want {
				t.Errorf("testdata/install/%s is of an older deploy/%s; run go test -C tools/manifests ./... -update", name, file)
			}
		}
	}
}

// TestTheFilterWorksAsOthersInstallIt runs the filter in a real Envoy the way
// Istio and Envoy Gateway configure it, against the real control plane.
func TestTheFilterWorksAsOthersInstallIt(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	s.AwaitSnapshot()
	for _, name := range renderings {
		t.Run(name, func(t *testing.T) {
			gateway := startRendered(t, readRendering(t, name), s.Config.EdgeAddr)
			for key, want := range map[string]int{demo.EnterpriseKey: http.StatusOK, "nobody's": http.StatusUnauthorized} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gateway, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("X-Api-Key", key)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("key %q: status %d, want %d", key, response.StatusCode, want)
				}
				if limited := response.Header.Get("RateLimit") != ""; limited != (want == http.StatusOK) {
					t.Errorf("key %q: RateLimit %q with status %d", key, response.Header.Get("RateLimit"), want)
				}
			}
		})
	}
}

// startRendered starts an Envoy with the rendered filter and cluster. Module and
// edge are where this machine has them.
func startRendered(t *testing.T, r rendering, edge string) (url string) {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(demo.Upstream())
	t.Cleanup(upstream.Close)
	vm := r.Filter["config"].(map[string]any)["vm_config"].(map[string]any)
	vm["code"] = map[string]any{"local": map[string]any{"filename": top.Filter()}}
	cluster := func(name, addr string) map[string]any {
		return map[string]any{"cluster_name": name, "endpoints": []any{map[string]any{"lb_endpoints": []any{
			map[string]any{"endpoint": map[string]any{"address": address(t, addr)}},
		}}}}
	}
	r.Cluster["load_assignment"] = cluster("weir_edge", edge)
	public, admin := freeAddr(t), freeAddr(t)
	const types = "type.googleapis.com/envoy.extensions.filters."
	r.Filter["@type"] = types + "http.wasm.v3.Wasm"
	config := map[string]any{
		"admin": map[string]any{"address": address(t, admin)},
		"static_resources": map[string]any{
			"clusters": []any{r.Cluster, map[string]any{
				"name": "api", "type": "STATIC", "load_assignment": cluster("api", upstream.Listener.Addr().String()),
			}},
			"listeners": []any{map[string]any{
				"address": address(t, public),
				"filter_chains": []any{map[string]any{"filters": []any{map[string]any{
					"name": "http", "typed_config": map[string]any{
						"@type":       types + "network.http_connection_manager.v3.HttpConnectionManager",
						"stat_prefix": "http",
						"http_filters": []any{
							map[string]any{"name": "weir", "typed_config": r.Filter},
							map[string]any{"name": "router", "typed_config": map[string]any{"@type": types + "http.router.v3.Router"}},
						},
						"route_config": map[string]any{"virtual_hosts": []any{map[string]any{
							"name": "api", "domains": []any{"*"}, "routes": []any{map[string]any{
								"match": map[string]any{"prefix": "/"}, "route": map[string]any{"cluster": "api"},
							}},
						}}},
					},
				}}}},
			}},
		},
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := os.Getenv("ENVOY")
	if binary == "" {
		binary = top.Envoy()
	}
	e, err := envoy.Start(t.Context(), envoy.Config{
		Binary: binary, ConfigFile: file, Admin: admin, Concurrency: 1, NodeToken: stack.NodeToken, Output: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := e.AwaitSnapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	return "http://" + public
}

func address(t *testing.T, hostPort string) map[string]any {
	t.Helper()
	host, text, err := net.SplitHostPort(hostPort)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"socket_address": map[string]any{"address": host, "port_value": port}}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestTheImageHoldsTheFilter runs the tests of the image, which are in the tools'
// module because the product needs no registry client.
func TestTheImageHoldsTheFilter(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "test", "-C", "../tools", "-count=1", "./image").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var (
	yamlBlock  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	linkedFile = regexp.MustCompile(`\]\(\.\./(deploy/[\w./-]+)\)`)
	namedFile  = regexp.MustCompile(`deploy/[\w./-]+\.yaml`)
)

func TestTheInstallGuideShowsTheFiles(t *testing.T) {
	text, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	blocks := yamlBlock.FindAllStringSubmatchIndex(guide, -1)
	if len(blocks) < 4 {
		t.Errorf("found only %d blocks of YAML", len(blocks))
	}
	for _, b := range blocks {
		links := linkedFile.FindAllStringSubmatch(guide[:b[0]], -1)
		if len(links) == 0 {
			t.Fatal("a block of YAML comes before any link to its file")
		}
		file, shown := links[len(links)-1][1], guide[b[2]:b[3]]
		whole, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Error(err)
			continue
		}
		if !contains(string(whole), shown) {
			t.Errorf("%s doesn't contain what the guide shows of it:\n%s", file, shown)
		}
	}
	for _, file := range namedFile.FindAllString(guide, -1) {
		if _, err := os.Stat(filepath.Join("..", file)); err != nil {
			t.Error(err)
		}
	}
}

// contains says whether the lines of part are in text, indented further or not.
func contains(text, part string) bool {
	const deepest = 40
	for range deepest {
		if strings.Contains("\n"+text, "\n"+part) {
			return true
		}
		part = regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(part, " $1")
	}
	return false
}
