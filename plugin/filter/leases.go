package filter

import (
	"slices"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// A quota is spent from a lease, an advance that the control plane's ledger gives
// to this Envoy process. Each VM reports the leases of the subjects whose quotas
// it has touched: with the next tick when a decision asked for more, else once a
// second, or more often when the ledger says that others may want them. It reports
// at once when a request is held for one, see hold.go, or some was recalled.
// Reports carry cumulative numbers out of shared data, so that it doesn't matter
// which VM sends them, or how often. Replies are put into the subjects' states.
const (
	leaseReportNS    = second
	leaseAskNS       = second / 4
	leaseAgainNS     = 9 * second // after its last use, and not before that is no longer recent
	leaseTimeoutMS   = 5_000
	leaseFirstRetry  = 250 * millisecond
	leaseLastRetryNS = 2 * second
	// Reports that somebody waits for are sent at once, but a VM sends at most 20 a
	// second: askBurst one after the other, and then one each askEveryNS.
	askEveryNS = 62_500_000
	askBurst   = 4
	// maxTouched bounds the subjects between two reports; each takes 100 bytes.
	// The rest is reported when its next request has touched it.
	maxTouched = 4096
	// maxIdle bounds the subjects to report once again.
	maxIdle = 8192
)

// leasedKey is where shared data says when the last report that was answered had
// been sent, monotonic clock, and within what time another is due, both in
// nanoseconds. A lease counts beyond that: of a process that the ledger doesn't
// hear of it writes off what the process may still use, and gives it to nobody.
var leasedKey = []byte("weir/leased")

const leasedBytes = 16

// holder is a subject with quotas.
type holder struct {
	account, key uint64 // key is 0 for the account's own state
	plan         uint64
	epoch        uint32
	claimed      bool
}

// claimedPlan returns the plan that a claim put the subject on, or 0.
func (h *holder) claimedPlan() uint64 {
	if h.claimed {
		return h.plan
	}
	return 0
}

// touch is why a subject is reported.
type touch uint8

const (
	shows touch = iota // what it holds has changed, or it is idle
	uses
	asks
)

// leasing is what a VM knows of leases.
type leasing struct {
	touched map[holder]touch // since the last report
	asks    bool             // some of them do
	gives   bool             // some are being recalled, which somebody waits for
	askNS   int64            // what reports that ask are paced by, see mayAsk
	sent    map[holder]touch // in the report under way
	sentNS  int64
	idle    map[holder]int64 // when to report once again what was used last before
	idleNS  int64            // when to look at them next
	waiting bool
	nextNS  int64 // nothing is sent before
	retryNS int64

	renewedNS, ttlNS int64 // as in shared data at the last tick; 0 before the first reply
}

func newLeasing() leasing { return leasing{touched: map[holder]touch{}, idle: map[holder]int64{}} }

// leaseAsked notes the quotas that a decision touched.
func (r *request) leaseAsked(q *question) {
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.quotas == 0 || !a.d.Allowed && a.d.Ask == 0 {
			continue
		}
		why := uses
		if a.d.Ask != 0 {
			why = asks
		}
		r.leasing.touch(r.caller.holder(a.part.subject), why)
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

func (l *leasing) touch(h holder, why touch) {
	before, known := l.touched[h]
	if known && before >= why || !known && len(l.touched) >= maxTouched {
		return
	}
	l.touched[h] = why
	l.asks = l.asks || why == asks
}

// touchIdle has those reported that weren't used for long.
func (l *leasing) touchIdle(nowNS int64) {
	if nowNS < l.idleNS {
		return
	}
	l.idleNS = nowNS + second
	for h, dueNS := range l.idle {
		if nowNS >= dueNS {
			delete(l.idle, h)
			l.touch(h, shows)
		}
	}
}

// noteSent notes which subjects of a report that was answered are to be reported
// again when they are idle.
func (l *leasing) noteSent(nowNS int64) {
	for h, why := range l.sent {
		_, known := l.idle[h]
		if why != shows && (known || len(l.idle) < maxIdle) {
			l.idle[h] = nowNS + leaseAgainNS
		}
	}
	l.sent = nil
}

// reportLeases sends a report, if one is due. The fetching VM sends one for its
// own sake now and then, so that the process keeps leases that it doesn't use.
func (p *plugin) reportLeases(nowNS int64) {
	l := &p.leasing
	if l.waiting && nowNS-l.sentNS < 2*leaseTimeoutMS*millisecond || nowNS < l.nextNS {
		return
	}
	l.touchIdle(nowNS)
	waits := l.gives || l.asks && len(p.holding.streams) > 0
	asked := waits && l.mayAsk(nowNS) || l.asks && nowNS-l.sentNS >= leaseAskNS
	used := len(l.touched) > 0 && nowNS-l.sentNS >= leaseReportNS
	idle := p.fetcher.chosen && l.renewedNS != 0 && nowNS-max(l.renewedNS, l.sentNS) >= l.ttlNS/4
	if !asked && !used && !idle {
		return
	}
	body, sent, err := p.leaseReport(nowNS)
	if err != nil {
		p.warn("encode lease report", err)
		l.touched, l.asks = map[holder]touch{}, false
		return
	}
	l.sent, l.sentNS, l.waiting = sent, nowNS, true
	l.askNS = max(l.askNS, nowNS) + askEveryNS
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

// mayAsk reports whether a report may be sent just because somebody waits for it.
func (l *leasing) mayAsk(nowNS int64) bool {
	return l.askNS-nowNS <= (askBurst-1)*askEveryNS
}

// leaseReport encodes what the touched subjects hold, and takes them off the list.
func (p *plugin) leaseReport(nowNS int64) (body []byte, sent map[holder]touch, err error) {
	l := &p.leasing
	report := wire.LeaseReport{Process: wire.ProcessID(p.process), Node: p.config.node}
	sent = map[holder]touch{}
	wanted := p.holding.wanted()
	for h, why := range l.touched {
		if len(report.Held)+limit.MaxRules > wire.MaxHeldLeases {
			break
		}
		report.Held = p.appendHeld(report.Held, h, why == asks, wanted, nowNS)
		sent[h] = why
		delete(l.touched, h)
	}
	l.asks = len(l.touched) > 0
	l.gives = l.gives && l.asks
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

func (p *plugin) appendHeld(held []wire.HeldLease, h holder, asks bool, wanted map[wire.LeaseKey]uint64, nowNS int64) []wire.HeldLease {
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
	const most = wire.MaxLeaseAmount
	for _, n := range holdings {
		key := wire.LeaseKey{Account: h.account, Key: h.key, Limit: n.Limit}
		held = append(held, wire.HeldLease{
			LeaseKey: key, Plan: h.claimedPlan(), Epoch: n.Epoch, Born: n.Born, Start: n.Start,
			Granted: min(n.Granted, most), Used: min(n.Used, most), Refunded: min(n.Refunded, n.Used, most), Revision: n.Revision,
			NextStart: n.NextStart, NextGranted: min(n.NextGranted, most),
			Asks: asks, Wants: min(wanted[key], most), Recent: min(n.Recent, most),
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
