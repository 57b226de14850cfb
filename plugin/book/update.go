package book

import (
	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// Update is what brings a filter from one version of the policy to another.
type Update struct {
	Version  uint64
	Base     uint64 // the version that it changes, below Version; 0: none, it holds every segment
	Bits     uint8  // there are 2^Bits shards; at most MaxBits
	Segments []Segment
}

// Segment is one segment of a set; see [Set].
type Segment struct {
	Index int
	Bytes []byte
}

// MaxUpdateBytes bounds an encoded update. A full one of MaxKeys keys and a core
// of MaxCoreBytes has 211 million bytes; one of 100,000 keys 7.2 million.
const MaxUpdateBytes = 1 << 28

// An update is, little-endian: magic (4 bytes), zero (3), bits (1), version (8),
// base (8), the number of segments (4), zero (4); for each segment its index (4),
// length (4) and checksum (8), ascending; the checksum of all that; then the
// segments, one after the other.
const (
	magicUpdate       = "WUp\x01"
	updateHeaderBytes = 32
	updateEntryBytes  = 16
)

// Update returns all of s.
func (s *Set) Update() Update {
	u := Update{Version: s.Version, Bits: s.Bits, Segments: make([]Segment, len(s.Segments))}
	for i, b := range s.Segments {
		u.Segments[i] = Segment{i, b}
	}
	return u
}

// EncodeUpdate appends the encoding of u to dst. It fails with [ErrInvalid] for
// an update that isn't consistent or is out of bounds.
func EncodeUpdate(dst []byte, u Update) ([]byte, error) {
	if what := u.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	size := updateHeaderBytes + len(u.Segments)*updateEntryBytes + frame.SumBytes
	for _, s := range u.Segments {
		size += len(s.Bytes)
	}
	if size > MaxUpdateBytes {
		return nil, frame.Invalid(frame.OutOfRange("update: length in bytes", uint64(size), 0, MaxUpdateBytes))
	}
	start := len(dst)
	dst = append(append(make([]byte, 0, start+size), dst...), magicUpdate...)
	dst = append(dst, 0, 0, 0, u.Bits)
	dst = frame.AppendU64(dst, u.Version, u.Base)
	dst = frame.AppendU32(dst, uint32(len(u.Segments)), 0)
	for _, s := range u.Segments {
		dst = frame.AppendU32(dst, uint32(s.Index), uint32(len(s.Bytes)))
		dst = frame.AppendU64(dst, frame.Sum(s.Bytes))
	}
	dst = frame.Seal(dst, start)
	for _, s := range u.Segments {
		dst = append(dst, s.Bytes...)
	}
	return dst, nil
}

// DecodeUpdate is the inverse of EncodeUpdate. The segments are parts of b,
// which may not change while they are used. Of a segment it verifies that it is
// the one and as long as the update says, and that it carries the checksum that
// the update says; the content is [OpenCore]'s and [OpenShard]'s to verify, one
// segment at a time where a whole update would take too long. It fails with
// [ErrMalformed].
func DecodeUpdate(b []byte) (Update, error) {
	if len(b) < updateHeaderBytes+frame.SumBytes || len(b) > MaxUpdateBytes {
		return Update{}, frame.Malformed(frame.OutOfRange("update: length in bytes",
			uint64(len(b)), updateHeaderBytes+frame.SumBytes, MaxUpdateBytes))
	}
	n := uint64(frame.U32(b, 24))
	if n > 1+1<<MaxBits || updateHeaderBytes+n*updateEntryBytes+frame.SumBytes > uint64(len(b)) {
		return Update{}, frame.Malformed("update: more segments than bytes")
	}
	end := updateHeaderBytes + int(n)*updateEntryBytes
	head, rest := b[:end+frame.SumBytes], b[end+frame.SumBytes:]
	if _, err := frame.Unseal(head, magicUpdate); err != nil {
		return Update{}, err
	}
	u := Update{Version: frame.U64(b, 8), Base: frame.U64(b, 16), Bits: b[7], Segments: make([]Segment, n)}
	if b[4]|b[5]|b[6] != 0 || frame.U32(b, 28) != 0 {
		return Update{}, frame.Malformed("update: header")
	}
	for i := range u.Segments {
		entry := head[updateHeaderBytes+i*updateEntryBytes:]
		size := uint64(frame.U32(entry, 4))
		if size > uint64(len(rest)) {
			return Update{}, frame.Malformed("update: cut off")
		}
		s := Segment{int(frame.U32(entry, 0)), rest[:size:size]}
		if u.Segments[i], rest = s, rest[size:]; frame.Sum(s.Bytes) != frame.U64(entry, 8) {
			return Update{}, frame.Malformed(frame.Element("segments", i) + ": carries another checksum")
		}
	}
	if len(rest) > 0 {
		return Update{}, frame.Malformed("update: bytes after the end")
	}
	if what := u.fault(); what != "" {
		return Update{}, frame.Malformed(what)
	}
	return u, nil
}

// fault says what is out of bounds or contradicts itself in u, and where; "" for
// nothing. Encoder and decoder both keep to it.
func (u *Update) fault() string {
	switch {
	case u.Version-1 >= wire.MaxNumber:
		return frame.OutOfRange("version", u.Version, 1, wire.MaxNumber)
	case u.Base >= u.Version:
		return frame.OutOfRange("base", u.Base, 0, u.Version-1)
	case u.Bits > MaxBits:
		return frame.OutOfRange("bits", uint64(u.Bits), 0, MaxBits)
	case u.Base == 0 && len(u.Segments) != 1+1<<u.Bits:
		return "segments: not all, and no base"
	}
	last := -1
	for i, s := range u.Segments {
		if s.Index <= last || s.Index > 1<<u.Bits {
			return frame.Element("segments", i) + ".index: not after the one before, or not one of 2^bits shards"
		}
		if !s.fits(u.Bits) {
			return frame.Element("segments", i) + ": not what its index says"
		}
		last = s.Index
	}
	return ""
}

// fits checks whether the bytes look like the core, or like the shard that the
// index says.
func (s *Segment) fits(bits uint8) bool {
	if s.Index == 0 {
		_, err := TrustCore(s.Bytes)
		return err == nil
	}
	shard, err := parseShard(s.Bytes)
	return err == nil && shard.bits == bits && shard.index+1 == s.Index
}
