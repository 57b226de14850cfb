package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// built is the filter that make build compiled.
func built(t *testing.T) (path string, module []byte) {
	t.Helper()
	path = filepath.Join("..", "..", "build", "weir.wasm")
	module, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run make build", err)
	}
	return path, module
}

// packed is a layout of the filter, and the filter.
func packed(t *testing.T) (dir string, module []byte) {
	t.Helper()
	path, module := built(t)
	dir = filepath.Join(t.TempDir(), "image")
	if err := run(path, dir); err != nil {
		t.Fatal(err)
	}
	return dir, module
}

func onlyImage(t *testing.T, dir string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Fatalf("the layout's digests and sizes: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images, want 1", len(manifest.Manifests))
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// filesIn unpacks an image's one layer.
func filesIn(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v; want 1", len(layers), err)
	}
	if media, err := layers[0].MediaType(); err != nil || media != types.OCILayer {
		t.Errorf("the layer is of type %q, %v; want %q", media, err, types.OCILayer)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files := map[string][]byte{}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func expectModule(t *testing.T, image v1.Image, module []byte) {
	t.Helper()
	files := filesIn(t, image)
	if len(files) != 1 || !bytes.Equal(files["plugin.wasm"], module) {
		t.Errorf("the image holds %d files, plugin.wasm with %d bytes; want only the module's %d", len(files), len(files["plugin.wasm"]), len(module))
	}
}

func TestTheLayoutHoldsTheModule(t *testing.T) {
	dir, module := packed(t)
	image := onlyImage(t, dir)
	expectModule(t, image, module)
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	got := []types.MediaType{manifest.MediaType, manifest.Config.MediaType}
	if diff := cmp.Diff([]types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON}, got); diff != "" {
		t.Errorf("media types of manifest and config (-want +got):\n%s", diff)
	}
}

func TestARegistryGivesItBackUnchanged(t *testing.T) {
	dir, module := packed(t)
	image := onlyImage(t, dir)
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/weir/filter:0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	// The command of docs/install.md.
	push := exec.CommandContext(t.Context(), "go", "tool", "crane", "push", dir, ref.String())
	if out, err := push.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", push.Args, err, out)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pulled); err != nil {
		t.Error(err)
	}
	expectModule(t, pulled, module)
	sent, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pulled.Digest(); err != nil || got != sent {
		t.Errorf("pulled %v, %v; pushed %v", got, err, sent)
	}
}

func TestTheSameModuleMakesTheSameBytes(t *testing.T) {
	first, _ := packed(t)
	second, _ := packed(t)
	if diff := cmp.Diff(contents(t, first), contents(t, second)); diff != "" {
		t.Error(diff)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRunReplacesALayoutOfBefore(t *testing.T) {
	dir, module := packed(t)
	other := filepath.Join(t.TempDir(), "other.wasm")
	if err := os.WriteFile(other, wasmMagic, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(other, dir); err != nil {
		t.Fatal(err)
	}
	expectModule(t, onlyImage(t, dir), wasmMagic)
	if blobs := len(contents(t, dir)); blobs != 5 {
		t.Errorf("%d files, want index.json, oci-layout, manifest, config and layer", blobs)
	}
	path, _ := built(t)
	if err := run(path, dir); err != nil {
		t.Fatal(err)
	}
	expectModule(t, onlyImage(t, dir), module)
}

func TestRunRefuses(t *testing.T) {
	module, _ := built(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not a module"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ module, out, want string }{
		"no module":                {"", t.TempDir(), "give -module and -out"},
		"no directory":             {module, "", "give -module and -out"},
		"a module that is missing": {module + ".none", t.TempDir(), "read the module"},
		"a file of another kind":   {text, t.TempDir(), "not WebAssembly"},
		"a directory in use":       {module, filepath.Dir(text), "something other than an image layout"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(tc.module, tc.out); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if left, err := os.ReadFile(text); err != nil || string(left) != "not a module" {
		t.Errorf("what was there is gone: %v", err)
	}
}
