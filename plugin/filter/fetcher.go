package filter

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/wire"
)

// One VM of a process fetches the policy for all: the one that is named in shared
// data. It renews that by the tick. When it stops, another takes over.
const (
	fetcherRenewNS = second
	fetcherStaleNS = 3 * second
	// VMs that serve requests wait longer, so that the one on the main thread,
	// which has nothing else to do, comes first.
	fetcherStaleServingNS = 4 * second
)

var fetcherKey = []byte("weir/fetcher")

// fetcherBytes is a source id and when it renewed, by the monotonic clock,
// nanoseconds, little-endian.
const fetcherBytes = 16 + 8

// fetcher is what a VM remembers of it between two ticks.
type fetcher struct {
	chosen    bool
	renewedNS int64
}

// isFetcher reports whether this VM fetches, after taking that over or renewing
// it if need be. Two VMs never both take over: the swap decides. One that was
// stopped for long may for one tick believe that it still fetches; that does no
// harm, as only newer policies are published.
func (p *plugin) isFetcher(nowNS int64) bool {
	if p.fetcher.chosen && nowNS-p.fetcher.renewedNS < fetcherRenewNS {
		return true
	}
	value, cas, found := p.host.getShared(fetcherKey)
	p.fetcher.chosen = false
	if found && len(value) == fetcherBytes && !p.mayTake(value, nowNS) {
		return false
	}
	next := append(make([]byte, 0, fetcherBytes), p.source[:]...)
	next = binary.LittleEndian.AppendUint64(next, uint64(nowNS))
	p.fetcher = fetcher{chosen: p.host.setShared(fetcherKey, next, cas), renewedNS: nowNS}
	return p.fetcher.chosen
}

func (p *plugin) mayTake(value []byte, nowNS int64) bool {
	if wire.SourceID(value[:16]) == p.source {
		return true
	}
	patience := int64(fetcherStaleNS)
	if p.served {
		patience = fetcherStaleServingNS
	}
	return nowNS-int64(binary.LittleEndian.Uint64(value[16:])) > patience
}
