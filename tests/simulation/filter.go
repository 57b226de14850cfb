package simulation

import (
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// usageMeter is what a filter asks of its meter.
type usageMeter interface {
	Count(meter.Sample)
	Declare(wire.MeterKey, uint64)
	Judge(wire.VerdictEntry)
	Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool)
	Received(sequence uint64, r wire.Receipt, nowNS int64) error
	Failed(sequence uint64, why meter.Cause, nowNS int64, random uint32)
	Pending() (requests uint64, batches int)
	Lost() uint64
	LostVerdicts() uint64
}

// filter is one worker's VM with its meter. It does what plugin/filter does
// around the meter.
type filter struct {
	process
	path   *path
	source wire.SourceID
	meter  usageMeter
	stepNS int64 // how far the wall clock is from virtual time
	record *record
}

const answerWithin = 10 * second // Envoy's time for a call to the edge

// addFilter starts a filter with a source of its own, in the place of one before,
// if any.
func (p *path) addFilter(before *filter) {
	p.filtersEver++
	id := p.parts.sourceOf(p.filtersEver, before)
	f := &filter{path: p, source: id, process: process{name: "filter " + string(rune('a'+p.filtersEver-1))}}
	f.record = p.audit.begin(f)
	f.start = func() {
		f.meter = p.parts.newMeter(meter.Config{
			Source: id, Node: "node", FlushEveryNS: p.plan.flushNS, StartNS: p.now, BeganMS: f.wallMS(), ShelfBytes: p.plan.shelf,
		})
		p.after(p.between(0, p.plan.tickNS), f.tick)
	}
	p.filters = append(p.filters, f)
	p.boot(&f.process)
}

// replace kills a filter; another takes its place after a while.
func (p *path) replace(f *filter) {
	p.audit.end(f)
	p.crash(&f.process)
	p.after(p.downtime(), func() { p.addFilter(f) })
}

func (f *filter) wallMS() int64 { return f.path.plan.startMS + (f.path.now+f.stepNS)/millisecond }

// step moves the wall clock; no system sets it before 1970.
func (f *filter) step(d int64) {
	f.stepNS += max(d, -f.wallMS()*millisecond)
	f.path.note("has its clock stepped", f.name, uint64(f.stepNS))
}

func (f *filter) tick() {
	p := f.path
	if !f.up || !p.awake(&f.process, f.tick) {
		return
	}
	if p.traffic {
		for range p.between(0, p.plan.busy) {
			f.serve()
		}
	}
	f.report()
	p.after(p.plan.tickNS, f.tick)
}

// serve counts a request.
func (f *filter) serve() {
	p := f.path
	account := uint64(p.pick(4))
	s := meter.Sample{
		EntryKey: wire.EntryKey{
			Minute: f.wallMS() / 60_000, Account: account, Key: 10*account + uint64(p.pick(2)), Endpoint: uint64(p.pick(3)),
			Status: 200, Decision: wire.Allowed,
		},
		Cost: uint64(1 + p.pick(3)), BytesIn: uint64(100 + p.pick(100)), BytesOut: uint64(p.pick(5000)), DurationUS: 900 << p.pick(8),
	}
	s.Tier, s.Shadowed = 1+account/2, p.pick(8) == 0
	switch p.pick(6) {
	case 0:
		s.Status = 503
	case 1:
		s.Status, s.Decision = 429, wire.Throttled
		f.judge(wire.VerdictEntry{
			VerdictKey: wire.VerdictKey{Minute: s.Minute, Account: account, Limit: 1 + uint64(p.pick(2)), Verdict: wire.Denied},
			Requests:   1, Amount: s.Cost,
		})
	case 2:
		k := wire.MeterKey{Minute: s.Minute, Account: account, Key: s.Key, Endpoint: s.Endpoint, Tier: s.Tier, Meter: 1 + uint64(p.pick(2))}
		amount := uint64(p.pick(1000))
		f.record.declared(k, amount)
		f.meter.Declare(k, amount)
	}
	f.record.counted(&s)
	f.meter.Count(s)
}

func (f *filter) judge(v wire.VerdictEntry) {
	f.record.judged(v)
	f.meter.Judge(v)
}

// report sends what the meter wants sent.
func (f *filter) report() {
	p := f.path
	wallMS := f.wallMS()
	send, due := f.meter.Next(p.now, wallMS, p.snapshot)
	p.audit.holds(f)
	if !due {
		return
	}
	p.audit.sent(f, send)
	p.note("sends", f.name, send.Sequence)
	life, answered := f.life, false
	var answer func(status int, body []byte)
	answer = func(status int, body []byte) {
		if f.life == life && !answered && p.awake(&f.process, func() { answer(status, body) }) {
			answered = true
			f.answered(send.Sequence, status, body)
		}
	}
	copies := 1
	if p.chance(p.plan.repeat) {
		copies++
	}
	for range copies {
		f.post(send.Body, answer)
	}
}

// post carries a message to an edge and its answer back. Without one Envoy gives
// up after a while.
func (f *filter) post(body []byte, answer func(status int, body []byte)) {
	p := f.path
	deadline := p.now + answerWithin
	timeout := func() { p.at(deadline, func() { answer(0, nil) }) }
	if p.loses(&p.network.filters) {
		timeout()
		return
	}
	body = p.spoil(body)
	p.after(p.delay(), func() {
		p.fronts[p.pick(len(p.fronts))].take(f, body, func(status int, body []byte) {
			back := p.delay()
			if p.loses(&p.network.filters) || p.now+back > deadline {
				timeout()
				return
			}
			body = p.spoil(body)
			p.after(back, func() { answer(status, body) })
		})
	})
}

// answered takes the edge's answer as plugin/filter does.
func (f *filter) answered(sequence uint64, status int, body []byte) {
	p := f.path
	p.note("is answered", f.name, sequence, uint64(status))
	switch status {
	case 200:
		receipt, err := wire.DecodeReceipt(body)
		if err == nil {
			err = f.meter.Received(sequence, receipt, p.now)
		}
		if err != nil {
			f.meter.Failed(sequence, meter.Unanswered, p.now, p.random.Uint32())
			return
		}
		p.audit.received(f, receipt)
		f.report()
	case 400:
		f.meter.Failed(sequence, meter.Rejected, p.now, p.random.Uint32())
	default:
		f.meter.Failed(sequence, meter.Unanswered, p.now, p.random.Uint32())
	}
}
