package filter_test

import (
	"io"
	"net/http"

	"github.com/weirhq/weir/plugin/wire"
)

// ledger gives one process all that it asks of its quotas, in parts, and never
// more than there is.
type ledger struct {
	quotas  map[uint64]*quota // by limit
	reports int
	silent  bool          // answers nobody
	gate    chan struct{} // answers once it is closed; nil: at once
}

type quota struct {
	start, end int64 // Unix seconds
	amount     uint64
	graced     bool   // what is over is let through for a time
	part       uint64 // granted at a time
	granted    uint64
	used       uint64 // as last reported
	revision   uint64
}

func (e *fakeEdge) serveLeases(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the test has stopped the edge
	}
	report, err := wire.DecodeLeaseReport(body)
	if err != nil {
		e.Errorf("lease report: %v", err)
		return
	}
	e.mu.Lock()
	gate := e.ledger.gate
	e.mu.Unlock()
	if gate != nil {
		<-gate
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ledger.silent {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	e.ledger.reports++
	reply := wire.LeaseReply{TTLSeconds: 30}
	for _, h := range report.Held {
		q := e.ledger.quotas[h.Limit]
		if q == nil {
			continue
		}
		q.used = max(q.used, h.Used)
		if h.Asks && h.Granted == q.granted { // a worker that says otherwise hasn't heard of the last grant
			q.granted = min(q.granted+q.part, q.amount)
			q.revision++
		}
		reply.Leases = append(reply.Leases, wire.LeaseGrant{
			LeaseKey: h.LeaseKey, Born: h.Born, Revision: q.revision, Start: q.start, End: q.end,
			Granted: q.granted, Remaining: q.amount - min(q.used, q.amount), Spent: q.used >= q.amount && !q.graced,
		})
	}
	encoded, err := wire.EncodeLeaseReply(nil, &reply)
	if err != nil {
		e.Errorf("lease reply: %v", err)
	}
	w.Write(encoded)
}
