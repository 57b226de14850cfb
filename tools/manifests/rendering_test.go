package manifests

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the renderings anew")

// rendering is what a control plane makes of Weir's manifests for Envoy.
type rendering struct {
	MadeBy   string            `json:"made_by"`
	Manifest map[string]string `json:"manifests"` // file below deploy, SHA-256 of its text
	Filter   json.RawMessage   `json:"filter"`    // of type envoy.extensions.filters.http.wasm.v3.Wasm
	Cluster  json.RawMessage   `json:"cluster"`   // of type envoy.config.cluster.v3.Cluster
}

func manifest(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// expect compares a rendering with the one that is kept.
func expect(t *testing.T, file string, got rendering, manifests ...string) {
	t.Helper()
	got.Manifest = map[string]string{}
	for _, m := range manifests {
		digest := sha256.Sum256(manifest(t, m))
		got.Manifest[m] = hex.EncodeToString(digest[:])
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("..", "..", "tests", "testdata", "install", file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), indented.String()); diff != "" {
		t.Errorf("%s is stale; run this test with -update (-kept +made now):\n%s", path, diff)
	}
}

// compact gives a message's JSON one spelling: the libraries vary theirs.
func compact(t *testing.T, text []byte) json.RawMessage {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
