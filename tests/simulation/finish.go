package simulation

import (
	"maps"
	"slices"
)

// finish checks what has to be so when the faults are over and all has drained.
func (a *audit) finish() {
	all := newTables()
	for _, r := range a.records {
		a.finishRecord(r, all)
	}
	a.finishCorrections(all)
	a.finishTables(all)
	a.finishSweep()
	for id, told := range a.told {
		if more := plus(a.ever[id], told, -1); more.Requests < 0 || more.BytesIn < 0 || more.BytesOut < 0 {
			a.path.violate("more of account %d was announced than committed", id)
		}
	}
}

// finishRecord compares a source's part of the store with what it counted, and
// adds it to all.
func (a *audit) finishRecord(r *record, all tables) {
	stored, gone := newContent(), newContent()
	for _, b := range r.batches {
		switch {
		case b.accepted && !b.ever && !b.lost:
			a.path.violate("the log had batch %d of %s, and nobody committed it", b.batch.Sequence, r.filter.name)
		case b.inStore:
			stored.addBatch(b.batch)
			all.addBatch(b.batch, b.terms)
			gone.addBatch(b.batch)
		case b.ever:
			gone.addBatch(b.batch) // a failover took it back, and its filter had forgotten it
		}
	}
	name, truth := r.filter.name, r.truth
	if a.path.plan.shelf > 0 {
		stored, gone, truth = stored.coarse(), gone.coarse(), truth.coarse()
	}
	switch {
	case !stored.within(truth):
		a.path.violate("the store has more of %s than it counted", name)
	case !r.killed && !gone.same(truth):
		a.path.violate("%s counted something that isn't in the store and that no failover took back", name)
	case !r.killed && r.confirmed != r.last:
		a.path.violate("%s was told that batches through %d are committed, of %d", name, r.confirmed, r.last)
	}
	a.finishLedger(r)
}

// finishLedger checks what the database says of a source's batches against those
// that it has.
func (a *audit) finishLedger(r *record) {
	row := a.path.store.sources[r.filter.source]
	if row == nil {
		row = &sourceRow{}
	}
	lost, ahead, requests, told := uint64(0), []uint64{}, uint64(0), uint64(0)
	for i, b := range r.batches {
		sequence := uint64(i + 1)
		if b.inStore {
			requests += b.requests
			told = b.batch.Counted
		}
		switch {
		case sequence <= row.committed && !b.inStore:
			lost++
		case sequence > row.committed && b.inStore:
			ahead = append(ahead, sequence)
		}
	}
	name := r.filter.name
	switch {
	case row.committed > r.last:
		a.path.violate("the database says that it has batches of %s through %d, of %d", name, row.committed, r.last)
	case row.lost != lost:
		a.path.violate("the database says that it lost %d batches of %s, and %d are missing", row.lost, name, lost)
	case !slices.Equal(ahead, row.ahead) && len(ahead)+len(row.ahead) > 0:
		a.path.violate("the database says that it has batches %d of %s beyond %d, and it has %d", row.ahead, name, row.committed, ahead)
	}
	// What was counted and isn't in the rollups is missing, as far as anybody heard
	// of it: all of a filter that lives.
	switch {
	case row.requests != requests:
		a.path.violate("the database says that it has %d requests of %s, and it has %d", row.requests, name, requests)
	case row.counted > r.requests || row.counted < told:
		a.path.violate("the database says that %s counted %d requests, of %d, and at least %d", name, row.counted, r.requests, told)
	case row.counted != r.requests && !r.killed:
		a.path.violate("the database says that %s counted %d requests, of %d", name, row.counted, r.requests)
	case row.counted != r.heard && !a.failedOver:
		a.path.violate("the database says that %s counted %d requests, and was told of %d", name, row.counted, r.heard)
	}
}

// finishTables compares the rollups with the sum of the batches in the store.
func (a *audit) finishTables(want tables) {
	have := a.path.store.tables
	for k, w := range want.rows {
		if h := have.rows[k]; h == nil || !h.same(w) {
			a.path.violate("by the %v: the rollup of %+v is %+v and should be %+v", k.level, k.EntryKey, h, w)
			return
		}
	}
	for k, h := range have.rows {
		if want.rows[k] == nil {
			a.path.violate("by the %v: the rollup of %+v is %+v and should not be", k.level, k.EntryKey, h)
			return
		}
	}
	if !maps.Equal(have.verdicts, want.verdicts) {
		a.path.violate("the rollups of verdicts are %v and should be %v", have.verdicts, want.verdicts)
	}
	if !maps.Equal(have.meters, want.meters) {
		a.path.violate("the rollups of meters are %v and should be %v", have.meters, want.meters)
	}
	if !maps.Equal(have.sent, want.sent) {
		a.path.violate("what was sent is %v and should be %v", have.sent, want.sent)
	}
}
