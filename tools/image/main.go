// Command image packs the compiled filter as an OCI image.
//
// In comes a WebAssembly module, out goes an OCI image layout: a directory that
// any registry tool can push. The same module makes the same bytes, and with them
// the same digest, as long as Go's compressor stays the same.
//
// Of the two forms in which Istio and Envoy Gateway take modules, the image is in
// the one called "compat": an ordinary image whose one layer, a tar archive, holds
// plugin.wasm. Both look for this form first, every registry stores it, and every
// image tool can unpack it. The other form, an artifact with media types of its
// own, has to have exactly two layers, and some registries refuse it.
// https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md
//
// A layout that was there before is removed first; after a crash, run it again.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	module := flag.String("module", "", "path of the compiled filter")
	out := flag.String("out", "", "directory to write the image to; a layout that is there is removed")
	flag.Parse()
	if err := run(*module, *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(module, out string) error {
	if module == "" || out == "" {
		return errors.New("give -module and -out")
	}
	text, err := os.ReadFile(module)
	if err != nil {
		return fmt.Errorf("read the module: %w", err)
	}
	return write(out, text)
}
