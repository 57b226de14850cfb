package filter

import (
	"math/bits"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// verdicts is what single limits said of a request when that wasn't a plain yes.
// They are counted at the end of its stream.
type verdicts struct {
	any   bool
	soft  bool // there are soft limits among those that apply
	over  bool
	take  [limit.Measures]uint64
	parts [2]partVerdicts
}

type partVerdicts struct {
	part                           *part
	over, shadowed, failed, denied uint64 // sets of rules
}

// judgeLimits notes the verdicts of a decision.
func (r *request) judgeLimits(q *question) {
	v := &r.verdicts
	*v = verdicts{take: q.take}
	by := -1
	if !q.allowed() {
		by = q.decidedBy()
	}
	for i := range q.parts() {
		a := &q.asked[i]
		v.soft = v.soft || a.applies&a.part.soft != 0
		if by < 0 && a.d.Over|a.d.Shadowed|a.d.FailedOpen == 0 {
			continue
		}
		w := partVerdicts{part: a.part}
		switch {
		case by < 0:
			w.over, w.shadowed, w.failed = a.d.Over, a.d.Shadowed, a.d.FailedOpen
		case i == by && a.d.By >= 0:
			w.denied = 1 << a.d.By
		}
		v.any, v.over = true, v.over || w.over != 0
		v.parts[i] = w
	}
}

// decidedBy returns which part of a question decided its denial: of those that
// deny, the one with the longest wait.
func (q *question) decidedBy() int {
	by := -1
	for i := range q.parts() {
		d := &q.asked[i].d
		if d.Allowed {
			continue
		}
		if by < 0 || d.Never || !q.asked[by].d.Never && d.RetryAfterNS > q.asked[by].d.RetryAfterNS {
			by = i
		}
	}
	return by
}

// priority is what the upstream is told of a request; "" when no limit is soft.
func (v *verdicts) priority() string {
	switch {
	case v.over:
		return "low"
	case v.soft:
		return "normal"
	}
	return ""
}

// shadowed reports whether a shadow limit would have refused the request.
func (v *verdicts) shadowed() bool {
	return v.any && v.parts[0].shadowed|v.parts[1].shadowed != 0
}

// countVerdicts counts them. moved is how many bytes the stream took.
func (r *request) countVerdicts(minute int64, moved uint64) {
	v := &r.verdicts
	if !v.any {
		return
	}
	for i := range v.parts {
		w := &v.parts[i]
		for _, x := range [...]struct {
			rules   uint64
			verdict wire.Verdict
		}{{w.denied, wire.Denied}, {w.over, wire.Over}, {w.shadowed, wire.Shadowed}, {w.failed, wire.FailedOpen}} {
			for set := x.rules; set != 0; set &= set - 1 {
				rule := &w.part.rules[bits.TrailingZeros64(set)]
				amount := max(v.take[rule.Measure], 1)
				if rule.Measure == limit.Bytes && x.verdict != wire.Denied {
					amount = moved
				}
				r.meter.Judge(wire.VerdictEntry{
					VerdictKey: wire.VerdictKey{Minute: minute, Account: r.caller.account, Limit: rule.ID, Verdict: x.verdict},
					Requests:   1, Amount: amount,
				})
				r.stats.judge(x.verdict)
			}
		}
	}
}

// sampleDenial keeps why a request was refused, if there is room.
func (r *request) sampleDenial(f *fields, q *question, retryNS int64) {
	if len(f.requestID) == 0 || !r.meter.WantsDenial(r.caller.account) {
		return
	}
	path, _ := f.target()
	d := wire.Denial{
		AtMS:      r.wallNS(r.beganNS) / millisecond,
		RequestID: f.shownRequestID(),
		Account:   r.caller.account, Key: r.caller.key, Endpoint: r.endpoint.ID,
		Decision: r.decision,
		Method:   wire.Printable(string(f.method), wire.MaxMethodBytes),
		Path:     wire.Printable(string(path), wire.MaxDenialPathBytes),
	}
	if retryNS > 0 {
		d.RetryAfterMS = uint64(min(retryNS/millisecond, wire.MaxTimeMS))
	}
	if q != nil {
		if by := q.decidedBy(); by >= 0 && q.asked[by].d.By >= 0 {
			d.Limit = q.asked[by].part.rules[q.asked[by].d.By].ID
		}
		for i := range q.parts() {
			a := &q.asked[i]
			for _, l := range a.d.Levels {
				d.Levels = append(d.Levels, wire.DenialLevel{Limit: a.part.rules[l.Rule].ID, Remaining: min(l.Remaining, wire.MaxAmount), Amount: min(l.Limit, wire.MaxAmount)})
			}
		}
	}
	r.meter.Deny(d)
}

// observe notes where the account and the key stand for the next batch.
func (r *request) observe(q *question) {
	if r.caller.account == 0 {
		return
	}
	at := r.wallNS(q.nowNS) / millisecond
	for i := range q.parts() {
		a := &q.asked[i]
		key := uint64(0)
		if a.part.subject == ofKey {
			key = r.caller.key
		}
		for _, l := range a.d.Levels {
			r.meter.Observe(wire.Level{Account: r.caller.account, Key: key, Limit: a.part.rules[l.Rule].ID, Remaining: l.Remaining, AtMS: at})
		}
	}
}
