package filter

import (
	"strconv"

	"github.com/weirhq/weir/plugin/limit"
)

// settling is what a stream has to remember of its admission so that its end can
// be charged. It is empty for plans without limits by bytes or cost and without
// refunds, and then nothing is done at the end.
type settling struct {
	s       limit.Settlement
	take    [limit.Measures]uint64
	charges [2]settlingPart
	n       int
}

type settlingPart struct {
	part                    *part
	applies, over, shadowed uint64
}

// remember keeps of an admission what its settlement needs.
func (r *request) remember(q *question) {
	r.settling.n = 0
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.settled == 0 {
			continue
		}
		r.settling.charges[r.settling.n] = settlingPart{a.part, a.applies & a.part.settled, a.d.Over, a.d.Shadowed}
		r.settling.n++
	}
	if r.settling.n > 0 {
		r.settling.s, r.settling.take = q.settlement(), q.take
	}
}

// settle charges, at the end of the stream, the bytes that it took and the cost
// that the upstream declared, or gives back what the request took if it failed
// and the limit says so.
func (r *request) settle(nowNS int64, moved uint64) {
	s := &r.settling
	s.s.Now, s.s.Wall = nowNS, r.wallSeconds(nowNS)
	failed := r.status >= 500 && !r.answered
	for i := range s.charges[:s.n] {
		c := &s.charges[i]
		refunded := uint64(0)
		if failed {
			refunded = c.applies & c.part.refund
		}
		key := appendStateKey(r.scratch.key[:0], c.part.subject, &r.caller)
		r.scratch.key = key
		if charged := c.applies &^ refunded; charged != 0 {
			d := s.s
			d.Applies, d.Over, d.Shadowed = charged, c.over, c.shadowed
			d.Delta[limit.Bytes] = int64(moved)
			if r.costDeclared {
				d.Delta[limit.Cost] = int64(r.cost) - int64(s.take[limit.Cost])
			}
			r.settleState(key, c.part, r.caller.address, d)
		}
		if refunded != 0 {
			d := s.s
			d.Applies, d.Over, d.Shadowed = refunded, c.over, c.shadowed
			for m, n := range s.take {
				d.Delta[m] = -int64(n)
			}
			r.settleState(key, c.part, r.caller.address, d)
		}
		if c.applies&c.part.quotas != 0 {
			r.leasing.touch(r.caller.holder(c.part.subject), uses)
		}
	}
}

// settleState charges a settlement to a state. One that nobody can read, or that
// changes too often, isn't charged, and the stats say so.
func (p *plugin) settleState(key []byte, part *part, address uint64, s limit.Settlement) {
	if s.Delta == [limit.Measures]int64{} {
		return
	}
	for range maxSwaps {
		value, cas, found := p.host.getShared(key)
		if !found {
			return
		}
		next, changed, err := p.settleOn(value, part, address, s)
		if err != nil {
			p.stats.unsettled++
			p.warn("settle "+string(key), err)
			return
		}
		if !changed || p.host.setShared(key, next, cas) {
			return
		}
		p.stats.swapRetries++
	}
	p.stats.unsettled++
}

func (p *plugin) settleOn(value []byte, part *part, address uint64, s limit.Settlement) ([]byte, bool, error) {
	b := &p.scratch
	if part.subject != ofAddress {
		next, changed, err := limit.Settle(b.state, value, s, part.rules)
		if err == nil {
			b.state = next
		}
		return next, changed, err
	}
	req := limit.Request{Version: s.Version, Epoch: s.Epoch, Now: s.Now, Wall: s.Wall, Applies: s.Applies}
	state, place, err := limit.Locate(b.table, value, address, req, part.rules)
	if err != nil {
		return nil, false, err
	}
	if place.Shared { // it may not be this address' own any more
		for m := range s.Delta {
			s.Delta[m] = max(s.Delta[m], 0)
		}
	}
	next, changed, err := limit.Settle(b.state, state, s, part.rules)
	if err != nil || !changed {
		return nil, false, err
	}
	b.state = next
	b.table, err = limit.Store(b.table, value, place, next)
	return b.table, true, err
}

// maxCost bounds the cost that an upstream may declare for one request.
const maxCost = 1_000_000_000

// declaredCost reads the upstream's cost field. One that isn't a whole number
// within bounds counts as none.
func declaredCost(v []byte) (cost uint64, ok bool) {
	if len(v) == 0 || len(v) > 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(view(v), 10, 64)
	return n, err == nil && n <= maxCost
}
