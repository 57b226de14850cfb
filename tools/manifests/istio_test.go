package manifests

import (
	"maps"
	"strings"
	"testing"

	wasm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"sigs.k8s.io/yaml"
)

// gateway is a gateway of a mesh that the manifests go for.
const gateway = `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: public, namespace: istio-ingress }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: ["*"]
`

const istioManifest = "istio/filter.yaml"

// TestIstioKnowsEveryField reads the manifests as strictly as an API server that
// refuses unknown fields, and checks them as Istio's webhook does.
func TestIstioKnowsEveryField(t *testing.T) {
	for _, c := range istioConfigs(t) {
		schema, ok := collections.Pilot.FindByGroupVersionKind(c.GroupVersionKind)
		if !ok {
			t.Errorf("Istio has no %v", c.GroupVersionKind)
			continue
		}
		// It warns of every EnvoyFilter.
		if _, err := schema.ValidateConfig(c); err != nil {
			t.Errorf("%s %s: %v", c.GroupVersionKind.Kind, c.Name, err)
		}
		spec, err := schema.NewInstance()
		if err != nil {
			t.Fatal(err)
		}
		if err := protojson.Unmarshal(specOf(t, c.Name), spec.(proto.Message)); err != nil {
			t.Errorf("%s %s: %v", c.GroupVersionKind.Kind, c.Name, err)
		}
	}
}

func istioConfigs(t *testing.T) []config.Config {
	t.Helper()
	configs, unknown, err := crd.ParseInputs(string(manifest(t, istioManifest)))
	if err != nil || len(unknown) > 0 || len(configs) != 2 {
		t.Fatalf("%d configurations, %d of unknown kinds, %v", len(configs), len(unknown), err)
	}
	return configs
}

// specOf returns the spec of the manifest with this name, as JSON.
func specOf(t *testing.T, name string) []byte {
	t.Helper()
	for text := range strings.SplitSeq(string(manifest(t, istioManifest)), "\n---\n") {
		var object struct {
			Metadata struct{ Name string }
			Spec     map[string]any
		}
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		if object.Metadata.Name == name {
			spec, err := yaml.Marshal(object.Spec)
			if err != nil {
				t.Fatal(err)
			}
			spec, err = yaml.YAMLToJSON(spec)
			if err != nil {
				t.Fatal(err)
			}
			return spec
		}
	}
	t.Fatalf("no manifest is called %s", name)
	return nil
}

func TestWhatIstioMakesOfTheManifests(t *testing.T) {
	istiod := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{ConfigString: string(manifest(t, istioManifest)) + gateway})
	proxy := istiod.SetupProxy(&model.Proxy{
		Type: model.Router, ConfigNamespace: "istio-ingress", Labels: map[string]string{"istio": "ingressgateway"},
		Metadata: &model.NodeMetadata{Labels: map[string]string{"istio": "ingressgateway"}, Namespace: "istio-ingress", IstioVersion: "1.31.0"},
	})
	name := ""
	for _, l := range istiod.Listeners(proxy) {
		var manager hcm.HttpConnectionManager
		if err := l.FilterChains[0].Filters[0].GetTypedConfig().UnmarshalTo(&manager); err != nil {
			t.Fatal(err)
		}
		for _, f := range manager.HttpFilters {
			if f.GetConfigDiscovery() != nil {
				name = f.Name
			}
		}
	}
	extensions := istiod.ConfigGen.BuildExtensionConfiguration(proxy, istiod.PushContext(), []string{name}, nil)
	if len(extensions) != 1 {
		t.Fatalf("the gateway's listener has no filter of Weir's: %q, %v", name, extensions)
	}
	made := rendering{MadeBy: "istiod 1.31"}
	var filter wasm.Wasm
	if err := extensions[0].TypedConfig.UnmarshalTo(&filter); err != nil {
		t.Fatal(err)
	}
	if got, want := filter.Config.GetVmConfig().Code.GetRemote().GetHttpUri().GetUri(), "oci://registry.example.com/weir/filter:0.1.0"; got != want {
		t.Errorf("the module comes from %q, want %q", got, want)
	}
	asAgent(&filter)
	made.Filter = asJSON(t, &filter)
	for _, c := range istiod.Clusters(proxy) {
		if c.Name == "weir_edge" {
			made.Cluster = asJSON(t, c)
		}
	}
	if made.Cluster == nil {
		t.Error("the gateway has no cluster weir_edge")
	}
	expect(t, "istio.json", made, istioManifest)
}

// asAgent takes away what Istio's agent does before Envoy sees the filter: the
// module's address, in whose place it puts a file, and its own variables.
func asAgent(filter *wasm.Wasm) {
	vm := filter.Config.GetVmConfig()
	vm.Code = nil
	maps.DeleteFunc(vm.EnvironmentVariables.KeyValues, func(name, _ string) bool { return strings.HasPrefix(name, "ISTIO_META_") })
}

func asJSON(t *testing.T, m proto.Message) []byte {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return compact(t, text)
}
