package meter

import (
	"bytes"

	"github.com/weirhq/weir/plugin/wire"
)

// Config is what a meter needs to know. All fields but ShelfBytes are required.
type Config struct {
	Source       wire.SourceID
	Node         string // at most wire.MaxNodeBytes
	FlushEveryNS int64  // the shortest time from one batch to the next
	StartNS      int64  // the monotonic clock now
	BeganMS      int64  // the wall clock now, Unix milliseconds, at most wire.MaxTimeMS
	ShelfBytes   int    // how much the shelf takes; 0: 20 MB
}

// Sample is one finished request.
type Sample struct {
	wire.EntryKey
	Shadowed   bool // a shadow limit would have refused it
	Cost       uint64
	BytesIn    uint64
	BytesOut   uint64
	DurationUS uint64
}

// Meter is the usage of one source. The zero value isn't usable; see [New].
type Meter struct {
	config  Config
	open    counts
	shelf   shelf
	ground  ground
	levels  levels
	denials denials
	paths   paths
	outbox  outbox

	counted  uint64 // requests since the source began
	minute   int64  // of the wall clock when Next was last called
	backlog  bool   // one batch couldn't hold all counts: the next follows at once
	shelving bool   // the open counts are on their way to the shelf

	scratch      []byte
	lost         uint64
	lostVerdicts uint64
}

// New returns an empty meter.
func New(c Config) *Meter {
	c.BeganMS = min(max(c.BeganMS, 0), wire.MaxTimeMS)
	if c.ShelfBytes == 0 {
		c.ShelfBytes = maxShelfBytes
	}
	m := &Meter{config: c, open: newCounts(), ground: ground{newCounts()}, levels: newLevels(), denials: newDenials()}
	m.paths.seed(c.Source)
	m.outbox.lastPostNS = c.StartNS
	m.outbox.lastFreezeNS = c.StartNS - c.FlushEveryNS
	return m
}

// Count adds a finished request. A status that isn't 100 to 599 counts as none.
func (m *Meter) Count(s Sample) {
	if s.Status < 100 || s.Status > 599 {
		s.Status = 0
	}
	if !m.open.entries.add(&s) {
		m.shelve()
		m.open.entries.add(&s)
	}
	m.counted = min(m.counted+1, wire.MaxNumber)
}

// Declare adds what the upstream declared of a finished request for a custom
// meter.
func (m *Meter) Declare(k wire.MeterKey, amount uint64) {
	amount = min(amount, maxSample)
	if !m.open.declared.add(k, 1, amount, maxOpenMeters) {
		m.shelve()
		m.open.declared.add(k, 1, amount, maxOpenMeters)
	}
}

// Observe notes where an account stands with a limit. The latest note of each
// limit rides on the next batch. Levels are a convenience for those who look:
// when there are too many, the rest waits for its next request.
func (m *Meter) Observe(l wire.Level) { m.levels.put(l) }

// Judge counts what a limit said of requests that it didn't plainly let pass.
// Verdicts are kept, folded and sent like finished requests.
func (m *Meter) Judge(e wire.VerdictEntry) {
	requests, amount := min(e.Requests, maxSample), min(e.Amount, maxSample)
	if !m.open.verdicts.add(e.VerdictKey, requests, amount, maxOpenVerdicts) {
		m.shelve()
		m.open.verdicts.add(e.VerdictKey, requests, amount, maxOpenVerdicts)
	}
}

// LostVerdicts returns how many verdicts and declarations there was no room for,
// not even on the ground: of more limits or meters than it holds.
func (m *Meter) LostVerdicts() uint64 { return m.lostVerdicts }

// WantsDenial reports whether the sample of denials has room for one of this
// account. It is asked first so that what isn't kept needn't be put together.
func (m *Meter) WantsDenial(account uint64) bool { return m.denials.wants(account) }

// Deny adds a denial to the sample that rides on the next batch.
func (m *Meter) Deny(d wire.Denial) { m.denials.add(d) }

// Miss notes a request to a path that no endpoint's template matched, for the sample
// that rides on the next batch, see [wire.Unmatched]. The request itself is counted
// like any other. What no batch may carry is left out.
func (m *Meter) Miss(method, path []byte) { m.paths.note(method, path) }

// Pending returns how many requests are counted but not known to be committed,
// and in how many frozen batches some of them are.
func (m *Meter) Pending() (requests uint64, batches int) {
	return m.unfrozen() + m.outbox.requests(), len(m.outbox.frozen)
}

// unfrozen returns how many requests are in no batch yet.
func (m *Meter) unfrozen() uint64 {
	return m.open.entries.requests + m.shelf.requests + m.ground.entries.requests
}

// Lost returns how many requests could not be encoded and were given up. It is
// always zero unless this package and wire disagree about what is valid.
func (m *Meter) Lost() uint64 { return m.lost }

// shelve puts the newest open counts on the shelf, as many as fit into a run.
func (m *Meter) shelve() {
	var b wire.Batch
	m.open.take(&b)
	b.Sort()
	m.lost = addCapped(m.lost, m.shelf.put(len(m.shelf.runs), &b, everything))
	m.open.recycle(&b)
	for m.shelf.bytes > m.config.ShelfBytes {
		m.fold()
	}
}

func (m *Meter) fold() {
	lost, verdicts := m.shelf.fold(&m.ground)
	m.lost, m.lostVerdicts = addCapped(m.lost, lost), addCapped(m.lostVerdicts, verdicts)
}

// tidy does a piece of the work that usage makes as long as it can't be frozen.
func (m *Meter) tidy(wallMS int64) {
	minute := wallMS / 60_000
	m.shelving = m.shelving || minute != m.minute || len(m.open.entries.entries) > maxOpenEntries/2
	m.minute = minute
	switch {
	case m.shelf.bytes > m.config.ShelfBytes/10*9: // a run at a time, before it has to be
		m.fold()
	case m.shelving && !m.open.empty():
		m.shelve()
		m.shelving = !m.open.empty()
	}
}

// freeze makes the next batch: of the oldest run, else of the ground, else of the
// open counts.
func (m *Meter) freeze(nowNS, wallMS int64, snapshot uint64) {
	var b wire.Batch
	var r run
	from := &m.open
	switch {
	case len(m.shelf.runs) > 0:
		r, from = m.shelf.remove(0), nil
	case !m.ground.empty():
		from = &m.ground.counts
	}
	if from != nil {
		from.take(&b)
		r.requests = requestsOf(&b)
	}
	b.Source, b.Sequence, b.Node, b.Snapshot = m.config.Source, m.outbox.sequence+1, m.config.Node, snapshot
	b.SentMS, b.BeganMS, b.Counted = wallMS, m.config.BeganMS, m.counted-min(m.unfrozen(), m.counted)
	b.Levels, b.Denials, b.Unmatched = m.levels.take(), m.denials.take(), m.paths.take()
	b.Sort()
	body, err := m.encode(&b, r.body)
	if from != nil {
		from.recycle(&b)
	}
	if err != nil {
		m.lost = addCapped(m.lost, r.requests)
		return
	}
	m.outbox.push(batch{sequence: b.Sequence, snapshot: snapshot, body: body, requests: r.requests, dueNS: nowNS})
	m.outbox.lastFreezeNS = nowNS
}

// encode returns the bytes of b, in no more memory than they need. Its counts are
// in b or, encoded, in counts.
func (m *Meter) encode(b *wire.Batch, counts []byte) (body []byte, err error) {
	if counts != nil {
		body, err = wire.EncodeBatchOf(m.scratch[:0], b, counts)
	} else {
		body, err = wire.EncodeBatch(m.scratch[:0], b)
	}
	if err != nil {
		return nil, err
	}
	if m.scratch = body[:0]; cap(body) > maxKeptBytes {
		m.scratch = nil
	}
	return bytes.Clone(body), nil
}

const (
	// maxSample is the most that one request counts of anything, about 10^15.
	maxSample = 1 << 50
	// maxKeptBytes is how much memory stays reserved for encoding.
	maxKeptBytes = 1 << 20
)

// addCapped adds what is at most wire.MaxBatchTotal each, and stays there.
func addCapped(a, b uint64) uint64 { return min(a+b, wire.MaxBatchTotal) }
