package filter

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/weirhq/weir/plugin/book"
)

// publish puts an update that was fetched where all VMs find it, and begins to
// enforce it. It is verified as a whole first; one that is malformed changes
// nothing. It fails with errBase for the changes to another version than the one
// that is here.
func (p *plugin) publish(body []byte) error {
	update, err := book.DecodeUpdate(body)
	if err != nil {
		return err
	}
	for range maxSwaps {
		held, cas := p.heldManifest()
		if update.Version <= held.Version {
			p.loadPolicy()
			return nil
		}
		next, changed, err := held.Apply(update)
		if errors.Is(err, book.ErrBase) {
			return errBase
		}
		if err == nil {
			err = verify(changed)
		}
		if err != nil {
			return err
		}
		if p.writePolicy(next, changed, cas) {
			p.loadPolicy()
			return nil
		}
	}
	return errContended
}

// heldManifest returns the manifest in shared data, or that of no policy at all.
func (p *plugin) heldManifest() (m *book.Manifest, cas uint32) {
	value, cas, found := p.host.getShared(manifestKey)
	if !found || len(value) < versionBytes {
		return &book.Manifest{}, cas
	}
	m, err := book.DecodeManifest(value[versionBytes:])
	if err != nil {
		return &book.Manifest{}, cas
	}
	return m, cas
}

func verify(segments []book.Segment) error {
	for _, s := range segments {
		var err error
		if s.Index == 0 {
			_, err = book.OpenCore(s.Bytes)
		} else {
			_, err = book.OpenShard(s.Bytes)
		}
		if err != nil {
			return errors.New("segment " + strconv.Itoa(s.Index) + ": " + err.Error())
		}
	}
	return nil
}

// writePolicy writes the segments and, after them, the manifest. It reports false
// when another VM has published something meanwhile.
func (p *plugin) writePolicy(m *book.Manifest, segments []book.Segment, cas uint32) bool {
	for _, s := range segments {
		if !p.writeSegment(s, m.Segments[s.Index].Changed) {
			return false
		}
	}
	encoded, err := book.EncodeManifest(binary.LittleEndian.AppendUint64(nil, m.Version), m)
	if err != nil {
		p.warn("write manifest", err)
		return false
	}
	return p.host.setShared(manifestKey, encoded, cas)
}

// writeSegment writes a segment unless there is a newer one.
func (p *plugin) writeSegment(s book.Segment, version uint64) bool {
	for range maxSwaps {
		p.scratch.key = appendSegmentKey(p.scratch.key[:0], s.Index)
		held, cas, found := p.host.getShared(p.scratch.key)
		if found && len(held) >= versionBytes && binary.LittleEndian.Uint64(held) >= version {
			return true
		}
		value := append(binary.LittleEndian.AppendUint64(make([]byte, 0, versionBytes+len(s.Bytes)), version), s.Bytes...)
		if p.host.setShared(p.scratch.key, value, cas) {
			return true
		}
	}
	return false
}
