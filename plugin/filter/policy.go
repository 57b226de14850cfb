package filter

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/weirhq/weir/plugin/arena"
	"github.com/weirhq/weir/plugin/book"
)

// The policy in shared data: each segment under seg/<number>, behind the version
// in which it last changed, and the manifest, which says for each segment what
// version that is. Segments are written before the manifest, and all of them only
// ever by something newer, so who sees a manifest finds segments that are at
// least as new.
var manifestKey = []byte("weir/manifest")

const versionBytes = 8

// policy is what a VM enforces. The core is opened at once, each shard on its
// first use, so that no request waits for more than one of them.
type policy struct {
	version  uint64 // of the manifest; 0 without one
	manifest book.Manifest
	core     *book.Core // nil until there is one
	coreAt   uint64     // version in which it last changed
	shards   []openShard
	plans    [readyPlans]*plan
	meters   meters

	sinceNS     int64 // when this version was taken up
	confirmedNS int64 // when the edge last said that this is the newest
}

// openShard is a shard in use.
type openShard struct {
	shard *book.Shard // nil before its first use
	at    uint64      // version in which it last changed
}

// loadPolicy takes up the policy in shared data if that is newer than the one in
// use, and reports whether it did.
func (p *plugin) loadPolicy() bool {
	value, _, found := p.host.getShared(manifestKey)
	if !found || len(value) < versionBytes || binary.LittleEndian.Uint64(value) <= p.policy.version {
		return false
	}
	m, err := book.DecodeManifest(value[versionBytes:])
	if err != nil {
		p.refusePolicy(err)
		return false
	}
	y := &p.policy
	if y.core == nil || m.Segments[0].Changed > y.coreAt {
		if !p.loadCore() {
			return false
		}
	}
	shards := make([]openShard, len(m.Segments)-1)
	if m.Bits == y.manifest.Bits {
		copy(shards, y.shards)
	}
	y.version, y.manifest, y.shards = m.Version, *m, shards
	// Plans say since when they hold, and whose they are may have changed now.
	y.sinceNS = p.system.MonotonicNS()
	clear(y.plans[:])
	p.stats.setVersion(m.Version)
	return true
}

// loadCore takes up the core in shared data.
func (p *plugin) loadCore() bool {
	at, b, found := p.segment(0)
	if !found {
		return false
	}
	core, err := book.TrustCore(b)
	if err != nil {
		p.refusePolicy(err)
		return false
	}
	p.policy.core, p.policy.coreAt = core, at
	p.policy.meters = newMeters(core)
	clear(p.policy.plans[:])
	return true
}

// shard returns the shard that is segment number, loaded anew if the manifest
// says that it has changed; nil if there is none.
func (p *plugin) shard(number int) *book.Shard {
	y := &p.policy
	if number < 1 || number > len(y.shards) {
		return nil
	}
	s := &y.shards[number-1]
	if s.shard == nil || s.at < y.manifest.Segments[number].Changed {
		p.loadShard(number)
	}
	return s.shard
}

// shardAt returns the version in which the shard that is segment number last
// changed, loaded anew if need be; 0 if there is none.
func (p *plugin) shardAt(number int) uint64 {
	if p.shard(number) == nil {
		return 0
	}
	return p.policy.shards[number-1].at
}

func (p *plugin) loadShard(number int) bool {
	at, b, found := p.segment(number)
	if !found {
		return false
	}
	shard, err := book.TrustShard(b)
	if err != nil {
		p.refusePolicy(err)
		return false
	}
	s := &p.policy.shards[number-1]
	if s.shard != nil && at <= s.at {
		return false
	}
	*s = openShard{shard, at}
	return true
}

// shardFor returns the shard that has the key of a digest, if there is such a
// key. While another number of shards is being published, what lies under a
// number may be of the new kind already; the manifest soon says so.
func (p *plugin) shardFor(digest *[32]byte, number int) *book.Shard {
	s := p.shard(number)
	if s != nil && !s.Covers(digest) && p.loadPolicy() {
		s = p.shard(book.SegmentOf(digest, p.policy.manifest.Bits))
	}
	return s
}

// segment reads a segment from shared data. It outlives the callback.
func (p *plugin) segment(number int) (version uint64, b []byte, found bool) {
	p.scratch.key = appendSegmentKey(p.scratch.key[:0], number)
	value, _, found := p.host.getShared(p.scratch.key)
	if !found || len(value) < versionBytes {
		return 0, nil, false
	}
	if !arena.Outlives(len(value)) {
		value = bytes.Clone(value)
	}
	return binary.LittleEndian.Uint64(value), value[versionBytes:], true
}

// refresh looks for something newer than what a question was asked by: another
// policy or, while one is being published, a newer core or shard of the caller.
func (p *plugin) refresh(q *question) bool { return p.loadPolicy() || p.reload(q.shard) }

// reload takes up what is newer of the core and of a shard, whatever the manifest
// says.
func (p *plugin) reload(shard int) bool {
	newer := false
	if at, _, found := p.segment(0); found && at > p.policy.coreAt {
		newer = p.loadCore()
	}
	if shard >= 1 && shard <= len(p.policy.shards) {
		newer = p.loadShard(shard) || newer
	}
	return newer
}

// versionFor returns the version of what a caller is limited by: usually the
// policy's, for the moment of its publishing a newer one.
func (y *policy) versionFor(shard int) uint64 {
	v := max(y.version, y.coreAt)
	if shard >= 1 && shard <= len(y.shards) {
		v = max(v, y.shards[shard-1].at)
	}
	return v
}

func (p *plugin) refusePolicy(err error) {
	p.stats.policiesRefused++
	p.warn("refuse policy", err)
}

func appendSegmentKey(dst []byte, number int) []byte {
	return strconv.AppendInt(append(dst, "weir/seg/"...), int64(number), 10)
}
