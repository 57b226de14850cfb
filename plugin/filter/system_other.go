//go:build !wasip1

package filter

import (
	"crypto/rand"
	"os"
	"time"
)

// process is the Go process itself, for builds that aren't a wasm module.
type process struct{ start time.Time }

// NewSystem returns the system that the program runs on.
func NewSystem() System { return process{time.Now()} }

// MonotonicNS implements System.
func (p process) MonotonicNS() int64 { return int64(time.Since(p.start)) }

// WallNS implements System.
func (process) WallNS() int64 { return time.Now().UnixNano() }

// Random implements System.
func (process) Random(p []byte) { rand.Read(p) }

// Getenv implements System.
func (process) Getenv(name string) (string, bool) { return os.LookupEnv(name) }
