package meter

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/wire"
)

// paths is a sample of the requests since the last batch that no endpoint's template
// matched. Each has the same chance to be in it (reservoir sampling: Vitter 1985,
// algorithm R), so a path's part of the sample stands for its part of the requests.
// It takes the same memory whatever is asked for.
type paths struct {
	seen   uint64
	random uint64 // state of xorshift64* (Vigna 2016); never 0
	sample [wire.MaxBatchUnmatched]path
}

type path struct {
	method     [wire.MaxMethodBytes]byte
	text       [wire.MaxUnmatchedPathBytes]byte
	methodSize uint8
	textSize   uint16
}

func (p *paths) seed(source wire.SourceID) { p.random = binary.LittleEndian.Uint64(source[:]) | 1 }

func (p *paths) note(method, text []byte) {
	if !wire.PlainRequest(method, text) {
		return
	}
	at := p.seen
	if p.seen++; at >= uint64(len(p.sample)) {
		if at = p.next() % p.seen; at >= uint64(len(p.sample)) {
			return
		}
	}
	held := &p.sample[at]
	held.methodSize = uint8(copy(held.method[:], method))
	held.textSize = uint16(copy(held.text[:], text))
}

func (p *paths) next() uint64 {
	p.random ^= p.random >> 12
	p.random ^= p.random << 25
	p.random ^= p.random >> 27
	return p.random * 2685821657736338717
}

// take removes the sample.
func (p *paths) take() []wire.Unmatched {
	n := min(p.seen, uint64(len(p.sample)))
	p.seen = 0
	if n == 0 {
		return nil
	}
	taken := make([]wire.Unmatched, n)
	for i := range taken {
		s := &p.sample[i]
		taken[i] = wire.Unmatched{Method: string(s.method[:s.methodSize]), Path: string(s.text[:s.textSize])}
	}
	return taken
}
