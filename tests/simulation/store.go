package simulation

import (
	"errors"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

var (
	errAborted  = errors.New("the transaction was rolled back")
	errDiskFull = error(sqlError("53100"))
	errPoison   = error(sqlError("22003"))
)

// sqlError is an error with an SQLSTATE.
type sqlError string

func (e sqlError) Error() string    { return "SQLSTATE " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

// sourceRow is what the database keeps of a source.
type sourceRow struct {
	committed, lost uint64
	ahead           []uint64
	counted         uint64 // requests that it says to have counted, at most
	requests        uint64 // that are in the rollups
	batchCounted    uint64 // that it had counted by its highest batch in the rollups
	heardAt         int64
	ended, losing   bool   // it fell silent; it lost batches and that isn't accounted for
	accounted       uint64 // counted, when it was last accounted for
}

// store is Postgres: transactions one after the other, each whole or not at
// all. A failover takes the last ones back.
type store struct {
	path *path
	tables
	up      bool
	full    bool
	poison  map[batchID]bool // what it refuses to store
	journal []transaction
}

// transaction is one of the four that there are.
type transaction struct {
	fresh      []*wire.Batch
	terms      usage.Terms
	message    *wire.Batch // that a worker was seen by
	correction *correction
	swept      *swept
}

func newStore(p *path) *store {
	return &store{path: p, up: true, tables: newTables(), poison: map[batchID]bool{}}
}

// down is the answer of a database that doesn't run.
func (s *store) down() error {
	if s.path.chance(0.5) {
		return errSilent
	}
	return errRefused
}

func (s *store) see(message *wire.Batch) error {
	if !s.up {
		return s.down()
	}
	s.path.parts.see(s, message)
	s.journal = append(s.journal, transaction{message: message})
	s.path.audit.heard(message)
	return nil
}

// noteCounted keeps the most that a source said.
func (s *store) noteCounted(message *wire.Batch) {
	row := s.row(message.Source)
	row.counted, row.heardAt = max(row.counted, message.Counted), s.path.now
}

func (s *store) row(source wire.SourceID) *sourceRow {
	row := s.sources[source]
	if row == nil {
		row = &sourceRow{}
		s.sources[source] = row
	}
	return row
}

func (s *store) committed(source wire.SourceID) (uint64, error) {
	if !s.up {
		return 0, s.down()
	}
	return s.through(source), nil
}

// through is the source's sequence up to which all is committed or given up.
func (s *store) through(source wire.SourceID) uint64 {
	if row := s.sources[source]; row != nil {
		return row.committed
	}
	return 0
}

// begin is what a worker reads before its transaction: nothing, when all is well.
func (s *store) begin(batches []*wire.Batch) any { return s.path.parts.begin(s, batches) }

// commit is a transaction with usage of batches.
func (s *store) commit(begin any, batches []*wire.Batch) ([]*wire.Batch, error) {
	p := s.path
	switch {
	case !s.up:
		return nil, s.down()
	case s.full:
		return nil, errDiskFull
	case p.chance(p.plan.refuse):
		p.note("rolls back", "store")
		if p.chance(0.2) {
			s.crash(p.downtime())
		}
		return nil, errAborted
	}
	for _, b := range batches {
		if s.poison[batchID{b.Source, b.Sequence}] {
			p.note("refuses a batch", "store", b.Sequence)
			return nil, errPoison
		}
	}
	fresh := p.parts.claim(s, begin, batches)
	terms := p.terms()
	p.parts.add(s, fresh, terms)
	s.journal = append(s.journal, transaction{fresh: fresh, terms: terms})
	p.note("commits", "store", uint64(len(batches)), uint64(len(fresh)))
	p.audit.committed(fresh, terms)
	if p.chance(p.plan.unheard) {
		p.note("commits unheard", "store")
		if p.chance(0.2) {
			s.crash(p.downtime())
		}
		return nil, errSilent
	}
	return fresh, nil
}

// claim records batches as committed and returns those that were not, as package
// postgres does.
func (s *store) claim(_ any, batches []*wire.Batch) (fresh []*wire.Batch) {
	ledgers := map[wire.SourceID]*usage.Ledger{}
	for _, b := range batches {
		ledger := ledgers[b.Source]
		if ledger == nil {
			ledger = s.ledger(b.Source)
			ledgers[b.Source] = ledger
		}
		switch {
		case !ledger.Claim(b.Sequence):
			s.path.note("gets a batch again", "store", b.Sequence)
			continue
		case ledger.Committed() < b.Sequence:
			s.path.note("gets a batch out of order", "store", b.Sequence)
		}
		fresh = append(fresh, b)
		s.noteCounted(b)
		row := s.row(b.Source)
		row.requests, row.batchCounted = row.requests+requestsOf(b), max(row.batchCounted, b.Counted)
		row.ended = false
	}
	for source, ledger := range ledgers {
		row := s.sources[source]
		row.committed, row.ahead = ledger.Committed(), ledger.Ahead()
		row.lost, row.losing = row.lost+ledger.Lost(), row.losing || ledger.Lost() > 0
	}
	return fresh
}

// ledger reads a source's ledger.
func (s *store) ledger(source wire.SourceID) *usage.Ledger {
	row := s.row(source)
	ledger := usage.NewLedger(row.committed)
	for _, n := range row.ahead {
		ledger.Claim(n)
	}
	return ledger
}

func requestsOf(b *wire.Batch) (sum uint64) {
	for i := range b.Entries {
		sum += b.Entries[i].Requests
	}
	return sum
}

// crash ends the database for a while. What was committed stays.
func (s *store) crash(d int64) {
	if !s.up {
		return
	}
	s.path.note("crashes", "store")
	s.up = false
	s.path.after(d, s.restart)
}

func (s *store) restart() {
	if !s.up {
		s.path.note("restarts", "store")
		s.up = true
	}
}

// failOver puts a standby in its place that hasn't got the last transactions.
func (s *store) failOver() {
	p := s.path
	keep := len(s.journal) - p.pick(min(len(s.journal), 30)+1)
	p.audit.failsOver()
	for _, t := range s.journal[keep:] {
		p.audit.takenBack(t.fresh)
	}
	p.note("fails over", "store", uint64(len(s.journal)-keep))
	s.journal, s.tables = s.journal[:keep], newTables()
	for _, t := range s.journal {
		switch {
		case t.message != nil:
			p.parts.see(s, t.message)
			continue
		case t.correction != nil:
			p.parts.correct(s, t.correction)
			continue
		case t.swept != nil:
			s.write(t.swept)
			continue
		}
		// What was fresh then, is so again, in the same order.
		p.parts.claim(s, p.parts.begin(s, t.fresh), t.fresh)
		p.parts.add(s, t.fresh, t.terms)
	}
}
