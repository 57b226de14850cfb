//go:build !wasip1

package filter

import (
	"encoding/binary"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// emulated is the SDK's emulator as the proxy.
type emulated struct{}

func newProxy() proxy { return emulated{} }

func (emulated) getShared(key []byte) ([]byte, uint32, bool) {
	value, cas, err := proxywasm.GetSharedData(view(key))
	if err != nil {
		return nil, ifAbsent, false
	}
	return value, cas, true
}

func (emulated) setShared(key, value []byte, cas uint32) bool {
	return proxywasm.SetSharedData(view(key), value, cas) == nil
}

func (emulated) requestHeaders() []byte  { return packed(proxywasm.GetHttpRequestHeaders()) }
func (emulated) responseHeaders() []byte { return packed(proxywasm.GetHttpResponseHeaders()) }

// packed serialises a header map as proxies do, see [eachHeader].
func packed(headers [][2]string, err error) []byte {
	if err != nil {
		return nil
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(headers)))
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[0])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[1])))
	}
	for _, h := range headers {
		b = append(append(append(append(b, h[0]...), 0), h[1]...), 0)
	}
	return b
}

func (emulated) addRequestHeader(name, value string) bool {
	return proxywasm.AddHttpRequestHeader(name, value) == nil
}

func (emulated) setRequestHeader(name, value string) bool {
	return proxywasm.ReplaceHttpRequestHeader(name, value) == nil
}

func (emulated) removeRequestHeader(name string) bool {
	return proxywasm.RemoveHttpRequestHeader(name) == nil
}

func (emulated) addResponseHeader(name, value string) bool {
	return proxywasm.AddHttpResponseHeader(name, value) == nil
}

func (emulated) setResponseHeader(name, value string) bool {
	return proxywasm.ReplaceHttpResponseHeader(name, value) == nil
}

func (emulated) removeResponseHeader(name string) bool {
	return proxywasm.RemoveHttpResponseHeader(name) == nil
}

func (emulated) property(p *property) []byte {
	v, err := proxywasm.GetProperty(p.parts)
	if err != nil {
		return nil
	}
	return v
}

func (emulated) respond(status uint32, headers [][2]string, body []byte, grpc int32) error {
	return proxywasm.SendHttpResponse(status, headers, body, grpc)
}

func (emulated) act(context uint32) bool { return proxywasm.SetEffectiveContext(context) == nil }
func (emulated) resume() bool            { return proxywasm.ResumeHttpRequest() == nil }
