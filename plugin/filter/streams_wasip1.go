package filter

import (
	"slices"

	"github.com/weirhq/weir/plugin/arena"
	"github.com/weirhq/weir/plugin/gate"
)

// streams are the open streams of the trimmed module, which the SDK knows nothing
// of; see package gate. They are a VM's, as the exported functions are.
type streams struct {
	plugins map[uint32]*plugin
	newest  *plugin
	called  *plugin // the last one that the SDK called back
	open    map[uint32]*request
	free    []*request // to be used again
}

// maxFree bounds the requests that are kept to be used again, 1 KB each.
const maxFree = 1024

// current is written by the VM's one thread only.
var current = streams{plugins: map[uint32]*plugin{}, open: map[uint32]*request{}}

// enter makes a plugin context the one that new streams are of.
func enter(id uint32, p *plugin) {
	current.plugins[id], current.newest = p, p
	gate.SetNewest(id)
}

// begin returns a request that knows nothing yet.
func (s *streams) begin(id uint32, p *plugin) *request {
	var r *request
	if n := len(s.free); n > 0 {
		r = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		r = &request{}
	}
	r.plugin, r.id = p, id
	p.served = true
	s.open[id] = r
	return r
}

// end forgets a stream. Nothing is called for it any more.
func (s *streams) end(id uint32, r *request) {
	delete(s.open, id)
	if r.wait != nil {
		r.holding.leave(r)
	}
	if len(s.free) < maxFree {
		*r = request{}
		s.free = append(s.free, r)
	}
}

// leave takes a request off the list, as its stream has ended.
func (h *holding) leave(r *request) {
	if i := slices.Index(h.streams, r); i >= 0 {
		h.streams = slices.Delete(h.streams, i, i+1)
	}
}

// calledBySDK notes that the SDK is in a callback of this plugin's.
func (p *plugin) calledBySDK() { current.called = p }

// calledBySDK returns the plugin that the SDK last called back.
func calledBySDK() *plugin { return current.called }

// mayCall reports whether a call that is made in a stream's callback will be
// answered to this plugin: the SDK takes it for one of the plugin's that it was
// last called for, as it doesn't know streams.
func (p *plugin) mayCall() bool { return current.called == p }

//go:wasmexport weir_stream
func onStream(id, pluginID uint32) {
	if p := current.plugins[pluginID]; p != nil {
		current.begin(id, p)
	}
}

//go:wasmexport weir_request_headers
func onRequestHeaders(id uint32, fields int32, end bool) uint32 {
	r := current.open[id]
	if r == nil {
		if current.newest == nil {
			return 0
		}
		r = current.begin(id, current.newest)
	}
	frame := arena.Begin()
	action := r.OnHttpRequestHeaders(int(fields), end)
	frame.End()
	return uint32(action)
}

//go:wasmexport weir_response_headers
func onResponseHeaders(id uint32, fields int32, end bool) uint32 {
	r := current.open[id]
	if r == nil { // the proxy refused the request before the filter saw it
		return 0
	}
	frame := arena.Begin()
	action := r.OnHttpResponseHeaders(int(fields), end)
	frame.End()
	return uint32(action)
}

//go:wasmexport weir_log
func onLog(id uint32) {
	r := current.open[id]
	if r == nil {
		return
	}
	frame := arena.Begin()
	r.OnHttpStreamDone()
	frame.End()
	current.end(id, r)
}

//go:wasmexport weir_forget
func onForget(id uint32) bool {
	p := current.plugins[id]
	if p == nil {
		return false
	}
	delete(current.plugins, id)
	if current.newest == p {
		current.newest = nil
	}
	if current.called == p {
		current.called = nil
	}
	return true
}
