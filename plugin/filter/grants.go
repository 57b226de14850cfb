package filter

import (
	"encoding/binary"
	"slices"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// leased takes the answer to the report that was sent at sentNS.
func (p *plugin) leased(sentNS int64, status int, body []byte) {
	defer p.guard("leases")
	now, l := p.system.MonotonicNS(), &p.leasing
	if !l.waiting || l.sentNS != sentNS {
		return // it was given up
	}
	if err := p.takeLeases(sentNS, status, body, now); err != nil {
		p.leasesFailed(now, err)
	}
	p.releaseHeld(now)
	if len(p.holding.streams) > 0 || l.gives {
		p.reportLeases(now)
	}
}

// takeLeases puts what was granted into shared data.
func (p *plugin) takeLeases(sentNS int64, status int, body []byte, now int64) error {
	if status != 200 {
		return statusError(status)
	}
	reply, err := wire.DecodeLeaseReply(body)
	if err != nil {
		return err
	}
	l := &p.leasing
	l.waiting, l.nextNS, l.retryNS = false, 0, 0
	p.renewLeases(sentNS, int64(reply.TTLSeconds)*second)
	for len(reply.Leases) > 0 {
		n := 1
		first := &reply.Leases[0]
		for n < len(reply.Leases) && reply.Leases[n].Account == first.Account && reply.Leases[n].Key == first.Key && reply.Leases[n].Plan == first.Plan {
			n++
		}
		p.grant(reply.Leases[:n], now)
		reply.Leases = reply.Leases[n:]
	}
	l.noteSent(now)
	return nil
}

// leasesFailed keeps what the report was about for the next one.
func (p *plugin) leasesFailed(nowNS int64, err error) {
	l := &p.leasing
	if l.retryNS == 0 {
		p.warn("report leases", err)
	}
	p.stats.edgeErrors++
	l.waiting = false
	for h, why := range l.sent {
		l.touch(h, why)
	}
	l.sent = nil
	l.retryNS = min(max(2*l.retryNS, leaseFirstRetry), leaseLastRetryNS)
	l.nextNS = nowNS + l.retryNS/2 + int64(p.random())%(l.retryNS/2)
}

// renewLeases lets all VMs know when a report was answered, and when another is due.
func (p *plugin) renewLeases(fromNS, ttlNS int64) {
	for range maxSwaps {
		value, cas, found := p.host.getShared(leasedKey)
		if found && len(value) == leasedBytes && int64(binary.LittleEndian.Uint64(value)) >= fromNS {
			break
		}
		next := binary.LittleEndian.AppendUint64(make([]byte, 0, leasedBytes), uint64(fromNS))
		if p.host.setShared(leasedKey, binary.LittleEndian.AppendUint64(next, uint64(ttlNS)), cas) {
			break
		}
	}
	p.lookAtLeases()
}

// lookAtLeases reads when another report is due.
func (p *plugin) lookAtLeases() {
	if value, _, found := p.host.getShared(leasedKey); found && len(value) == leasedBytes {
		p.leasing.renewedNS = int64(binary.LittleEndian.Uint64(value))
		p.leasing.ttlNS = int64(binary.LittleEndian.Uint64(value[8:]))
	}
}

// grant puts the leases of one account, or of one key, into the states that hold
// them. What changes is named in the next report.
func (p *plugin) grant(grants []wire.LeaseGrant, nowNS int64) {
	leases := p.scratch.leases[:0]
	for _, g := range grants {
		leases = append(leases, limit.Lease{
			Limit: g.Limit, Born: g.Born, Revision: g.Revision, Start: g.Start, End: g.End,
			Granted: g.Granted, Remaining: g.Remaining, Spent: g.Spent,
			NextStart: g.NextStart, NextEnd: g.NextEnd, NextGranted: g.NextGranted,
		})
	}
	p.scratch.leases = leases
	named, to := false, &grants[0]
	for h := range p.leasing.sent {
		if h.account == to.Account && h.key == to.Key {
			named = named || h.claimedPlan() == to.Plan
			p.grantTo(h, leases, nowNS)
		}
	}
	if !named { // a recall
		p.grantTo(holder{account: to.Account, key: to.Key, plan: to.Plan, claimed: to.Plan != 0}, leases, nowNS)
	}
}

func (p *plugin) grantTo(h holder, leases []limit.Lease, nowNS int64) {
	key := h.appendKey(p.scratch.key[:0])
	p.scratch.key = key
	for range maxSwaps {
		state, cas, found := p.host.getShared(key)
		if !found {
			return
		}
		req := p.leaseRequest(h, nowNS)
		next, changed, err := limit.Grant(p.scratch.state, state, req, p.credible(leases, state, req), nil)
		if err != nil {
			p.warn("grant to "+string(key), err)
			return
		}
		p.scratch.state = next
		if !changed {
			return
		}
		more, less := p.compare(leases, state, req)
		if p.host.setShared(key, next, cas) {
			p.stats.grants++
			if more {
				delete(p.holding.vain, string(key))
			}
			p.leasing.touch(h, shows)
			p.leasing.gives = p.leasing.gives || less
			return
		}
		p.stats.swapRetries++
	}
}

// compare reports whether leases are of more than the state holds, or take some of
// it back.
func (p *plugin) compare(leases []limit.Lease, state []byte, req limit.Request) (more, less bool) {
	holdings, err := limit.Holdings(p.scratch.holdings, state, req)
	if err != nil {
		return false, false
	}
	p.scratch.holdings = holdings
	for _, l := range leases {
		for _, h := range holdings {
			if h.Limit == l.Limit {
				more = more || l.Granted > 0 && l.Start > h.Start || l.Start == h.Start && l.Granted > h.Granted
				less = less || l.Start == h.Start && l.Granted < h.Granted && l.Revision > h.Revision
			}
		}
	}
	return more, less
}

// credible leaves out the leases that no report named and that aren't recalls of
// what the state holds.
func (p *plugin) credible(leases []limit.Lease, state []byte, req limit.Request) []limit.Lease {
	named := !slices.ContainsFunc(leases, func(l limit.Lease) bool { return l.Born == 0 })
	if named {
		return leases
	}
	holdings, err := limit.Holdings(p.scratch.holdings, state, req)
	if err != nil {
		return nil
	}
	p.scratch.holdings = holdings
	var kept []limit.Lease
	for _, l := range leases {
		recall := slices.ContainsFunc(holdings, func(h limit.Holding) bool {
			return h.Limit == l.Limit && h.Start == l.Start && h.Granted >= l.Granted
		})
		if l.Born != 0 || recall {
			kept = append(kept, l)
		}
	}
	return kept
}
