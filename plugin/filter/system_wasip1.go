package filter

import (
	"syscall"
	"unsafe"
)

//go:wasmimport wasi_snapshot_preview1 clock_time_get
//go:noescape
func clockTimeGet(id uint32, precision uint64, result unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
//go:noescape
func randomGet(p unsafe.Pointer, size uint32) uint32

// The clocks of wasi_snapshot_preview1. In Envoy the monotonic one is the
// process's, so all workers read the same time.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// wasi is the host that the module runs in.
type wasi struct{}

// NewSystem returns the system that the program runs on.
func NewSystem() System { return wasi{} }

// MonotonicNS implements System.
func (wasi) MonotonicNS() int64 { return readClock(clockMonotonic) }

// WallNS implements System.
func (wasi) WallNS() int64 { return readClock(clockRealtime) }

func readClock(id uint32) int64 {
	var ns uint64
	clockTimeGet(id, 1, unsafe.Pointer(&ns))
	return int64(ns)
}

// Random implements System.
func (wasi) Random(p []byte) {
	if len(p) > 0 {
		randomGet(unsafe.Pointer(&p[0]), uint32(len(p)))
	}
}

// Getenv implements System.
func (wasi) Getenv(name string) (string, bool) { return syscall.Getenv(name) }
