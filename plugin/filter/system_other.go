//go:build !wasip1

package filter

import (
	"crypto/rand"
	"os"
	"time"
)

// process is the Go process itself, for builds that aren't a wasm module.
type process struct{ start time.Time }

func newSystem() System { return process{time.Now()} }

func (p process) MonotonicNS() int64 { return int64(time.Since(p.start)) }
func (process) WallNS() int64        { return time.Now().UnixNano() }

func (process) Random(p []byte) { rand.Read(p) }

func (process) Getenv(name string) (string, bool) { return os.LookupEnv(name) }
