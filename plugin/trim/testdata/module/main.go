//go:build wasip1

// Command module has what trim expects of a filter, and what its tests ask of it.
package main

import (
	"runtime"
	"unsafe"

	_ "github.com/weirhq/weir/plugin/arena"
	"github.com/weirhq/weir/plugin/gate"
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

//go:wasmexport proxy_on_response_headers
func responseHeaders(_, _, _ uint32) uint32 { return 9 }

//go:wasmexport proxy_on_log
func log(uint32) {}

// How often each function was called.
var created, deleted, streams, forgotten uint32

//go:wasmexport proxy_on_context_create
func create(id, _ uint32) { created++; gate.SetNewest(id) }

//go:wasmexport proxy_on_delete
func remove(uint32) { deleted++ }

//go:wasmexport weir_request_headers
func ownRequestHeaders(_, _, _ uint32) uint32 { return 17 }

//go:wasmexport weir_response_headers
func ownResponseHeaders(_, _, _ uint32) uint32 { return 19 }

//go:wasmexport weir_log
func ownLog(uint32) {}

//go:wasmexport weir_stream
func stream(_, _ uint32) { streams++ }

// Plugins have even numbers here.
//
//go:wasmexport weir_forget
func forget(id uint32) bool { forgotten++; return id%2 == 0 }

// calls returns how often each function was called, a decimal digit each.
//
//go:wasmexport calls
func calls() uint32 { return 1000*created + 100*streams + 10*forgotten + deleted }

//go:wasmexport hold
func hold(p unsafe.Pointer) { held = append(held, p) }

//go:wasmexport collect
func collect() { runtime.GC() }

//go:wasmexport go_allocations
func allocations() uint32 { return goAllocations }
