//go:build wasip1

// Command module has what trim expects of a filter, and what its tests ask of it.
package main

import (
	"runtime"
	"unsafe"

	_ "github.com/weirhq/weir/plugin/arena"
)

func main() {}

var (
	goAllocations uint32
	held          []unsafe.Pointer
)

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	goAllocations++
	return unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
}

//go:wasmexport proxy_on_request_headers
func requestHeaders(_, _, _ uint32) uint32 { return 7 }

//go:wasmexport proxy_on_request_body
func requestBody(_, _, _ uint32) uint32 { return 8 }

//go:wasmexport hold
func hold(p unsafe.Pointer) { held = append(held, p) }

//go:wasmexport collect
func collect() { runtime.GC() }

//go:wasmexport go_allocations
func allocations() uint32 { return goAllocations }
