package main

import (
	"slices"
	"strings"
)

// callbackPrefix is what the callbacks of the proxy-wasm ABI 0.2.0 begin with.
const callbackPrefix = "proxy_on_"

// callbacks are those that the filter needs. The proxy takes a missing one as a
// filter that lets everything pass there, and has nothing left to do when its
// configuration or a request ends.
var callbacks = []string{
	"proxy_on_memory_allocate",
	"proxy_on_vm_start",
	"proxy_on_configure",
	"proxy_on_tick",
	"proxy_on_http_call_response",
	"proxy_on_context_create",
	"proxy_on_request_headers",
	"proxy_on_response_headers",
	"proxy_on_log",
	"proxy_on_delete",
}

// dropCallbacks removes the other callbacks from the exports. Exports that are
// not callbacks stay: the memory, the start function and the ABI's version.
func dropCallbacks(all []export) []export {
	return slices.DeleteFunc(all, func(e export) bool {
		return strings.HasPrefix(e.name, callbackPrefix) && !slices.Contains(callbacks, e.name)
	})
}
