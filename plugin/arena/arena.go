// Package arena gives the proxy memory for what its functions return: header
// fields, properties, values of shared data.
//
// In comes a size, out goes the address of so many bytes. They come from a chunk
// of Go memory, one after the other. When the chunk is used up a new one takes
// its place, and the garbage collector frees the old one as soon as nothing in
// it is referred to any more. So values live as long as they are used, as if each
// had been allocated for itself; but a short one that is kept for long keeps its
// chunk, and should be cloned.
//
// The bytes are handed out by a function in WebAssembly that command trim adds
// to the module. It and this package share a control block, which it finds by a
// mark. In a module that was not trimmed, nothing calls this package.
package arena

// Refill is the name under which the module exports the Go function.
const Refill = "weir_refill"

// Offsets of fields in the control block: addresses, 4 bytes each.
const (
	OffsetNext = 16 // of the next free byte, a multiple of 8
	OffsetEnd  = 20 // behind the last one
)

// control is what the module's functions have in common.
//
//nolint:unused // all but the mark is, outside the module
type control struct {
	mark  [16]byte
	next  uint32 // see OffsetNext
	end   uint32
	chunk []byte // keeps the chunk, as addresses don't
}

// shared is found by its mark: random bytes, none of them zero, as the linker
// leaves out zeros. Nothing else in the module has them.
var shared = control{mark: [...]byte{
	0x2e, 0xf8, 0x91, 0xb5, 0x6c, 0xd3, 0x47, 0xae, 0xc2, 0x19, 0xe7, 0x80, 0x5d, 0x9a, 0x36, 0xa4,
}}

// Mark returns what the control block begins with.
func Mark() string { return string(shared.mark[:]) }
