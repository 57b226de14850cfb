package filter

import (
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// The calls of a request go to the proxy directly: the SDK's functions copy
// what they return, parse all of a header map and serialise each path anew.

//go:wasmimport env proxy_get_shared_data
func proxyGetSharedData(key unsafe.Pointer, keySize uint32, value, size, cas unsafe.Pointer) uint32

//go:wasmimport env proxy_set_shared_data
//go:noescape
func proxySetSharedData(key unsafe.Pointer, keySize uint32, value unsafe.Pointer, size uint32, cas uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
func proxyGetHeaderMapPairs(kind uint32, value, size unsafe.Pointer) uint32

//go:wasmimport env proxy_add_header_map_value
//go:noescape
func proxyAddHeaderMapValue(kind uint32, key unsafe.Pointer, keySize uint32, value unsafe.Pointer, size uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
//go:noescape
func proxyReplaceHeaderMapValue(kind uint32, key unsafe.Pointer, keySize uint32, value unsafe.Pointer, size uint32) uint32

//go:wasmimport env proxy_remove_header_map_value
//go:noescape
func proxyRemoveHeaderMapValue(kind uint32, key unsafe.Pointer, keySize uint32) uint32

//go:wasmimport env proxy_get_property
func proxyGetProperty(path unsafe.Pointer, pathSize uint32, value, size unsafe.Pointer) uint32

// The header maps.
const (
	requestMap  = 0
	responseMap = 2
)

// envoy is the proxy that runs this module.
type envoy struct {
	// Where the proxy writes what it returns. It calls back to allocate memory,
	// in which time a stack may move, so this must not be on one.
	value unsafe.Pointer
	size  uint32
	cas   uint32
}

func newProxy() proxy { return &envoy{} }

// returned takes what the proxy has written.
func (e *envoy) returned(status uint32) []byte {
	p, n := e.value, e.size
	e.value, e.size = nil, 0
	if status != 0 || p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), n)
}

func bytesOf(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

func (e *envoy) getShared(key []byte) ([]byte, uint32, bool) {
	status := proxyGetSharedData(unsafe.Pointer(unsafe.SliceData(key)), uint32(len(key)),
		unsafe.Pointer(&e.value), unsafe.Pointer(&e.size), unsafe.Pointer(&e.cas))
	v := e.returned(status)
	if status != 0 {
		return nil, ifAbsent, false
	}
	return v, e.cas, true
}

func (e *envoy) setShared(key, value []byte, cas uint32) bool {
	return proxySetSharedData(unsafe.Pointer(unsafe.SliceData(key)), uint32(len(key)),
		unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value)), cas) == 0
}

func (e *envoy) requestHeaders() []byte {
	return e.returned(proxyGetHeaderMapPairs(requestMap, unsafe.Pointer(&e.value), unsafe.Pointer(&e.size)))
}

func (e *envoy) responseHeaders() []byte {
	return e.returned(proxyGetHeaderMapPairs(responseMap, unsafe.Pointer(&e.value), unsafe.Pointer(&e.size)))
}

func (e *envoy) addRequestHeader(name, value string) bool {
	return proxyAddHeaderMapValue(requestMap, bytesOf(name), uint32(len(name)), bytesOf(value), uint32(len(value))) == 0
}

func (e *envoy) setRequestHeader(name, value string) bool {
	return proxyReplaceHeaderMapValue(requestMap, bytesOf(name), uint32(len(name)), bytesOf(value), uint32(len(value))) == 0
}

func (e *envoy) removeRequestHeader(name string) bool {
	return proxyRemoveHeaderMapValue(requestMap, bytesOf(name), uint32(len(name))) == 0
}

func (e *envoy) addResponseHeader(name, value string) bool {
	return proxyAddHeaderMapValue(responseMap, bytesOf(name), uint32(len(name)), bytesOf(value), uint32(len(value))) == 0
}

func (e *envoy) setResponseHeader(name, value string) bool {
	return proxyReplaceHeaderMapValue(responseMap, bytesOf(name), uint32(len(name)), bytesOf(value), uint32(len(value))) == 0
}

func (e *envoy) removeResponseHeader(name string) bool {
	return proxyRemoveHeaderMapValue(responseMap, bytesOf(name), uint32(len(name))) == 0
}

func (e *envoy) property(p *property) []byte {
	return e.returned(proxyGetProperty(unsafe.Pointer(unsafe.SliceData(p.path)), uint32(len(p.path)),
		unsafe.Pointer(&e.value), unsafe.Pointer(&e.size)))
}

func (e *envoy) respond(status uint32, headers [][2]string, body []byte, grpc int32) error {
	return proxywasm.SendHttpResponse(status, headers, body, grpc)
}

func (e *envoy) act(context uint32) bool { return proxywasm.SetEffectiveContext(context) == nil }
func (e *envoy) resume() bool            { return proxywasm.ResumeHttpRequest() == nil }
