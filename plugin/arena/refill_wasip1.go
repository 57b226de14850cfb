package arena

import "unsafe"

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
