package book

import (
	"errors"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// Manifest says which segments make up a version of the policy. The filter keeps
// it beside the segments and writes it after them, so whoever reads it finds
// segments that are at least as new. The zero value stands for none yet.
type Manifest struct {
	Version  uint64
	Bits     uint8
	Segments []SegmentState // 1 + 2^Bits
}

// SegmentState tells one content of a segment from any other.
type SegmentState struct {
	Changed uint64 // version since which it has this content, as far as the filter has seen
	Sum     uint64 // the checksum that the segment carries
}

// ErrBase is what [Manifest.Apply] returns for an update that changes something
// else than what the manifest says is held, another version or another number of
// shards: ask for a full one.
var ErrBase = errors.New("the update has another base")

const (
	magicManifest       = "WMa\x01"
	manifestHeaderBytes = 16
	stateBytes          = 16
	maxManifestBytes    = manifestHeaderBytes + (1+1<<MaxBits)*stateBytes + frame.SumBytes
)

// Apply returns the manifest after u, and which of its segments differ from what
// m says is held: those are to be verified and written before the manifest. A
// segment that is the same keeps its state, also in a full update. It fails with
// [ErrBase] only.
func (m *Manifest) Apply(u Update) (next *Manifest, changed []Segment, err error) {
	if u.Base != 0 && u.Base != m.Version {
		return nil, nil, ErrBase
	}
	resized := m.Version == 0 || u.Bits != m.Bits
	shards := len(u.Segments)
	if shards > 0 && u.Segments[0].Index == 0 {
		shards--
	}
	if resized && shards != 1<<u.Bits {
		return nil, nil, ErrBase
	}
	next = &Manifest{Version: u.Version, Bits: u.Bits, Segments: make([]SegmentState, 1+1<<u.Bits)}
	// A policy that was set back, as by restoring a database, begins anew.
	if u.Version >= m.Version {
		copy(next.Segments, m.Segments)
	}
	for _, s := range u.Segments {
		state := &next.Segments[s.Index]
		sum := frame.Sum(s.Bytes)
		if state.Changed != 0 && state.Sum == sum && (s.Index == 0 || !resized) {
			continue
		}
		*state = SegmentState{u.Version, sum}
		changed = append(changed, s)
	}
	return next, changed, nil
}

// EncodeManifest appends the encoding of m to dst. It fails with [ErrInvalid]
// for one that is out of bounds.
func EncodeManifest(dst []byte, m *Manifest) ([]byte, error) {
	if what := m.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	start := len(dst)
	dst = append(dst, magicManifest...)
	dst = append(dst, 0, 0, 0, m.Bits)
	dst = frame.AppendU64(dst, m.Version)
	for _, s := range m.Segments {
		dst = frame.AppendU64(dst, s.Changed, s.Sum)
	}
	return frame.Seal(dst, start), nil
}

// DecodeManifest is the inverse of EncodeManifest. It keeps no reference to b
// and fails with [ErrMalformed].
func DecodeManifest(b []byte) (*Manifest, error) {
	if len(b) < manifestHeaderBytes+frame.SumBytes || len(b) > maxManifestBytes {
		return nil, frame.Malformed("manifest: too short or too long")
	}
	if _, err := frame.Unseal(b, magicManifest); err != nil {
		return nil, err
	}
	states := b[manifestHeaderBytes : len(b)-frame.SumBytes]
	if b[4]|b[5]|b[6] != 0 || len(states)%stateBytes != 0 {
		return nil, frame.Malformed("manifest: header")
	}
	m := &Manifest{Version: frame.U64(b, 8), Bits: b[7], Segments: make([]SegmentState, len(states)/stateBytes)}
	for i := range m.Segments {
		m.Segments[i] = SegmentState{frame.U64(states, i*stateBytes), frame.U64(states, i*stateBytes+8)}
	}
	if what := m.fault(); what != "" {
		return nil, frame.Malformed(what)
	}
	return m, nil
}

// fault says what is out of bounds in m; "" for nothing. Encoder and decoder
// both keep to it.
func (m *Manifest) fault() string {
	switch {
	case m.Version-1 >= wire.MaxNumber:
		return frame.OutOfRange("version", m.Version, 1, wire.MaxNumber)
	case m.Bits > MaxBits:
		return frame.OutOfRange("bits", uint64(m.Bits), 0, MaxBits)
	case len(m.Segments) != 1+1<<m.Bits:
		return "segments: " + strconv.Itoa(len(m.Segments)) + " is not 1 + 2^bits"
	}
	for i, s := range m.Segments {
		if s.Changed-1 >= m.Version {
			return frame.OutOfRange(frame.Element("segments", i)+".changed", s.Changed, 1, m.Version)
		}
	}
	return ""
}
