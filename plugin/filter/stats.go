package filter

import (
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// stats adds up what happened in a VM until the next tick, so that a request
// needs no call for it. Envoy shows them below wasmcustom, summed over all VMs.
// No name has an account or a key in it, so there is a fixed number of them.
// A VM that ends leaves its part of the gauges of pending usage and of requests
// held behind: they are lost.
type stats struct {
	decisions       [len(decisionNames)]uint64
	verdicts        [len(verdictNames)]uint64
	swapRetries     uint64 // another worker changed the state meanwhile
	swapsExhausted  uint64 // requests that gave up because of too many of those
	statesReplaced  uint64 // states that another program wrote
	policiesRefused uint64
	edgeErrors      uint64
	panics          uint64
	grants          uint64 // leases that changed a state
	unsettled       uint64 // stream ends that could not be charged
	costsRefused    uint64 // costs that the upstream declared and that aren't valid
	amountsRefused  uint64 // that the upstream declared for custom meters and that aren't valid
	held            uint64 // requests that had to wait for a lease
	heldInVain      uint64 // of those, decided by the fail mode after all

	reportFailing bool   // the last message to the edge failed
	lost          uint64 // shown already
	lostVerdicts  uint64 // shown already
	requests      int64  // pending, shown already
	batches       int64
	holding       int64

	counters struct {
		decisions                                     [len(decisionNames)]metric
		verdicts                                      [len(verdictNames)]metric
		swapRetries, swapsExhausted, statesReplaced   metric
		policiesRefused, edgeErrors, panics, lost     metric
		grants, unsettled, costsRefused, lostVerdicts metric
		amountsRefused, held, heldInVain              metric
	}
	gauges struct{ version, age, leaseAge, tightened, requests, batches, holding metric }
}

var decisionNames = [...]string{
	wire.Allowed:         "weir.decisions.allowed",
	wire.Throttled:       "weir.decisions.throttled",
	wire.Unauthenticated: "weir.decisions.unauthenticated",
	wire.Forbidden:       "weir.decisions.forbidden",
	wire.Unready:         "weir.decisions.unready",
}

var verdictNames = [...]string{
	wire.Denied:     "weir.limits.denied",
	wire.Over:       "weir.limits.over",
	wire.Shadowed:   "weir.limits.shadowed",
	wire.FailedOpen: "weir.limits.failed_open",
}

func defineStats() (s stats) {
	for d, name := range decisionNames {
		if name != "" {
			s.counters.decisions[d] = defineCounter(name)
		}
	}
	for v, name := range verdictNames {
		if name != "" {
			s.counters.verdicts[v] = defineCounter(name)
		}
	}
	c := &s.counters
	c.swapRetries = defineCounter("weir.swap.retries")
	c.swapsExhausted = defineCounter("weir.swap.exhausted")
	c.statesReplaced = defineCounter("weir.state.replaced")
	c.policiesRefused = defineCounter("weir.snapshot.refused")
	c.edgeErrors = defineCounter("weir.edge.errors")
	c.panics = defineCounter("weir.panics")
	c.lost = defineCounter("weir.usage.lost")
	c.lostVerdicts = defineCounter("weir.usage.lost_verdicts")
	c.grants = defineCounter("weir.leases.granted")
	c.unsettled = defineCounter("weir.settle.failed")
	c.costsRefused = defineCounter("weir.settle.invalid_cost")
	c.amountsRefused = defineCounter("weir.meters.invalid_amount")
	c.held = defineCounter("weir.held.requests")
	c.heldInVain = defineCounter("weir.held.timed_out")
	s.gauges.holding = defineGauge("weir.held.waiting")
	s.gauges.version = defineGauge("weir.snapshot.version")
	s.gauges.age = defineGauge("weir.snapshot.age_ms")
	s.gauges.leaseAge = defineGauge("weir.leases.age_ms")
	s.gauges.tightened = defineGauge("weir.adaptive.tightened")
	s.gauges.requests = defineGauge("weir.usage.pending_requests")
	s.gauges.batches = defineGauge("weir.usage.pending_batches")
	return s
}

func (s *stats) count(d wire.Decision) {
	if int(d) < len(s.decisions) {
		s.decisions[d]++
	}
}

func (s *stats) judge(v wire.Verdict) {
	if int(v) < len(s.verdicts) {
		s.verdicts[v]++
	}
}

// setVersion shows the newest version of the policy that a VM uses.
func (s *stats) setVersion(v uint64) { s.gauges.version.set(v) }

// setAges shows how long ago the edge last said that the policy is the newest,
// and last renewed the leases. Only the fetching VM knows the first one.
func (s *stats) setAges(policyNS, leasesNS int64) {
	s.gauges.age.set(uint64(max(policyNS, 0)) / millisecond)
	s.gauges.leaseAge.set(uint64(max(leasesNS, 0)) / millisecond)
}

// setTightened shows how many adaptive limits are below their full amount.
func (s *stats) setTightened(n int) { s.gauges.tightened.set(uint64(n)) }

// publish shows what happened since the last time.
func (s *stats) publish(m *meter.Meter) {
	c := &s.counters
	for d := range s.decisions {
		show(c.decisions[d], &s.decisions[d])
	}
	for v := range s.verdicts {
		show(c.verdicts[v], &s.verdicts[v])
	}
	for _, n := range [...]struct {
		of metric
		n  *uint64
	}{
		{c.swapRetries, &s.swapRetries}, {c.swapsExhausted, &s.swapsExhausted}, {c.statesReplaced, &s.statesReplaced},
		{c.policiesRefused, &s.policiesRefused}, {c.edgeErrors, &s.edgeErrors}, {c.panics, &s.panics},
		{c.grants, &s.grants}, {c.unsettled, &s.unsettled}, {c.costsRefused, &s.costsRefused},
		{c.amountsRefused, &s.amountsRefused}, {c.held, &s.held}, {c.heldInVain, &s.heldInVain},
	} {
		show(n.of, n.n)
	}
	showTotal(c.lost, &s.lost, m.Lost())
	showTotal(c.lostVerdicts, &s.lostVerdicts, m.LostVerdicts())
	requests, batches := m.Pending()
	move(s.gauges.requests, &s.requests, int64(requests))
	move(s.gauges.batches, &s.batches, int64(batches))
}

// showHeld shows how many requests this VM holds.
func (s *stats) showHeld(n int) { move(s.gauges.holding, &s.holding, int64(n)) }

func show(c metric, n *uint64) {
	if *n > 0 {
		c.add(int64(*n))
		*n = 0
	}
}

// showTotal brings a counter up to a total.
func showTotal(c metric, shown *uint64, total uint64) {
	more := total - *shown
	*shown = total
	show(c, &more)
}

// move changes this VM's part of a gauge.
func move(g metric, shown *int64, now int64) {
	if now != *shown {
		g.add(now - *shown)
		*shown = now
	}
}
