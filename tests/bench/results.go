package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
)

// Sections of RESULTS.md. Each run writes its own and leaves the other.
const (
	sectionCompare = "Side by side"
	sectionLong    = "Ten million requests"
)

const preamble = `# What Weir costs

Made by ` + "`make bench` and `make bench-long`" + `; see the documentation of this package for how it is
measured. The machine: %d cores (%s) that client, Envoy, upstream and other programs share, so compare
columns, not machines. Every Envoy is 1.40 with the shipped configuration and %d worker thread; only the filter differs.
`

// writeSection replaces one section of RESULTS.md.
func writeSection(title, text string) error {
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	path := filepath.Join(string(top), "tests", "bench", "RESULTS.md")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the results so far: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, preamble, runtime.NumCPU(), runtime.GOARCH, workers)
	for _, s := range []string{sectionCompare, sectionLong} {
		body := section(old, s)
		if s == title {
			body = []byte(text)
		}
		if len(body) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", s, bytes.TrimSpace(body))
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// section returns what is below a heading.
func section(text []byte, title string) []byte {
	_, rest, found := bytes.Cut(text, []byte("\n## "+title+"\n"))
	if !found {
		return nil
	}
	body, _, _ := bytes.Cut(rest, []byte("\n## "))
	return body
}
