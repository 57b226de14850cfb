package filter

import (
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// strays keeps the paths of requests that no endpoint's template matched until they
// end, as only then it is known whether there is something at the path. There is room
// for a fixed number, and a request that finds none is left out of the sample: one
// that has been open for longer than strayNS makes room, so that long ones don't keep
// all others out.
type strays struct {
	last  uint32
	slots [maxStrays]stray
}

const (
	maxStrays = 64
	strayNS   = second
)

type stray struct {
	place                uint32 // 0: free
	beganNS              int64
	method               [wire.MaxMethodBytes]byte
	path                 [wire.MaxUnmatchedPathBytes]byte
	methodSize, pathSize int
}

// keep notes a request's path, and returns its place; 0 for none.
func (s *strays) keep(f *fields, nowNS int64) uint32 {
	path, _ := f.target()
	if !wire.PlainRequest(f.method, path) {
		return 0
	}
	if s.last++; s.last == 0 {
		s.last++
	}
	slot := &s.slots[s.last%maxStrays]
	if slot.place != 0 && nowNS-slot.beganNS < strayNS {
		return 0
	}
	slot.place, slot.beganNS = s.last, nowNS
	slot.methodSize, slot.pathSize = copy(slot.method[:], f.method), copy(slot.path[:], path)
	return s.last
}

// end takes the path from a place. It is of interest if it was answered: what leads
// nowhere is no endpoint, and those who try every path shall not crowd out the others.
func (s *strays) end(place uint32, status uint16, m *meter.Meter) {
	slot := &s.slots[place%maxStrays]
	if slot.place != place { // another has taken it
		return
	}
	slot.place = 0
	if status >= 100 && status < 400 {
		m.Miss(slot.method[:slot.methodSize], slot.path[:slot.pathSize])
	}
}
