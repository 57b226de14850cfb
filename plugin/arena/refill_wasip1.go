package arena

import "unsafe"

const (
	// The largest size that Go allocates without a lock.
	chunkBytes = 32 << 10
	// What doesn't fit into the chunk any more and is larger than this gets
	// memory of its own, so that the chunk's rest is not lost.
	sharedBytes = chunkBytes / 8
)

// refill returns size bytes that are not from the chunk, or are from a new one.
//
//go:wasmexport weir_refill
func refill(size uint32) unsafe.Pointer {
	if size > sharedBytes {
		return unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
	}
	shared.chunk = make([]byte, chunkBytes)
	start := unsafe.Pointer(unsafe.SliceData(shared.chunk))
	shared.next = uint32(uintptr(start)) + (size+7)&^7
	shared.end = uint32(uintptr(start)) + chunkBytes
	return start
}
