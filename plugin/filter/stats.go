package filter

import (
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// stats adds up what happened in a VM until the next tick, so that a request
// needs no call for it. Envoy shows them below wasmcustom, summed over all VMs.
// A VM that ends leaves its part of the two gauges of pending usage behind: that
// usage is lost.
type stats struct {
	decisions        [len(decisionNames)]uint64
	swapRetries      uint64 // another worker changed the account's state meanwhile
	swapsExhausted   uint64 // requests refused because of too many of those
	statesReplaced   uint64 // states that another program wrote
	snapshotsRefused uint64
	edgeErrors       uint64
	panics           uint64

	reportFailing bool   // the last message to the edge failed
	lost          uint64 // shown already
	requests      int64  // pending, shown already
	batches       int64

	counters struct {
		decisions                                        [len(decisionNames)]metric
		swapRetries, swapsExhausted, statesReplaced      metric
		snapshotsRefused, edgeErrors, panics, lostUsages metric
	}
	gauges struct{ version, requests, batches metric }
}

var decisionNames = [...]string{
	wire.Allowed:         "weir.decisions.allowed",
	wire.Throttled:       "weir.decisions.throttled",
	wire.Unauthenticated: "weir.decisions.unauthenticated",
	wire.Forbidden:       "weir.decisions.forbidden",
	wire.Unready:         "weir.decisions.unready",
}

func defineStats() (s stats) {
	for d, name := range decisionNames {
		if name != "" {
			s.counters.decisions[d] = defineCounter(name)
		}
	}
	s.counters.swapRetries = defineCounter("weir.swap.retries")
	s.counters.swapsExhausted = defineCounter("weir.swap.exhausted")
	s.counters.statesReplaced = defineCounter("weir.state.replaced")
	s.counters.snapshotsRefused = defineCounter("weir.snapshot.refused")
	s.counters.edgeErrors = defineCounter("weir.edge.errors")
	s.counters.panics = defineCounter("weir.panics")
	s.counters.lostUsages = defineCounter("weir.usage.lost")
	s.gauges.version = defineGauge("weir.snapshot.version")
	s.gauges.requests = defineGauge("weir.usage.pending_requests")
	s.gauges.batches = defineGauge("weir.usage.pending_batches")
	return s
}

func (s *stats) count(d wire.Decision) {
	if int(d) < len(s.decisions) {
		s.decisions[d]++
	}
}

// setSnapshotVersion shows the newest version that a VM uses.
func (s *stats) setSnapshotVersion(v uint64) { s.gauges.version.set(v) }

// publish shows what happened since the last time.
func (s *stats) publish(m *meter.Meter) {
	for d := range s.decisions {
		show(s.counters.decisions[d], &s.decisions[d])
	}
	show(s.counters.swapRetries, &s.swapRetries)
	show(s.counters.swapsExhausted, &s.swapsExhausted)
	show(s.counters.statesReplaced, &s.statesReplaced)
	show(s.counters.snapshotsRefused, &s.snapshotsRefused)
	show(s.counters.edgeErrors, &s.edgeErrors)
	show(s.counters.panics, &s.panics)
	lost := m.Lost() - s.lost
	s.lost += lost
	show(s.counters.lostUsages, &lost)

	requests, batches := m.Pending()
	move(s.gauges.requests, &s.requests, int64(requests))
	move(s.gauges.batches, &s.batches, int64(batches))
}

func show(c metric, n *uint64) {
	if *n > 0 {
		c.add(int64(*n))
		*n = 0
	}
}

// move changes this VM's part of a gauge.
func move(g metric, shown *int64, now int64) {
	if now != *shown {
		g.add(now - *shown)
		*shown = now
	}
}
