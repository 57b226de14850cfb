// Package gate is what the module's callbacks and command trim have agreed on.
//
// The SDK knows every stream from its creation to its deletion, which costs two
// callbacks and several maps a request. In the trimmed module it knows only the
// plugin's contexts: the proxy's callbacks for streams come to functions of the
// filter's own, and those for creation and deletion to a few instructions that
// call Go for plugins and otherwise do nothing. What these instructions need to
// know is in a control block, which command trim finds by its mark.
//
// In a module that was not trimmed, nothing calls these functions.
package gate

// Names under which the module exports the filter's own functions.
const (
	RequestHeaders  = "weir_request_headers"  // in the place of proxy_on_request_headers
	ResponseHeaders = "weir_response_headers" // in the place of proxy_on_response_headers
	Log             = "weir_log"              // in the place of proxy_on_log
	// Stream is called for a new stream that isn't of the newest plugin context.
	Stream = "weir_stream"
	// Forget is called for a deleted context that isn't newer than the newest
	// plugin context. It returns 1 for a plugin's.
	Forget = "weir_forget"
)

// OffsetNewest is where, in the control block, the number of the newest plugin
// context is: 4 bytes.
const OffsetNewest = 16

type control struct {
	mark   [16]byte
	newest uint32 // see OffsetNewest
}

// shared is found by its mark: random bytes, none of them zero, as the linker
// leaves out zeros. Nothing else in the module has them.
var shared = control{mark: [...]byte{
	0x91, 0x3c, 0xf2, 0x67, 0x0b, 0xd8, 0xa5, 0x4e, 0x19, 0xc7, 0x73, 0xe0, 0x2a, 0x86, 0xbd, 0x5f,
}}

// SetNewest tells which plugin context streams are of from now on.
func SetNewest(context uint32) { shared.newest = context }

// Mark returns what the control block begins with.
func Mark() string { return string(shared.mark[:]) }
