package filter

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// proxy is what a request asks of the proxy. What it returns is valid until the
// current callback returns, and must not be changed. What a request doesn't
// need goes by way of the SDK's functions.
type proxy interface {
	// getShared returns the value of a key and the number to swap it by.
	getShared(key []byte) (value []byte, cas uint32, found bool)
	// setShared writes a value under the number that getShared returned, unless
	// another one was written since.
	setShared(key, value []byte, cas uint32) bool
	// All fields of the request and of the response, see [eachHeader].
	requestHeaders() []byte
	responseHeaders() []byte
	// Fields are added, set (so that there is one) or removed.
	addRequestHeader(name, value string) bool
	setRequestHeader(name, value string) bool
	removeRequestHeader(name string) bool
	addResponseHeader(name, value string) bool
	setResponseHeader(name, value string) bool
	removeResponseHeader(name string) bool
	// property returns what the proxy knows of the stream, nil for nothing.
	property(p *property) []byte
	// act makes what is asked of the proxy concern another context, a stream's or
	// the plugin's, until the callback returns. It reports whether there is one.
	act(context uint32) bool
	// resume lets a request go on that was paused.
	resume() bool
	// respond answers the request in the upstream's place. grpc is the status
	// for gRPC clients, -1 for others.
	respond(status uint32, headers [][2]string, body []byte, grpc int32) error
}

// property is the path of a property.
type property struct {
	parts []string
	path  []byte // parts with a zero between
}

func newProperty(parts ...string) *property {
	p := &property{parts: parts}
	for i, part := range parts {
		if i > 0 {
			p.path = append(p.path, 0)
		}
		p.path = append(p.path, part...)
	}
	return p
}

// ifAbsent is the compare-and-swap number for the first write of a key. Envoy
// takes a zero as "overwrite whatever is there", by which two workers that write
// first overwrite each other. Any other number must match that of the value in
// place, but a key that has no value yet is created under every number. Numbers
// count all writes of shared data from 1, so the number of a value in place can
// only be this one after two billion writes, and then only for that one value.
const ifAbsent = 1 << 31

// errHost is an answer of the proxy that the filter can't work with.
var errHost = errors.New("unexpected answer of the proxy")

// checkShared finds out whether the proxy's shared data behaves as [ifAbsent]
// says. A proxy that doesn't can't share buckets between threads.
func checkShared(host proxy) error {
	key := []byte("weir/probe")
	host.setShared(key, key, ifAbsent)
	if _, _, found := host.getShared(key); !found {
		return errors.New("shared data: the proxy doesn't keep values")
	}
	if host.setShared(key, key, ifAbsent) {
		return errors.New("shared data: the proxy overwrites values in place")
	}
	return nil
}

// view is b as a string, valid and unchanged only as long as b is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// number reads a property of 8 bytes; 0 for anything else.
func number(v []byte) uint64 {
	if len(v) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(v)
}

// eachHeader calls see for each field of a serialised header map: the number of
// fields, the lengths of each one's name and value, 4 bytes little-endian each,
// then names and values, each with a zero after it. What it passes are views.
// It stops without a word where the bytes aren't such a map.
func eachHeader(b []byte, see func(name, value []byte)) {
	if len(b) < 4 {
		return
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n > (len(b)-4)/8 {
		return
	}
	at := 4 + 8*n
	for i := range n {
		sizes := b[4+8*i : 12+8*i]
		name, value := int(binary.LittleEndian.Uint32(sizes)), int(binary.LittleEndian.Uint32(sizes[4:]))
		if name > len(b)-at-1 || value > len(b)-at-name-2 {
			return
		}
		see(b[at:at+name], b[at+name+1:at+name+1+value])
		at += name + value + 2
	}
}

// call sends a request to a cluster. done gets the status of the answer, 0 when
// there was none, and its body; it is called exactly once, unless call fails.
func call(cluster string, headers [][2]string, body []byte, timeoutMS uint32, done func(status int, body []byte)) error {
	as := calledBySDK()
	_, err := proxywasm.DispatchHttpCall(cluster, headers, body, nil, timeoutMS, func(_, bodySize, _ int) {
		as.calledBySDK()
		done(answerStatus(), answerBody(bodySize))
	})
	if err != nil {
		return errors.Join(errHost, err)
	}
	return nil
}

func answerStatus() int {
	headers, err := proxywasm.GetHttpCallResponseHeaders()
	if err != nil {
		return 0
	}
	for _, h := range headers {
		if h[0] == ":status" {
			status, err := strconv.Atoi(h[1])
			if err != nil {
				return 0
			}
			return status
		}
	}
	return 0
}

func answerBody(size int) []byte {
	if size <= 0 {
		return nil
	}
	body, err := proxywasm.GetHttpCallResponseBody(0, size)
	if err != nil {
		return nil
	}
	return body
}
