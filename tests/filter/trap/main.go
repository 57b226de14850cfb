// Command trap is the filter with a fault: a request with the header field
// x-trap ends the VM, as running out of memory would.
package main

import (
	"sync"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	_ "github.com/weirhq/weir/plugin/arena" // exports a function
	"github.com/weirhq/weir/plugin/filter"
)

func main() {}

func init() { proxywasm.SetVMContext(filter.NewVM(system{filter.NewSystem()})) }

// system is what each request asks for the time before anything else.
type system struct{ filter.System }

// MonotonicNS implements filter.System. A panic would not do, as the filter
// recovers from those; the runtime ends the VM for a mutex unlocked twice.
func (s system) MonotonicNS() int64 {
	if v, err := proxywasm.GetHttpRequestHeader("x-trap"); err == nil && v != "" {
		new(sync.Mutex).Unlock()
	}
	return s.System.MonotonicNS()
}
