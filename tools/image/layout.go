package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// moduleFile is the name that the spec gives the module inside the layer.
const moduleFile = "plugin.wasm"

// wasmMagic is how every WebAssembly module of version 1 begins.
var wasmMagic = []byte("\x00asm\x01\x00\x00\x00")

// write replaces whatever is at path by an OCI image layout of the module.
func write(path string, module []byte) error {
	image, err := imageOf(module)
	if err != nil {
		return err
	}
	if err := removeLayout(path); err != nil {
		return err
	}
	l, err := layout.Write(path, empty.Index)
	if err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	if err := l.AppendImage(image); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}

// removeLayout removes a layout of before, and nothing else.
func removeLayout(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a layout of before: %w", err)
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "oci-layout" }) {
		return fmt.Errorf("%s holds something other than an image layout; remove it or name another directory", path)
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove the layout of before: %w", err)
	}
	return nil
}

// imageOf returns an image with the module as its only file.
func imageOf(module []byte) (v1.Image, error) {
	if !bytes.HasPrefix(module, wasmMagic) {
		return nil, errors.New("the module is not WebAssembly; give the path of build/weir.wasm")
	}
	archive, err := archiveOf(module)
	if err != nil {
		return nil, fmt.Errorf("archive the module: %w", err)
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("compress the module: %w", err)
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "wasip1", Architecture: "wasm", RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}},
	})
	if err != nil {
		return nil, fmt.Errorf("describe the image: %w", err)
	}
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		return nil, fmt.Errorf("add the module to the image: %w", err)
	}
	return mutate.Annotations(image, map[string]string{
		"org.opencontainers.image.title":       "weir",
		"org.opencontainers.image.description": "Weir's filter for Envoy",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.source":      "https://github.com/weirhq/weir",
	}).(v1.Image), nil
}

// archiveOf returns a tar archive of the module. It says nothing of when and by
// whom it was made, so that the same module makes the same image.
func archiveOf(module []byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	header := tar.Header{Name: moduleFile, Mode: 0o444, Size: int64(len(module)), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(&header); err != nil {
		return nil, err
	}
	if _, err := w.Write(module); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
