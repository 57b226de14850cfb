package filter

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/wire"
)

// One VM of a process fetches snapshots for all: the one that holds the lease in
// shared data. It renews it by the tick. When it stops, another takes over.
const (
	leaseRenewNS = second
	leaseStaleNS = 3 * second
	// VMs that serve requests wait longer, so that the one on the main thread,
	// which has nothing else to do, comes first.
	leaseStaleServingNS = 4 * second
)

var leaseKey = []byte("lease")

// leaseBytes is a source id and when it renewed, by the monotonic clock,
// nanoseconds, little-endian.
const leaseBytes = 16 + 8

// lease is what a VM remembers of it between two ticks.
type lease struct {
	held      bool
	renewedNS int64
}

// holdLease reports whether this VM holds the lease, after taking or renewing it
// if need be. Two VMs never both take a stale one: the swap decides. One that
// was stopped for long may for one tick believe that it still holds it; that
// does no harm, as only newer snapshots are published.
func (p *plugin) holdLease(nowNS int64) bool {
	if p.lease.held && nowNS-p.lease.renewedNS < leaseRenewNS {
		return true
	}
	value, cas, found := readShared(leaseKey)
	p.lease.held = false
	if found && len(value) == leaseBytes && !p.mayTake(value, nowNS) {
		return false
	}
	next := append(make([]byte, 0, leaseBytes), p.source[:]...)
	next = binary.LittleEndian.AppendUint64(next, uint64(nowNS))
	p.lease = lease{held: swapShared(leaseKey, next, cas), renewedNS: nowNS}
	return p.lease.held
}

func (p *plugin) mayTake(value []byte, nowNS int64) bool {
	if wire.SourceID(value[:16]) == p.source {
		return true
	}
	patience := int64(leaseStaleNS)
	if p.served {
		patience = leaseStaleServingNS
	}
	return nowNS-int64(binary.LittleEndian.Uint64(value[16:])) > patience
}
