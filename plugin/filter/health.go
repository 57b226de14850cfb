package filter

import (
	"math/bits"
	"strconv"

	"github.com/weirhq/weir/plugin/adapt"
	"github.com/weirhq/weir/plugin/book"
)

// An adaptive limit is scaled by a factor that all workers share, in shared data
// under h/<limit>. Each VM notes how the upstream answered the requests that the
// limit counted, adds that up there with each tick, and scales its rules by the
// factor that it finds.

const (
	// maxHealth bounds the adaptive limits that a VM follows, 100 bytes each. One
	// above that isn't tightened.
	maxHealth = 1024
	// healthEveryNS is how often a limit's factor is looked at.
	healthEveryNS = second / 2
)

// health is what a VM knows of its upstreams' health.
type health struct {
	limits     map[uint64]*limitHealth
	generation uint64 // rises when a factor changes
	nextNS     int64
}

type limitHealth struct {
	rule   adapt.Rule
	sample adapt.Sample // since the last turn
	factor uint64       // thousandths
	since  int64        // when it was found to be that
}

func newHealth() health { return health{limits: map[uint64]*limitHealth{}} }

// factor returns what a limit is scaled by and since when, and begins to follow it.
func (h *health) factor(l *book.Limit) (thousandths uint64, since int64) {
	x := h.limits[l.ID]
	if x == nil {
		if len(h.limits) >= maxHealth {
			return adapt.Whole, 0
		}
		x = &limitHealth{factor: adapt.Whole}
		h.limits[l.ID] = x
		h.nextNS = 0
	}
	x.rule = adapt.Rule{
		ErrorPercent: l.Adaptive.ErrorPercent, SlowMS: l.Adaptive.SlowMS,
		SlowPercent: l.Adaptive.SlowPercent, FloorPercent: l.Adaptive.FloorPercent,
	}
	return x.factor, x.since
}

// note counts a finished request for the adaptive limits that applied to it.
func (h *health) note(r *request, durationUS uint64) {
	for set := r.adaptive; set != 0; set &= set - 1 {
		x := h.limits[r.plan.limits[bits.TrailingZeros64(set)].ID]
		if x == nil {
			continue
		}
		x.sample.Requests++
		if r.status >= 500 {
			x.sample.Errors++
		}
		if x.rule.SlowMS != 0 && durationUS >= uint64(x.rule.SlowMS)*1000 {
			x.sample.Slow++
		}
	}
}

// turn adds what was noted to shared data and takes up the factors found there.
func (h *health) turn(p *plugin, nowNS int64) {
	if nowNS < h.nextNS || len(h.limits) == 0 {
		return
	}
	h.nextNS = nowNS + healthEveryNS
	tightened := 0
	for id, x := range h.limits {
		before := x.factor
		p.observeHealth(id, x, nowNS)
		if x.factor != before {
			h.generation++
			x.since = nowNS
		}
		if x.factor < adapt.Whole {
			tightened++
		}
	}
	p.stats.setTightened(tightened)
}

func (p *plugin) observeHealth(id uint64, x *limitHealth, nowNS int64) {
	key := strconv.AppendUint(append(p.scratch.key[:0], "weir/h/"...), id, 10)
	p.scratch.key = key
	for range maxSwaps {
		state, cas, found := p.host.getShared(key)
		if !found {
			state = nil
		}
		if x.sample.Requests == 0 {
			x.factor = adapt.Factor(state, x.rule, nowNS)
			return
		}
		next := adapt.Observe(p.scratch.state, state, x.rule, nowNS, x.sample)
		p.scratch.state = next
		if p.host.setShared(key, next, cas) {
			x.sample, x.factor = adapt.Sample{}, adapt.Factor(next, x.rule, nowNS)
			return
		}
		p.stats.swapRetries++
	}
}
