package meter

import (
	"github.com/weirhq/weir/plugin/wire"
)

// Config is what a meter needs to know. All fields are required.
type Config struct {
	Source       wire.SourceID
	Node         string // at most wire.MaxNodeBytes
	FlushEveryNS int64  // the shortest time from one batch to the next
	StartNS      int64  // the monotonic clock now
}

// Sample is one finished request.
type Sample struct {
	wire.EntryKey
	Cost       uint64
	BytesIn    uint64
	BytesOut   uint64
	DurationUS uint64
}

// Meter is the usage of one source. The zero value isn't usable; see [New].
type Meter struct {
	config   Config
	open     table
	levels   levels
	verdicts verdicts
	denials  denials
	outbox   outbox
	lost     uint64

	lostVerdicts uint64
}

// New returns an empty meter.
func New(c Config) *Meter {
	m := &Meter{config: c, open: newTable(), levels: newLevels(), verdicts: newVerdicts(), denials: newDenials()}
	m.outbox.lastPostNS = c.StartNS
	m.outbox.lastFreezeNS = c.StartNS - c.FlushEveryNS
	return m
}

// Count adds a finished request. A status that isn't 100 to 599 counts as none.
func (m *Meter) Count(s Sample) {
	if s.Status < 100 || s.Status > 599 {
		s.Status = 0
	}
	m.open.add(&s)
}

// Observe notes where an account stands with a limit. The latest note of each
// limit rides on the next batch. Levels are a convenience for those who look:
// when there are too many, the rest waits for its next request.
func (m *Meter) Observe(l wire.Level) { m.levels.put(l) }

// Judge counts what a limit said of requests that it didn't plainly let pass.
// Verdicts are kept, folded and sent like finished requests.
func (m *Meter) Judge(e wire.VerdictEntry) {
	if !m.verdicts.add(e) {
		m.lostVerdicts = addCapped(m.lostVerdicts, e.Requests)
	}
}

// LostVerdicts returns how many verdicts there was no room for: more than 20,000
// sorts of them were waiting to be sent.
func (m *Meter) LostVerdicts() uint64 { return m.lostVerdicts }

// WantsDenial reports whether the sample of denials has room for one of this
// account. It is asked first so that what isn't kept needn't be put together.
func (m *Meter) WantsDenial(account uint64) bool { return m.denials.wants(account) }

// Deny adds a denial to the sample that rides on the next batch.
func (m *Meter) Deny(d wire.Denial) { m.denials.add(d) }

// Pending returns how many requests are counted but not known to be committed,
// and in how many frozen batches some of them are.
func (m *Meter) Pending() (requests uint64, batches int) {
	return m.open.requests + m.outbox.requests(), len(m.outbox.frozen)
}

// Lost returns how many requests could not be encoded and were given up. It is
// always zero unless this package and wire disagree about what is valid.
func (m *Meter) Lost() uint64 { return m.lost }

// freeze turns open entries into the next batch.
func (m *Meter) freeze(nowNS, wallMS int64, snapshot uint64) {
	b := wire.Batch{
		Source:   m.config.Source,
		Sequence: m.outbox.sequence + 1,
		Node:     m.config.Node,
		Snapshot: snapshot,
		SentMS:   wallMS,
		Entries:  m.open.take(),
		Levels:   m.levels.take(),
		Verdicts: m.verdicts.take(),
		Denials:  m.denials.take(),
	}
	b.Sort()
	requests := uint64(0)
	for i := range b.Entries {
		requests += b.Entries[i].Requests
	}
	body, err := wire.EncodeBatch(nil, &b)
	m.open.recycle(b.Entries)
	if err != nil {
		m.lost = addCapped(m.lost, requests)
		return
	}
	m.outbox.push(batch{sequence: b.Sequence, snapshot: snapshot, body: body, requests: requests, dueNS: nowNS})
	m.outbox.lastFreezeNS = nowNS
}

// maxSum is the most that one entry counts of anything, about 10^15: rollups add
// up many entries in a signed 64-bit column.
const maxSum = 1 << 50

func addCapped(a, b uint64) uint64 { return min(a+min(b, maxSum), maxSum) }
