package manifests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

const (
	envoyGateway = "github.com/envoyproxy/gateway/cmd/envoy-gateway@v1.9.1"
	envoyVersion = "1.40.0"
	nodeToken    = "a-node-token-of-enough-characters-for-tests"
)

// TestWhatEnvoyGatewayMakesOfTheManifests runs an Envoy Gateway without a
// cluster: it reads manifests from a file, fetches the filter's image from a
// registry, and starts a real Envoy. It listens on ports of its own choice,
// 18000 to 18002 and 19000, so only one can run on a machine.
func TestWhatEnvoyGatewayMakesOfTheManifests(t *testing.T) {
	calls := make(chan string, 1)
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case calls <- r.Header.Get("Authorization"):
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(edge.Close)
	g := gatewayIn(t, t.TempDir())
	g.start(manifestsFor(t, g.dir, pushImage(t), edge.Listener.Addr().String()))

	select {
	case got := <-calls:
		if got != "Bearer "+nodeToken {
			t.Errorf("the filter shows the edge %q, want the node token", got)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the filter doesn't call the edge:\n%s", g.log())
	}
	made := rendering{MadeBy: "Envoy Gateway 1.9.1", Filter: g.filter(), Cluster: compact(t, edgeCluster(t))}
	expect(t, "envoy-gateway.json", made, "envoy-gateway/filter.yaml", "envoy-gateway/gateway-patch.yaml", "envoy-gateway/reload.yaml")
}

// pushImage brings the image of make image into a registry and returns its name.
func pushImage(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	index, err := layout.ImageIndexFromPath(filepath.Join("..", "..", "build", "image"))
	if err != nil {
		t.Fatalf("%v; run make image", err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(list.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/weir/filter:0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
	return tag.String()
}

type object = map[string]any

// manifestsFor returns Weir's manifests, changed as far as there is no cluster,
// with a Gateway that they go for. What is said of Kubernetes stays in a copy,
// so that it is checked too.
func manifestsFor(t *testing.T, dir, image, edge string) string {
	t.Helper()
	var all []object
	for _, text := range documents(t, "envoy-gateway/filter.yaml") {
		text = strings.ReplaceAll(text, "registry.example.com/weir/filter:0.1.0", image)
		host, port, _ := strings.Cut(edge, ":")
		text = strings.ReplaceAll(text, "address: weir.weir.svc.cluster.local, port_value: 8081", "address: "+host+", port_value: "+port)
		o := parse(t, text)
		if o["kind"] == "EnvoyProxy" {
			spelled := parse(t, text)
			spelled["metadata"].(object)["name"] = "weir-kubernetes"
			all = append(all, spelled)
			o["spec"].(object)["provider"] = object{"type": "Host", "host": object{"envoyVersion": envoyVersion}}
		}
		all = append(all, o)
	}
	class := parse(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: eg},
		spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}}`)
	public := parse(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: eg, namespace: default},
		spec: {gatewayClassName: eg, listeners: [{name: http, protocol: HTTP, port: 28888}]}}`)
	patch := parse(t, string(manifest(t, "envoy-gateway/gateway-patch.yaml")))
	public["spec"].(object)["infrastructure"] = patch["spec"].(object)["infrastructure"]
	route := parse(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api, namespace: default},
		spec: {parentRefs: [{name: eg}], rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: api}]}]}}`)
	backend := parse(t, `{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: Backend, metadata: {name: api, namespace: default},
		spec: {endpoints: [{ip: {address: 127.0.0.1, port: 9}}]}}`)
	all = append(all, class, public, route, backend, parse(t, string(manifest(t, "envoy-gateway/reload.yaml"))), moduleServerHere(t, dir))
	var out strings.Builder
	for _, o := range all {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.String()
}

// moduleServerHere makes Envoy fetch the module from this machine: Envoy Gateway
// takes it for granted that it serves modules inside a cluster.
func moduleServerHere(t *testing.T, dir string) object {
	t.Helper()
	return parse(t, strings.ReplaceAll(`
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyPatchPolicy
metadata: { name: module-server, namespace: default }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: Gateway, name: eg }
  type: JSONPatch
  jsonPatches:
    - type: type.googleapis.com/envoy.config.cluster.v3.Cluster
      name: wasm_cluster
      operation:
        op: replace
        path: /transport_socket
        value:
          name: envoy.transport_sockets.tls
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
            common_tls_context:
              tls_params: { tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }
              tls_certificates:
                - certificate_chain: { filename: DIR/config/certs/envoy/tls.crt }
                  private_key: { filename: DIR/config/certs/envoy/tls.key }
              validation_context:
                trusted_ca: { filename: DIR/config/certs/envoy/ca.crt }
    - type: type.googleapis.com/envoy.config.cluster.v3.Cluster
      name: wasm_cluster
      operation:
        op: replace
        path: /load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/address
        value: 127.0.0.1
`, "DIR", dir))
}

func documents(t *testing.T, file string) []string {
	t.Helper()
	return strings.Split(string(manifest(t, file)), "\n---\n")
}

func parse(t *testing.T, text string) (o object) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// edgeCluster returns the cluster that the manifest adds to the bootstrap.
func edgeCluster(t *testing.T) []byte {
	t.Helper()
	for _, text := range documents(t, "envoy-gateway/filter.yaml") {
		o := parse(t, text)
		if o["kind"] != "EnvoyProxy" {
			continue
		}
		patches := o["spec"].(object)["bootstrap"].(object)["jsonPatches"].([]any)
		cluster, err := json.Marshal(patches[0].(object)["value"])
		if err != nil {
			t.Fatal(err)
		}
		return cluster
	}
	t.Fatal("no EnvoyProxy in the manifest")
	return nil
}

// gatewayProcess is an Envoy Gateway and the Envoy that it starts.
type gatewayProcess struct {
	t      *testing.T
	dir    string
	binary string
}

func gatewayIn(t *testing.T, dir string) *gatewayProcess {
	t.Helper()
	g := &gatewayProcess{t: t, dir: dir, binary: filepath.Join(dir, "envoy-gateway")}
	install := exec.CommandContext(t.Context(), "go", "install", envoyGateway)
	install.Env = append(os.Environ(), "GOBIN="+dir)
	install.Dir = dir
	g.run(install)
	binary, err := filepath.Abs(filepath.Join("..", "..", ".tools", "envoy", "envoy", "_bin", "envoy"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v; run make tools", err)
	}
	// Where Envoy Gateway looks for an Envoy before it downloads one.
	there := filepath.Join(dir, "data", "envoy-versions", envoyVersion, "bin")
	if err := os.MkdirAll(there, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(there, "envoy")); err != nil {
		t.Fatal(err)
	}
	g.run(exec.CommandContext(t.Context(), g.binary, "certgen", "--local", "--config-home", filepath.Join(dir, "config")))
	return g
}

func (g *gatewayProcess) run(c *exec.Cmd) {
	g.t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		g.t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

func (g *gatewayProcess) start(manifests string) {
	g.t.Helper()
	config := strings.ReplaceAll(`
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: { controllerName: gateway.envoyproxy.io/gatewayclass-controller }
provider:
  type: Custom
  custom:
    resource: { type: File, file: { paths: [DIR/in] } }
    infrastructure:
      type: Host
      host: { configHome: DIR/config, dataHome: DIR/data, stateHome: DIR/state, runtimeDir: DIR/run }
extensionApis: { enableBackend: true, enableEnvoyPatchPolicy: true }
`, "DIR", g.dir)
	g.write("in/all.yaml", manifests)
	g.write("gateway.yaml", config)
	log, err := os.Create(filepath.Join(g.dir, "log"))
	if err != nil {
		g.t.Fatal(err)
	}
	server := exec.Command(g.binary, "server", "--config-path", filepath.Join(g.dir, "gateway.yaml"))
	server.Env = append(os.Environ(), "HOME="+g.dir, "WEIR_NODE_TOKEN="+nodeToken)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		defer log.Close()
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			g.t.Error(err)
		}
		// Ended by a signal, it says so.
		_ = server.Wait()
	})
}

func (g *gatewayProcess) write(file, text string) {
	g.t.Helper()
	path := filepath.Join(g.dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gatewayProcess) log() string {
	text, err := os.ReadFile(filepath.Join(g.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// filter returns the filter's configuration as Envoy has it, without where the
// module comes from: that holds a secret of Envoy Gateway's.
func (g *gatewayProcess) filter() json.RawMessage {
	g.t.Helper()
	files, err := filepath.Glob(filepath.Join(g.dir, "run", "*", "admin-address.txt"))
	if err != nil || len(files) != 1 {
		g.t.Fatalf("Envoy's admin address is in %q, %v", files, err)
	}
	address, err := os.ReadFile(files[0])
	if err != nil {
		g.t.Fatal(err)
	}
	response, err := http.Get(fmt.Sprintf("http://%s/config_dump?resource=dynamic_listeners", strings.TrimSpace(string(address))))
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	var dump any
	if err := json.Unmarshal(text, &dump); err != nil {
		g.t.Fatal(err)
	}
	found := find(dump, func(o object) bool {
		return o["@type"] == "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
	})
	if len(found) != 1 {
		g.t.Fatalf("Envoy has %d wasm filters, want 1: %s", len(found), g.log())
	}
	delete(found[0], "@type")
	delete(found[0]["config"].(object)["vm_config"].(object), "code")
	filter, err := json.Marshal(found[0])
	if err != nil {
		g.t.Fatal(err)
	}
	return filter
}

// find returns the objects in v that want is after.
func find(v any, want func(object) bool) (found []object) {
	switch v := v.(type) {
	case object:
		if want(v) {
			return []object{v}
		}
		for _, child := range v {
			found = append(found, find(child, want)...)
		}
	case []any:
		for _, child := range v {
			found = append(found, find(child, want)...)
		}
	}
	return found
}
