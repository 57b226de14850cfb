package filter

import (
	"encoding/binary"
	"slices"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// A quota is spent from a lease, an advance that the control plane's ledger gives
// to this Envoy process. Each VM reports the leases of the subjects whose quotas
// it has touched: at once when a decision asked for more, else once a second.
// Reports carry cumulative numbers out of shared data, so that it doesn't matter
// which VM sends them, or how often. Replies are put into the subjects' states.
const (
	leaseReportNS    = second
	leaseTimeoutMS   = 5_000
	leaseFirstRetry  = 250 * millisecond
	leaseLastRetryNS = 2 * second
	// maxTouched bounds the subjects between two reports; each takes 100 bytes.
	// The rest is reported when its next request has touched it.
	maxTouched = 4096
)

// leasedKey is where shared data says until when the leases count: when the last
// report that was answered had been sent, monotonic clock, and for how long, both
// in nanoseconds.
var leasedKey = []byte("weir/leased")

const leasedBytes = 16

// holder is a subject with quotas.
type holder struct {
	account, key uint64 // key is 0 for the account's own state
	plan         uint64
	epoch        uint32
	claimed      bool
}

// leasing is what a VM knows of leases.
type leasing struct {
	touched map[holder]bool // since the last report; whether it asks
	asks    bool            // some of them do
	sent    map[holder]bool // in the report under way
	sentNS  int64
	waiting bool
	nextNS  int64 // nothing is sent before
	retryNS int64

	renewedNS, ttlNS int64 // as in shared data at the last tick; 0 before the first reply
}

func newLeasing() leasing { return leasing{touched: map[holder]bool{}} }

// stale reports whether the process's leases may have been given to others: they
// weren't renewed in time. The ledger waits longer than this.
func (l *leasing) stale(nowNS int64) bool {
	return l.renewedNS != 0 && nowNS-l.renewedNS > l.ttlNS-l.ttlNS/8
}

// leaseAsked notes the quotas that a decision touched.
func (r *request) leaseAsked(q *question) {
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.quotas == 0 || !a.d.Allowed && a.d.Ask == 0 {
			continue
		}
		r.leasing.touch(r.caller.holder(a.part.subject), a.d.Ask != 0)
	}
}

// holder returns the subject of a caller's quotas.
func (c *caller) holder(of subject) holder {
	h := holder{account: c.account, plan: c.plan, epoch: c.epoch, claimed: c.claimed}
	if of == ofKey {
		h.key = c.key
	}
	return h
}

func (l *leasing) touch(h holder, asks bool) {
	before, known := l.touched[h]
	if known && (before || !asks) || !known && len(l.touched) >= maxTouched {
		return
	}
	l.touched[h] = asks
	l.asks = l.asks || asks
}

// reportLeases sends a report, if one is due. The fetching VM sends one for its
// own sake now and then, so that the process keeps leases that it doesn't use.
func (p *plugin) reportLeases(nowNS int64) {
	l := &p.leasing
	if l.waiting && nowNS-l.sentNS < 2*leaseTimeoutMS*millisecond || nowNS < l.nextNS {
		return
	}
	used := len(l.touched) > 0 && nowNS-l.sentNS >= leaseReportNS
	idle := p.fetcher.chosen && l.renewedNS != 0 && nowNS-max(l.renewedNS, l.sentNS) >= l.ttlNS/4
	if !l.asks && !used && !idle {
		return
	}
	body, sent, err := p.leaseReport(nowNS)
	if err != nil {
		p.warn("encode lease report", err)
		l.touched, l.asks = map[holder]bool{}, false
		return
	}
	l.sent, l.sentNS, l.waiting = sent, nowNS, true
	err = call(p.config.edgeCluster, [][2]string{
		{":method", "POST"},
		{":path", "/edge/v1/leases"},
		{":authority", edgeAuthority},
		{"content-type", "application/vnd.weir.leases"},
		{"authorization", p.bearer},
	}, body, leaseTimeoutMS, func(status int, body []byte) { p.leased(nowNS, status, body) })
	if err != nil {
		p.leasesFailed(nowNS, err)
	}
}

// leaseReport encodes what the touched subjects hold, and takes them off the list.
func (p *plugin) leaseReport(nowNS int64) (body []byte, sent map[holder]bool, err error) {
	l := &p.leasing
	report := wire.LeaseReport{Process: wire.ProcessID(p.process), Node: p.config.node}
	sent = map[holder]bool{}
	for h, asks := range l.touched {
		if len(report.Held)+limit.MaxRules > wire.MaxHeldLeases {
			break
		}
		report.Held = p.appendHeld(report.Held, h, asks, nowNS)
		sent[h] = asks
		delete(l.touched, h)
	}
	l.asks = len(l.touched) > 0
	report.Held = distinct(report.Held)
	body, err = wire.EncodeLeaseReport(nil, &report)
	return body, sent, err
}

// distinct sorts leases and leaves out copies: two holders may be the same subject
// under another plan or epoch. What one of them asks for is asked for.
func distinct(held []wire.HeldLease) []wire.HeldLease {
	slices.SortFunc(held, func(x, y wire.HeldLease) int { return x.Compare(y.LeaseKey) })
	kept := held[:0]
	for _, h := range held {
		if n := len(kept); n > 0 && kept[n-1].LeaseKey == h.LeaseKey {
			kept[n-1].Asks = kept[n-1].Asks || h.Asks
			continue
		}
		kept = append(kept, h)
	}
	return kept
}

func (p *plugin) appendHeld(held []wire.HeldLease, h holder, asks bool, nowNS int64) []wire.HeldLease {
	p.scratch.key = h.appendKey(p.scratch.key[:0])
	state, _, found := p.host.getShared(p.scratch.key)
	if !found {
		return held
	}
	holdings, err := limit.Holdings(p.scratch.holdings, state, p.leaseRequest(h, nowNS))
	if err != nil {
		p.warn("read state "+string(p.scratch.key), err)
		return held
	}
	p.scratch.holdings = holdings
	for _, n := range holdings {
		held = append(held, wire.HeldLease{
			LeaseKey: wire.LeaseKey{Account: h.account, Key: h.key, Limit: n.Limit},
			Born:     n.Born, Start: n.Start,
			Granted: min(n.Granted, wire.MaxLeaseAmount), Used: min(n.Used, wire.MaxLeaseAmount), Revision: n.Revision,
			NextStart: n.NextStart, NextGranted: min(n.NextGranted, wire.MaxLeaseAmount), Asks: asks,
		})
	}
	return held
}

func (h *holder) appendKey(dst []byte) []byte {
	c := caller{account: h.account, key: h.key, plan: h.plan, claimed: h.claimed}
	if h.key != 0 {
		return appendStateKey(dst, ofKey, &c)
	}
	return appendStateKey(dst, ofAccount, &c)
}

func (p *plugin) leaseRequest(h holder, nowNS int64) limit.Request {
	return limit.Request{Version: p.policy.version, Epoch: h.epoch, Now: nowNS, Wall: p.wallSeconds(nowNS)}
}

// leased takes the answer to the report that was sent at sentNS.
func (p *plugin) leased(sentNS int64, status int, body []byte) {
	defer p.guard("leases")
	now, l := p.system.MonotonicNS(), &p.leasing
	if !l.waiting || l.sentNS != sentNS {
		return // it was given up
	}
	if status != 200 {
		p.leasesFailed(now, statusError(status))
		return
	}
	reply, err := wire.DecodeLeaseReply(body)
	if err != nil {
		p.leasesFailed(now, err)
		return
	}
	l.waiting, l.nextNS, l.retryNS = false, 0, 0
	p.renewLeases(sentNS, int64(reply.TTLSeconds)*second)
	for len(reply.Leases) > 0 {
		n := 1
		first := reply.Leases[0].LeaseKey
		for n < len(reply.Leases) && reply.Leases[n].Account == first.Account && reply.Leases[n].Key == first.Key {
			n++
		}
		p.grant(reply.Leases[:n], now)
		reply.Leases = reply.Leases[n:]
	}
	l.sent = nil
}

// leasesFailed keeps what the report was about for the next one.
func (p *plugin) leasesFailed(nowNS int64, err error) {
	l := &p.leasing
	if l.retryNS == 0 {
		p.warn("report leases", err)
	}
	p.stats.edgeErrors++
	l.waiting = false
	for h, asks := range l.sent {
		l.touch(h, asks)
	}
	l.sent = nil
	l.retryNS = min(max(2*l.retryNS, leaseFirstRetry), leaseLastRetryNS)
	l.nextNS = nowNS + l.retryNS/2 + int64(p.random())%(l.retryNS/2)
}

// renewLeases lets all VMs know that the leases count from then on for so long.
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

// lookAtLeases reads until when the leases count.
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
	named := false
	for h := range p.leasing.sent {
		if h.account == grants[0].Account && h.key == grants[0].Key {
			named = true
			p.grantTo(h, leases, nowNS)
		}
	}
	if !named { // a recall
		p.grantTo(holder{account: grants[0].Account, key: grants[0].Key}, leases, nowNS)
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
		if p.host.setShared(key, next, cas) {
			p.stats.grants++
			p.leasing.touch(h, false)
			return
		}
		p.stats.swapRetries++
	}
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
