// Command trap is the filter with a fault: a request with the header field
// x-trap ends the VM, as running out of memory would.
package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	_ "github.com/weirhq/weir/plugin/arena" // exports a function
	"github.com/weirhq/weir/plugin/filter"
)

func main() {}

func init() { proxywasm.SetVMContext(vm{filter.VM()}) }

type vm struct{ types.VMContext }

func (v vm) NewPluginContext(id uint32) types.PluginContext {
	return plugin{v.VMContext.NewPluginContext(id)}
}

type plugin struct{ types.PluginContext }

func (p plugin) NewHttpContext(id uint32) types.HttpContext {
	return stream{p.PluginContext.NewHttpContext(id)}
}

type stream struct{ types.HttpContext }

func (s stream) OnHttpRequestHeaders(n int, end bool) types.Action {
	if v, err := proxywasm.GetHttpRequestHeader("x-trap"); err == nil && v != "" {
		panic("trapped on request")
	}
	return s.HttpContext.OnHttpRequestHeaders(n, end)
}
