package limit

import (
	"encoding/binary"
	"strconv"
)

// The table of addresses has a fixed number of sets, each one value of up to 8
// ways, so that no number of addresses makes it grow. The layout of a set,
// little-endian: magic and format (4), number of ways (4); then for each way the
// hash of the address that owns it (8), length of its state (4), and 1 or 0 for
// whether it is shared (4); then the states, one after another.
const (
	// Sets is the number of sets.
	Sets = 8192
	// Ways is the number of ways of a set.
	Ways = 8

	setMagic       = 0x01_53_41_57 // "WAS", format 1
	setHeaderBytes = 8
	wayBytes       = 16
)

// MaxSetBytes is the length of the longest set of subjects whose states have this
// length.
func MaxSetBytes(stateBytes int) int { return setHeaderBytes + Ways*(wayBytes+stateBytes) }

// SetOf returns the set, 0 to Sets-1, of the address with this hash. The hash is
// keyed, so that nobody can choose addresses that meet in a set.
func SetOf(hash uint64) uint32 { return uint32(hash >> 51) }

// sharedWay returns the way that an address shares while no way is free for it.
func sharedWay(hash uint64) int { return int(hash % Ways) }

// Place is where an address's state is kept in its set.
type Place struct {
	hash uint64
	way  int
	// Shared says that the state belongs to another address and that this one
	// counts there too, because no way was free or idle. Then no [Settlement] may
	// give anything back: it might be the other's.
	Shared bool
}

// Locate finds the state of the address with this hash in its set, at the time,
// version and epoch of req. A state with a length of 0 is that of a new subject.
// Where it had to be made it is appended to dst[:0]; otherwise it is a part of set,
// which dst must not overlap.
//
// An address keeps its way until that is [Idle] and another needs it. One that
// finds no way, free or idle, shares another's; when it gets a way of its own
// later, it takes the state that it shared along, unless that has become idle. So
// no address ever gets more than from a single state of its own.
//
// An empty set is one not used yet. It fails with [ErrMalformed].
func Locate(dst, set []byte, hash uint64, req Request, rules []Rule) (state []byte, p Place, err error) {
	ways, err := readSet(set)
	if err != nil {
		return nil, Place{}, err
	}
	for i, w := range ways.all() {
		if w.hash == hash {
			return w.state, Place{hash: hash, way: i}, nil
		}
	}
	free := ways.n
	if free == Ways {
		free = ways.findIdle(hash, req, rules)
	}
	if free < 0 {
		w := &ways.way[sharedWay(hash)]
		return w.state, Place{hash: hash, way: sharedWay(hash), Shared: true}, nil
	}
	p = Place{hash: hash, way: free}
	if at := sharedWay(hash); at < ways.n && ways.way[at].shared && !Idle(ways.way[at].state, req, rules) {
		return append(dst[:0], ways.way[at].state...), p, nil
	}
	return dst[:0], p, nil
}

// Store appends to dst[:0] the set with this state at p, the place that [Locate]
// found in it. dst must not overlap set or state. It fails with [ErrMalformed].
func Store(dst, set []byte, p Place, state []byte) ([]byte, error) {
	ways, err := readSet(set)
	if err != nil {
		return nil, err
	}
	if p.way < 0 || p.way > ways.n || p.way == Ways {
		return nil, wrap(ErrMalformed, "a set of "+strconv.Itoa(ways.n)+" ways has no way "+strconv.Itoa(p.way))
	}
	ways.n = max(ways.n, p.way+1)
	w := &ways.way[p.way]
	w.state = state
	if p.Shared {
		w.shared = true
	} else if w.hash != p.hash {
		w.hash, w.shared = p.hash, false
	}
	dst = binary.LittleEndian.AppendUint32(dst[:0], setMagic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(ways.n))
	for _, w := range ways.all() {
		dst = binary.LittleEndian.AppendUint64(dst, w.hash)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(w.state)))
		shared := uint32(0)
		if w.shared {
			shared = 1
		}
		dst = binary.LittleEndian.AppendUint32(dst, shared)
	}
	for _, w := range ways.all() {
		dst = append(dst, w.state...)
	}
	return dst, nil
}

type way struct {
	hash   uint64
	shared bool
	state  []byte
}

type waySet struct {
	n   int
	way [Ways]way
}

func (s *waySet) all() []way { return s.way[:s.n] }

// findIdle returns an idle way, or -1. It begins with the one that the hash
// shares.
func (s *waySet) findIdle(hash uint64, req Request, rules []Rule) int {
	for i := range s.n {
		at := (sharedWay(hash) + i) % s.n
		if len(s.way[at].state) == 0 || Idle(s.way[at].state, req, rules) {
			return at
		}
	}
	return -1
}

func readSet(set []byte) (s waySet, err error) {
	if len(set) == 0 {
		return s, nil
	}
	if len(set) < setHeaderBytes || binary.LittleEndian.Uint32(set) != setMagic {
		return s, wrap(ErrMalformed, "no set of addresses")
	}
	n := uint64(binary.LittleEndian.Uint32(set[4:]))
	if n > Ways || uint64(len(set)) < setHeaderBytes+n*wayBytes {
		return s, wrap(ErrMalformed, "a set of "+strconv.FormatUint(n, 10)+" ways")
	}
	s.n = int(n)
	rest := set[setHeaderBytes+s.n*wayBytes:]
	for i := range s.all() {
		head := set[setHeaderBytes+i*wayBytes:]
		length, shared := binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
		if uint64(length) > uint64(len(rest)) || shared > 1 {
			return s, wrap(ErrMalformed, "way "+strconv.Itoa(i))
		}
		s.way[i] = way{binary.LittleEndian.Uint64(head), shared == 1, rest[:length:length]}
		rest = rest[length:]
	}
	if len(rest) > 0 {
		return s, wrap(ErrMalformed, strconv.Itoa(len(rest))+" bytes after the ways")
	}
	return s, nil
}
