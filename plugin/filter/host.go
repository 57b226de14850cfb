package filter

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// ifAbsent is the compare-and-swap number for the first write of a key. Envoy
// takes a zero as "overwrite whatever is there", by which two workers that write
// first overwrite each other. Any other number must match that of the value in
// place, but a key that has no value yet is created under every number. Numbers
// count all writes of shared data from 1, so the number of a value in place can
// only be this one after two billion writes, and then only for that one value.
const ifAbsent = 1 << 31

// errHost is an answer of the proxy that the filter can't work with.
var errHost = errors.New("unexpected answer of the proxy")

// readShared returns the value of a key and the number to swap it by. It reports
// false when there is no value; the number is then [ifAbsent].
func readShared(key []byte) (value []byte, cas uint32, found bool) {
	value, cas, err := proxywasm.GetSharedData(view(key))
	if err != nil {
		return nil, ifAbsent, false
	}
	return value, cas, true
}

// swapShared writes a value if nobody else has since readShared.
func swapShared(key, value []byte, cas uint32) (swapped bool) {
	return proxywasm.SetSharedData(view(key), value, cas) == nil
}

// checkShared finds out whether the proxy's shared data behaves as [ifAbsent]
// says. A proxy that doesn't can't share buckets between threads.
func checkShared() error {
	key := []byte("probe")
	swapShared(key, key, ifAbsent)
	if _, _, found := readShared(key); !found {
		return errors.New("shared data: the proxy doesn't keep values")
	}
	if swapShared(key, key, ifAbsent) {
		return errors.New("shared data: the proxy overwrites values in place")
	}
	return nil
}

// view is b as a string, for the time of a call. It spares a copy on each
// request; the proxy reads it before the call returns.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// requestHeader returns a request header field, or "" if there is none.
func requestHeader(name string) string {
	v, err := proxywasm.GetHttpRequestHeader(name)
	if err != nil {
		return ""
	}
	return v
}

// responseStatus returns the status of the current response, or 0.
func responseStatus() uint16 {
	v, err := proxywasm.GetHttpResponseHeader(":status")
	if err != nil {
		return 0
	}
	status, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(status)
}

// property returns a number that the proxy knows of the current stream, or 0.
func property(path []string) uint64 {
	v, err := proxywasm.GetProperty(path)
	if err != nil || len(v) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(v)
}

// call sends a request to a cluster. done gets the status of the answer, 0 when
// there was none, and its body; it is called exactly once, unless call fails.
func call(cluster string, headers [][2]string, body []byte, timeoutMS uint32, done func(status int, body []byte)) error {
	_, err := proxywasm.DispatchHttpCall(cluster, headers, body, nil, timeoutMS, func(_, bodySize, _ int) {
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

// respond answers the current request in the upstream's place.
func respond(status uint32, headers [][2]string, body []byte) types.Action {
	if err := proxywasm.SendHttpResponse(status, headers, body, -1); err != nil {
		proxywasm.LogError("weir: send response " + strconv.Itoa(int(status)) + ": " + err.Error())
	}
	return types.ActionPause
}
