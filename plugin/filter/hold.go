package filter

import (
	"maps"
	"math/bits"
	"slices"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/arena"
	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// A request that nothing but the lease of a quota is missing for is held: the
// proxy pauses its stream, a report asks for the lease at once, and when the
// answer has been put into the state, or another VM has put one there, the
// request is decided anew. That is bounded in three ways. A request is held for
// at most hold_ms, and then its limits' fail mode decides. A VM holds at most
// maxHeld. And nothing is held while the last report failed, or the one under way
// has been waited for as long as a request would be: without the control plane
// the fail mode decides at once.
const maxHeld = 1024

// When nothing has come for a state in vainAfterNS, in which a recall could have
// brought something, then for vainNS nothing is held for it. That is what is so
// while all that is left of a quota is with an Envoy that went away, until that is
// written off.
const (
	vainAfterNS = 2 * second
	vainNS      = 5 * second
	// maxVain bounds how many such states are known, 100 bytes each.
	maxVain = 1024
)

// vain is what a VM remembers of a state that nothing came for.
type vain struct {
	sinceNS, untilNS int64
	granted          uint64 // then
}

// holding is the requests that a VM holds.
type holding struct {
	streams []*request      // in the order in which they came; each has a wait
	stuck   map[ilk]bool    // used in a pass over them
	vain    map[string]vain // by the keys of states that nothing came for
}

// wait is what a held request waits for.
type wait struct {
	untilNS int64
	ilk     ilk
	leases  [2]awaited
	n       int                    // of leases that are in use
	take    [limit.Measures]uint64 // of the request
	version uint64                 // of what it was last decided by
}

// awaited is a state that lacks a lease.
type awaited struct {
	holder holder
	cas    uint32 // under which it was last read
	part   *part
	quotas uint64 // rules of the part that apply
}

// ilk is what requests have in common that the same states decide alike.
type ilk struct {
	account, key, plan uint64
	endpoint, applies  uint64
	claimed            bool
}

// mayHold reports whether a request that lacks nothing but leases may wait for
// them.
func (p *plugin) mayHold(q *question) bool {
	h := &p.holding
	if !p.mayWait(q.nowNS, q.untilNS) || !q.held && len(h.streams) >= maxHeld {
		return false
	}
	if q.held || len(h.vain) == 0 {
		return true
	}
	for i := range q.parts() {
		if h.vain[string(q.asked[i].key)].untilNS > q.nowNS {
			return false
		}
	}
	return true
}

// mayWait reports whether a request may wait for a lease until a time.
func (p *plugin) mayWait(nowNS, untilNS int64) bool {
	l := &p.leasing
	slow := l.waiting && nowNS-l.sentNS >= p.config.holdMS*millisecond
	return nowNS < untilNS && l.retryNS == 0 && !slow
}

// hold pauses a request that has no answer yet. It reports false when there is
// nothing to wait for after all, as the report can't be sent.
func (r *request) hold(q *question) bool {
	again := r.wait != nil
	if !again {
		r.wait = &wait{untilNS: q.untilNS}
	}
	r.wait.note(q, r)
	r.askForLeases()
	if again {
		return true // the report is sent after the pass
	}
	h := &r.holding
	h.streams = append(h.streams, r)
	r.askAtOnce()
	if r.leasing.retryNS != 0 {
		h.streams = h.streams[:len(h.streams)-1]
		r.wait = nil
		return false
	}
	r.decision = wire.Unready // what it counts as if its client goes away
	r.stats.held++
	return true
}

// note remembers what a request was last decided by.
func (w *wait) note(q *question, r *request) {
	c := &r.caller
	w.ilk = ilk{c.account, c.key, c.plan, r.endpoint.ID, q.applies, c.claimed}
	w.version, w.take, w.n = q.version, q.take, 0
	for i := range q.parts() {
		if a := &q.asked[i]; a.applies&a.part.quotas != 0 {
			w.leases[w.n] = awaited{c.holder(a.part.subject), a.cas, a.part, a.applies & a.part.quotas}
			w.n++
		}
	}
}

// wanted returns how much of each quota the held requests need.
func (h *holding) wanted() map[wire.LeaseKey]uint64 {
	if len(h.streams) == 0 {
		return nil
	}
	wanted := map[wire.LeaseKey]uint64{}
	for _, r := range h.streams {
		w := r.wait
		if w == nil {
			continue // decided in this pass
		}
		for i := range w.leases[:w.n] {
			a := &w.leases[i]
			for set := a.quotas; set != 0; set &= set - 1 {
				rule := &a.part.rules[bits.TrailingZeros64(set)]
				wanted[wire.LeaseKey{Account: a.holder.account, Key: a.holder.key, Limit: rule.ID}] += max(1, w.take[rule.Measure])
			}
		}
	}
	return wanted
}

// waitedInVain notes that nothing came in time for a request that was held.
func (r *request) waitedInVain(q *question) {
	r.stats.heldInVain++
	if q.nowNS < q.untilNS {
		return // the report failed
	}
	h := &r.holding
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.quotas == 0 || len(h.vain) >= maxVain {
			continue
		}
		v, known := h.vain[string(a.key)]
		if granted := r.granted(q, a); !known || granted != v.granted { // by another VM's report
			v = vain{sinceNS: r.beganNS, granted: granted}
		}
		if q.nowNS-v.sinceNS >= vainAfterNS {
			v.untilNS = q.nowNS + vainNS
		}
		if h.vain == nil {
			h.vain = map[string]vain{}
		}
		h.vain[string(a.key)] = v
	}
}

// granted returns how much the state of a part has been granted.
func (r *request) granted(q *question, a *asked) (sum uint64) {
	holdings, err := limit.Holdings(r.scratch.holdings, a.state, q.request(a, q.take))
	if err != nil {
		return 0
	}
	r.scratch.holdings = holdings
	for _, h := range holdings {
		sum += h.Granted
	}
	return sum
}

// askForLeases has the next report ask for what a held request waits for.
func (r *request) askForLeases() {
	for _, a := range r.wait.leases[:r.wait.n] {
		r.leasing.touch(a.holder, asks)
	}
}

// askAtOnce sends a report from within a stream's callback.
func (r *request) askAtOnce() {
	if !r.mayCall() {
		return // by the tick
	}
	r.host.act(r.plugin.id)
	r.reportLeases(r.nowNS)
	r.host.act(r.id)
}

// releaseHeld decides those held requests anew for which something has changed,
// in their order, and reports what the others wait for.
func (p *plugin) releaseHeld(nowNS int64) {
	h := &p.holding
	maps.DeleteFunc(h.vain, func(_ string, v vain) bool { return nowNS >= max(v.untilNS, v.sinceNS+2*vainNS) })
	if len(h.streams) == 0 {
		return
	}
	if h.stuck == nil {
		h.stuck = map[ilk]bool{}
	}
	clear(h.stuck)
	defer func() { // after a fault, too
		h.streams = slices.DeleteFunc(h.streams, func(r *request) bool { return r.wait == nil })
		p.host.act(p.id)
	}()
	for _, r := range h.streams {
		if p.release(r, nowNS) {
			r.wait = nil
		} else {
			r.askForLeases()
		}
	}
}

// release decides a held request anew, unless nothing has changed. It reports
// whether the request is held no longer.
func (p *plugin) release(r *request, nowNS int64) bool {
	if r.counted || r.status != 0 {
		return true // it ended, or the proxy answered it
	}
	w := r.wait
	if p.mayWait(nowNS, w.untilNS) {
		if h := &p.holding; h.stuck[w.ilk] || !p.hasChanged(r) {
			h.stuck[w.ilk] = true
			return false
		}
	}
	if !p.host.act(r.id) {
		return true // the proxy has forgotten the stream
	}
	frame := arena.Begin()
	held := r.decideAgain(nowNS)
	frame.End()
	if held {
		p.holding.stuck[w.ilk] = true
	}
	return !held
}

// hasChanged reports whether what a held request was decided by has changed since.
func (p *plugin) hasChanged(r *request) bool {
	w := r.wait
	if w.version != p.policy.versionFor(r.caller.shard) {
		return true
	}
	for i := range w.leases[:w.n] {
		a := &w.leases[i]
		frame := arena.Begin()
		p.scratch.key = a.holder.appendKey(p.scratch.key[:0])
		_, cas, _ := p.host.getShared(p.scratch.key)
		frame.End()
		if cas != a.cas {
			return true
		}
	}
	return false
}

// decideAgain decides the request whose context is the current one as if it had
// come just now, and lets it go on or answers it. It reports whether the request
// is still held.
func (r *request) decideAgain(nowNS int64) (held bool) {
	defer func() {
		if fault := recover(); fault != nil { // see plugin.guard
			r.fault("held request", fault)
			r.refuseUnready(&fields{}, "The gateway could not decide; retry in 1 s.")
			held = false
		}
	}()
	r.nowNS = nowNS
	f := &r.scratch.fields
	f.read(r.host.requestHeaders(), r.config.keyHeader)
	if r.handle(f) == types.ActionPause {
		return !r.answered
	}
	if !r.host.resume() {
		r.warn("resume a held request", errHost)
	}
	return false
}
