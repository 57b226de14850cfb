package simulation

import (
	"bytes"
	"maps"
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// How the store is swept. A source is silent sooner than in the product, so that
// short runs have some.
const (
	sweepEvery = 3 * second
	silentFor  = 8 * second
)

// swept is a transaction of a sweep: what it wrote about one source.
type swept struct {
	source   wire.SourceID
	counted  uint64
	ended    bool
	settled  bool
	resolved []controlplane.ID
	found    []usage.OpenMissing
}

// sweep accounts for sources as package postgres does: for those that fell silent,
// lost batches or miss usage.
func (s *store) sweep() {
	if p := s.path; s.up && !s.full && !p.chance(p.plan.refuse) {
		s.account(func(id wire.SourceID, row *sourceRow) bool { return p.now-row.heardAt > silentFor })
	}
	s.path.after(sweepEvery, s.sweep)
}

func (s *store) account(isSilent func(wire.SourceID, *sourceRow) bool) {
	for _, id := range s.sourceIDs() {
		row := s.sources[id]
		silent := isSilent(id, row)
		if row.ended || !silent && !row.losing && len(s.missing[id]) == 0 {
			continue
		}
		source := usage.Source{
			Ledger: s.ledger(id), Lost: int64(row.lost), Committed: int64(row.requests), BatchCounted: int64(row.batchCounted),
			Counted: int64(row.counted), Silent: silent,
		}
		resolved, found := s.path.parts.account(source, slices.Clone(s.missing[id]))
		t := &swept{source: id, counted: row.counted, ended: silent, settled: source.Settled(), resolved: resolved}
		for _, m := range found {
			s.lastID++
			t.found = append(t.found, usage.OpenMissing{ID: s.lastID, Missing: m})
		}
		s.write(t)
		s.journal = append(s.journal, transaction{swept: t})
	}
}

func (s *store) sourceIDs() []wire.SourceID {
	return slices.SortedFunc(maps.Keys(s.sources), func(a, b wire.SourceID) int { return bytes.Compare(a[:], b[:]) })
}

func (s *store) write(t *swept) {
	if len(t.found) > 0 {
		s.path.note("finds usage missing", "store", uint64(len(t.found)))
	}
	if len(t.resolved) > 0 {
		s.path.note("finds usage that was missing", "store", uint64(len(t.resolved)))
	}
	row := s.row(t.source)
	row.ended, row.losing, row.accounted = t.ended, row.losing && !t.settled, t.counted
	open := slices.DeleteFunc(slices.Clone(s.missing[t.source]), func(o usage.OpenMissing) bool { return slices.Contains(t.resolved, o.ID) })
	s.missing[t.source] = append(open, t.found...)
}

// finishSweep checks what the last sweep, in which the killed filters are silent,
// says of each source: what it counted, as far as the database had heard, and what
// isn't in the rollups, no more and no less.
func (a *audit) finishSweep() {
	s := a.path.store
	s.account(func(id wire.SourceID, _ *sourceRow) bool { return a.by[id] == nil || a.by[id].killed })
	for _, id := range s.sourceIDs() {
		row := s.sources[id]
		var atLeast int64
		for _, o := range s.missing[id] {
			atLeast += o.AtLeast
			if o.AtMost != nil && (*o.AtMost < o.AtLeast || o.Kind == usage.Silent) {
				a.path.violate("the sweep says that at most %d requests of source %x are missing, and can't know", *o.AtMost, id[0])
			}
		}
		counted := row.counted
		if row.ended {
			counted = row.accounted
		}
		if want := int64(counted) - int64(row.requests); atLeast != want {
			a.path.violate("the sweep says that %d requests of source %x are missing, and %d are", atLeast, id[0], want)
		}
	}
}
