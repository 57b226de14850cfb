package main

import (
	"bytes"
	"errors"
	"slices"

	"github.com/weirhq/weir/plugin/arena"
)

const (
	exportAllocate = "proxy_on_memory_allocate"
	exportRefill   = arena.Refill
)

// Instructions (5.4) and types (5.3).
const (
	opIf       = 0x04
	opEnd      = 0x0b
	opReturn   = 0x0f
	opCall     = 0x10
	opLocalGet = 0x20
	opLocalTee = 0x22
	opI32Load  = 0x28
	opI32Store = 0x36
	opI32Const = 0x41
	opI32Eqz   = 0x45
	opI32Ne    = 0x47
	opI32GtU   = 0x4b
	opI32Add   = 0x6a
	opI32Sub   = 0x6b
	opI32And   = 0x71

	typeI32   = 0x7f
	typeEmpty = 0x40
)

// allocateFromChunk has the proxy's allocations served by a function in
// WebAssembly, and keeps the Go function for when the chunk is used up.
func allocateFromChunk(m module, exports []export) ([]export, error) {
	find := func(name string) int {
		return slices.IndexFunc(exports, func(e export) bool { return e.name == name && e.kind == kindFunction })
	}
	to, refill := find(exportAllocate), find(exportRefill)
	if to < 0 || refill < 0 {
		return nil, errors.New("the module does not export both " + exportAllocate + " and " + exportRefill)
	}
	control, err := findControl(m, arena.Mark())
	if err != nil {
		return nil, err
	}
	// Both take a size and return an address.
	signature, err := m.typeOf(exports[refill].index)
	if err != nil {
		return nil, err
	}
	if other, err := m.typeOf(exports[to].index); err != nil || other != signature {
		return nil, errors.Join(errors.New(exportAllocate+" and "+exportRefill+" are not of one type"), err)
	}
	added, err := m.addFunction(signature, allocateBody(control, exports[refill].index))
	if err != nil {
		return nil, err
	}
	exports[to].index = added
	return slices.Delete(exports, refill, refill+1), nil
}

// allocateBody is, with next and end read from the chunk's control block:
//
//	at := next
//	if size > end-at { return refill(size) }
//	next = at + (size+7)&^7
//	return at
func allocateBody(control int32, refill uint32) []byte {
	const size, at = 0, 1 // parameter and local
	field := func(b []byte, op byte, offset uint32) []byte {
		b = append(b, op, 2) // aligned to 1<<2
		return appendU32(b, offset)
	}
	address := func(b []byte) []byte { return appendS32(append(b, opI32Const), control) }

	b := []byte{1, 1, typeI32} // one local

	b = append(b, opLocalGet, size)
	b = field(address(b), opI32Load, arena.OffsetEnd)
	b = field(address(b), opI32Load, arena.OffsetNext)
	b = append(b, opLocalTee, at, opI32Sub, opI32GtU)
	b = append(b, opIf, typeEmpty, opLocalGet, size, opCall)
	b = append(appendU32(b, refill), opReturn, opEnd)

	b = address(b)
	b = append(b, opLocalGet, at, opLocalGet, size, opI32Const, 7, opI32Add, opI32Const)
	b = append(appendS32(b, -8), opI32And, opI32Add)
	b = field(b, opI32Store, arena.OffsetNext)
	return append(b, opLocalGet, at, opEnd)
}

// findControl returns the address of a control block, which begins with a mark
// that nothing else in the module's data has.
func findControl(m module, text string) (address int32, err error) {
	s, err := m.find(sectionData, "data")
	if err != nil {
		return 0, err
	}
	mark := []byte(text)
	found := 0
	r := reader{rest: s.content}
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		if r.u32() != 0 || r.byte() != opI32Const {
			return 0, errors.New("a data segment has no constant address")
		}
		start := r.s32()
		if r.byte() != opEnd {
			return 0, errors.New("a data segment has no constant address")
		}
		content := r.vector()
		found += bytes.Count(content, mark)
		if i := bytes.Index(content, mark); i >= 0 {
			address = start + int32(i)
		}
	}
	if r.err == nil && found != 1 {
		return 0, errors.New("the module's data does not have each mark exactly once")
	}
	return address, r.err
}
