// Package filter_test tests the compiled filter in a real Envoy, on an edge and an
// upstream of its own.
package filter_test

import (
	"fmt"
	"os"
	"testing"
)

// moduleDir is where the tests of this package build the filter.
var moduleDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "weir-tests")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	moduleDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
