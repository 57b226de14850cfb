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
// What is handed out during a callback that keeps none of it can be taken back at
// its end, see [Begin], so that requests leave nothing for the garbage collector.
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

const (
	// The largest size that Go allocates without a lock.
	chunkBytes = 32 << 10
	// What doesn't fit into the chunk any more and is larger than this gets
	// memory of its own, so that the chunk's rest is not lost.
	sharedBytes = chunkBytes / 8 //nolint:unused // in the module
)

// shared is found by its mark: random bytes, none of them zero, as the linker
// leaves out zeros. Nothing else in the module has them.
var shared = control{mark: [...]byte{
	0x2e, 0xf8, 0x91, 0xb5, 0x6c, 0xd3, 0x47, 0xae, 0xc2, 0x19, 0xe7, 0x80, 0x5d, 0x9a, 0x36, 0xa4,
}}

// Frame is a point in a chunk.
type Frame struct{ next, end uint32 }

// Begin remembers where the next value will be.
func Begin() Frame { return Frame{shared.next, shared.end} }

// End takes back what was handed out since f. Nothing of it may be used any more,
// whatever holds it. What came from another chunk stays as it is.
func (f Frame) End() {
	if f.end == shared.end {
		shared.next = f.next
	}
}

// Outlives says that a value of this size has memory of its own, so that
// [Frame.End] doesn't concern it.
func Outlives(size int) bool { return size > chunkBytes }

// Mark returns what the control block begins with.
func Mark() string { return string(shared.mark[:]) }
