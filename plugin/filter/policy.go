package filter

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// Keys of the snapshot in shared data. The bytes are written before the version,
// and both only ever by something newer, so who sees a version finds bytes that
// are at least as new.
var (
	snapshotKey = []byte("snapshot")
	versionKey  = []byte("version")
)

// policy is the snapshot that a VM enforces.
type policy struct {
	snapshot *wire.Snapshot // nil until there is one
	version  uint64         // of snapshot; 0 without one
	rules    []limit.Rule   // of all tiers, by index of the limit
	refused  uint64         // version of the last one that couldn't be opened
}

// use begins to enforce s.
func (y *policy) use(s *wire.Snapshot) {
	limits := 0
	for i := range s.Tiers() {
		t := s.Tier(i)
		limits = max(limits, t.FirstLimit+t.Limits)
	}
	rules := make([]limit.Rule, limits)
	for i := range rules {
		l := s.Limit(i)
		rules[i] = limit.Rule{ID: l.ID, Amount: l.Amount, Burst: l.Burst, PeriodSeconds: l.PeriodSeconds}
	}
	y.snapshot, y.version, y.rules = s, s.Version(), rules
}

// loadNewerSnapshot begins to enforce the snapshot in shared data if it is newer
// than the one in use, and reports whether it did.
func (p *plugin) loadNewerSnapshot() bool {
	v := publishedVersion()
	if v <= p.policy.version || v == p.policy.refused {
		return false
	}
	return p.loadSnapshot()
}

// loadSnapshot is loadNewerSnapshot without the cheap look at the version first.
// A snapshot that can't be opened is refused as a whole: the last one stays.
func (p *plugin) loadSnapshot() bool {
	body, _, found := readShared(snapshotKey)
	if !found {
		return false
	}
	s, err := wire.Open(body)
	if err != nil {
		p.policy.refused = publishedVersion()
		p.refuseSnapshot(err)
		return false
	}
	if s.Version() <= p.policy.version {
		return false
	}
	p.policy.use(s)
	p.stats.setSnapshotVersion(s.Version())
	return true
}

func (p *plugin) refuseSnapshot(err error) {
	p.stats.snapshotsRefused++
	p.warn("refuse snapshot", err)
}

// publish puts a snapshot that was fetched where all VMs find it, unless they
// have a newer one, and begins to enforce it.
func (p *plugin) publish(body []byte) error {
	s, err := wire.Open(body)
	if err != nil {
		return err
	}
	for range maxSwaps {
		old, cas, _ := readShared(snapshotKey)
		if newest, err := wire.Open(old); err == nil && newest.Version() >= s.Version() {
			return nil
		}
		if swapShared(snapshotKey, body, cas) {
			raiseVersion(s.Version())
			p.loadNewerSnapshot()
			return nil
		}
	}
	return errContended
}

// publishedVersion returns the version in shared data, 0 when there is none.
func publishedVersion() uint64 {
	v, _, found := readShared(versionKey)
	if !found || len(v) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(v)
}

func raiseVersion(to uint64) {
	for range maxSwaps {
		v, cas, found := readShared(versionKey)
		if found && len(v) == 8 && binary.LittleEndian.Uint64(v) >= to {
			return
		}
		if swapShared(versionKey, binary.LittleEndian.AppendUint64(nil, to), cas) {
			return
		}
	}
}
