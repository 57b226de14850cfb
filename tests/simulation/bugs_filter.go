package simulation

import (
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// filterBugs are in the meter, around the real one.
var filterBugs = []bug{
	{"a batch's count is flushed twice", 20, wrapMeter(func(m usageMeter) usageMeter { return &doubleFlush{usageMeter: m} })},
	{"a batch changes after it was frozen", 50, wrapMeter(func(m usageMeter) usageMeter { return &meltingBatch{usageMeter: m} })},
	{"a clock that goes back moves a minute", 100, wrapMeter(func(m usageMeter) usageMeter { return &monotonicMinute{usageMeter: m} })},
	{"an outage drops the newest usage", 50, wrapMeter(func(m usageMeter) usageMeter { return &droppedNewest{m} })},
	{"an outage drops the oldest batch", 50, wrapMeter(func(m usageMeter) usageMeter { return &droppedOldest{usageMeter: m} })},
	{"a batch is forgotten when the log has it", 20, wrapMeter(func(m usageMeter) usageMeter { return &trustingLog{m} })},
	{"a batch is forgotten when nobody answers", 20, wrapMeter(func(m usageMeter) usageMeter { return &trustingSilence{usageMeter: m} })},
	{"a batch that was accepted is never sent again", 200, wrapMeter(func(m usageMeter) usageMeter { return &sentOnce{usageMeter: m, accepted: map[uint64]bool{}} })},
	{"a source begins again with its first sequence", 100, func(p *parts) {
		p.sourceOf = func(ever int, before *filter) wire.SourceID {
			if before != nil {
				return before.source
			}
			return wire.SourceID{byte(ever)}
		}
	}},
}

func wrapMeter(wrap func(usageMeter) usageMeter) func(*parts) {
	return func(p *parts) {
		p.newMeter = func(c meter.Config) usageMeter { return wrap(meter.New(c)) }
	}
}

type doubleFlush struct {
	usageMeter
	last meter.Sample
}

func (m *doubleFlush) Count(s meter.Sample) {
	m.last = s
	m.usageMeter.Count(s)
}

func (m *doubleFlush) Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool) {
	send, ok := m.usageMeter.Next(nowNS, wallMS, snapshot)
	if ok && send.Sequence%5 == 1 {
		m.usageMeter.Count(m.last)
	}
	return send, ok
}

type meltingBatch struct {
	usageMeter
	last uint64
}

func (m *meltingBatch) Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool) {
	send, ok := m.usageMeter.Next(nowNS, wallMS, snapshot)
	if ok && send.Sequence > 0 && send.Sequence <= m.last {
		b, err := wire.DecodeBatch(send.Body)
		if err == nil && len(b.Entries) > 0 {
			b.Entries[0].Requests++
			send.Body, err = wire.EncodeBatch(nil, b)
		}
		return send, err == nil
	}
	m.last = max(m.last, send.Sequence)
	return send, ok
}

type monotonicMinute struct {
	usageMeter
	last int64
}

func (m *monotonicMinute) Count(s meter.Sample) {
	m.last = max(m.last, s.Minute)
	s.Minute = m.last
	m.usageMeter.Count(s)
}

type droppedNewest struct{ usageMeter }

func (m *droppedNewest) Count(s meter.Sample) {
	if _, batches := m.Pending(); batches < meter.MaxFrozen {
		m.usageMeter.Count(s)
	}
}

type droppedOldest struct {
	usageMeter
	committed uint64
}

func (m *droppedOldest) Received(sequence uint64, r wire.Receipt, nowNS int64) error {
	m.committed = max(m.committed, r.Committed)
	return m.usageMeter.Received(sequence, r, nowNS)
}

func (m *droppedOldest) Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool) {
	if _, batches := m.Pending(); batches == meter.MaxFrozen {
		if m.usageMeter.Received(0, wire.Receipt{Committed: m.committed + 1}, nowNS) == nil {
			m.committed++
		}
	}
	return m.usageMeter.Next(nowNS, wallMS, snapshot)
}

type trustingLog struct{ usageMeter }

func (m *trustingLog) Received(sequence uint64, r wire.Receipt, nowNS int64) error {
	r.Committed = max(r.Committed, r.Accepted)
	return m.usageMeter.Received(sequence, r, nowNS)
}

type trustingSilence struct{ usageMeter }

func (m *trustingSilence) Failed(sequence uint64, why meter.Cause, nowNS int64, random uint32) {
	if sequence == 0 || m.Received(sequence, wire.Receipt{Committed: sequence}, nowNS) != nil {
		m.usageMeter.Failed(sequence, why, nowNS, random)
	}
}

type sentOnce struct {
	usageMeter
	accepted map[uint64]bool
}

func (m *sentOnce) Received(sequence uint64, r wire.Receipt, nowNS int64) error {
	m.accepted[sequence] = sequence > 0
	return m.usageMeter.Received(sequence, r, nowNS)
}

func (m *sentOnce) Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool) {
	send, ok := m.usageMeter.Next(nowNS, wallMS, snapshot)
	if !m.accepted[send.Sequence] {
		return send, ok
	}
	return meter.Send{}, m.usageMeter.Received(send.Sequence, wire.Receipt{}, nowNS) != nil
}
