package simulation

import "slices"

// finish checks what has to be so when the faults are over and all has drained.
func (a *audit) finish() {
	all := newContent()
	for _, r := range a.records {
		a.finishRecord(r, all)
	}
	a.finishTables(all.rollUp())
	for id, told := range a.told {
		if more := plus(a.ever[id], told, -1); more.Requests < 0 || more.BytesIn < 0 || more.BytesOut < 0 {
			a.path.violate("more of account %d was announced than committed", id)
		}
	}
}

// finishRecord compares a source's part of the store with what it counted, and
// adds it to all.
func (a *audit) finishRecord(r *record, all content) {
	stored, gone := newContent(), newContent()
	for _, b := range r.batches {
		switch {
		case b.accepted && !b.ever && !b.lost:
			a.path.violate("the log had batch %d of %s, and nobody committed it", b.batch.Sequence, r.filter.name)
		case b.inStore:
			stored.addBatch(b.batch)
			all.addBatch(b.batch)
			gone.addBatch(b.batch)
		case b.ever:
			gone.addBatch(b.batch) // a failover took it back, and its filter had forgotten it
		}
	}
	name := r.filter.name
	switch {
	case !stored.within(r.truth):
		a.path.violate("the store has more of %s than it counted", name)
	case !r.killed && !gone.same(r.truth):
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
		if h := have.rows[k]; h == nil || !sameEntry(h, w) {
			a.path.violate("by the %s: the rollup of %+v is %+v and should be %+v", k.granularity, k.EntryKey, h, w)
			return
		}
	}
	for k, w := range want.verdicts {
		if h := have.verdicts[k]; h == nil || *h != *w {
			a.path.violate("by the %s: the rollup of verdicts %+v is %+v and should be %+v", k.granularity, k.VerdictKey, h, w)
			return
		}
	}
	if len(have.rows) != len(want.rows) || len(have.verdicts) != len(want.verdicts) {
		a.path.violate("the rollups have %d and %d rows and should have %d and %d", len(have.rows), len(have.verdicts), len(want.rows), len(want.verdicts))
	}
}
