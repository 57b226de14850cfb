package simulation

import (
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// audit watches a run from outside. It knows what every filter has counted, and
// checks the promises at each step and, by finish, at the end.
type audit struct {
	path    *path
	records []*record
	by      map[wire.SourceID]*record
	claims  []*claim
	ever    map[controlplane.ID]live.Counts // what was committed, at some time
	told    map[controlplane.ID]live.Counts // what was announced
	owed    map[*worker]map[controlplane.ID]live.Counts

	failedOver bool
}

func newAudit(p *path) *audit {
	return &audit{
		path: p, by: map[wire.SourceID]*record{}, ever: map[controlplane.ID]live.Counts{},
		told: map[controlplane.ID]live.Counts{}, owed: map[*worker]map[controlplane.ID]live.Counts{},
	}
}

// frozen is a batch as its filter sent it first.
type frozen struct {
	hash     uint64
	batch    *wire.Batch
	requests uint64
	accepted bool // the log has stored it
	lost     bool // … and lost it since
	inStore  bool
	ever     bool        // it was in the store, at some time
	terms    usage.Terms // of its commit
}

// record is what is known of a source.
type record struct {
	filter    *filter
	truth     content
	requests  uint64
	frozen    uint64    // requests in its batches
	heard     uint64    // requests that it told the database of
	batches   []*frozen // by sequence, from 1
	last      uint64    // sequence
	confirmed uint64    // through which it was told that all is committed
	forgotten uint64    // requests in those
	killed    bool
}

func (r *record) batch(sequence uint64) *frozen {
	if sequence == 0 || sequence > r.last {
		return nil
	}
	return r.batches[sequence-1]
}

func (a *audit) batch(id batchID) *frozen {
	if r := a.by[id.source]; r != nil {
		return r.batch(id.sequence)
	}
	return nil
}

func (a *audit) begin(f *filter) *record {
	r := &record{filter: f, truth: newContent()}
	a.records = append(a.records, r)
	a.by[f.source] = r
	return r
}

func (a *audit) end(f *filter) { f.record.killed = true }

func (r *record) counted(s *meter.Sample) {
	r.requests++
	r.truth.count(s)
}

// holds checks what a meter says of itself.
func (a *audit) holds(f *filter) {
	r := f.record
	requests, batches := f.meter.Pending()
	if batches == meter.MaxFrozen {
		a.path.note("is full", f.name)
	}
	switch {
	case batches > meter.MaxFrozen:
		a.path.violate("%s holds %d frozen batches", f.name, batches)
	case requests != r.requests-r.forgotten:
		a.path.violate("%s has %d requests pending, of %d that it counted and %d known to be committed", f.name, requests, r.requests, r.forgotten)
	case f.meter.Lost() != 0 || f.meter.LostVerdicts() != 0:
		a.path.violate("%s gave up %d requests and %d verdicts", f.name, f.meter.Lost(), f.meter.LostVerdicts())
	}
}

// sent takes note of a batch when it is sent first, and checks that it never
// changes.
func (a *audit) sent(f *filter, send meter.Send) {
	r, hash := f.record, xxhash.Sum64(send.Body)
	if b := r.batch(send.Sequence); b != nil {
		if b.hash != hash {
			a.path.violate("%s sent batch %d changed", f.name, send.Sequence)
		}
		return
	}
	b, err := wire.DecodeBatch(send.Body)
	switch {
	case err != nil:
		a.path.violate("%s sent what isn't a batch: %v", f.name, err)
	case b.Source != f.source || b.Sequence != send.Sequence:
		a.path.violate("%s sent batch %d of source %x as %d", f.name, b.Sequence, b.Source, send.Sequence)
	case b.Sequence == 0:
		if b.Counted != r.requests {
			a.path.violate("%s says that it counted %d requests, of %d", f.name, b.Counted, r.requests)
		}
	case b.Sequence != r.last+1:
		a.path.violate("%s sent batch %d after %d", f.name, b.Sequence, r.last)
	default:
		fresh := &frozen{hash: hash, batch: b, requests: requestsOf(b)}
		r.frozen += fresh.requests
		r.batches, r.last = append(r.batches, fresh), b.Sequence
		if isFolded(b) {
			a.path.note("sends what it has folded", f.name, b.Sequence)
		}
		if b.Counted != r.frozen {
			a.path.violate("%s says in batch %d that it counted %d requests, and there are %d in its batches", f.name, b.Sequence, b.Counted, r.frozen)
		}
	}
}

// isFolded says whether a batch has requests of a tier that none has been counted of.
func isFolded(b *wire.Batch) bool {
	return slices.ContainsFunc(b.Entries, func(e wire.Entry) bool { return e.Tier == 0 })
}

// heard notes what the database was told of what a source has counted.
func (a *audit) heard(message *wire.Batch) {
	r := a.by[message.Source]
	if r == nil {
		return
	}
	r.heard = max(r.heard, message.Counted)
	if counted := a.path.store.row(message.Source).counted; counted < r.heard && !a.failedOver {
		a.path.violate("the database says that %s counted %d requests, and was told of %d", r.filter.name, counted, r.heard)
	}
}

// received checks what a filter may forget.
func (a *audit) received(f *filter, receipt wire.Receipt) {
	r := f.record
	if receipt.Committed > r.confirmed && receipt.Committed == r.last {
		a.path.note("gets a receipt for all", f.name)
	}
	for ; r.confirmed < receipt.Committed; r.confirmed++ {
		b := r.batch(r.confirmed + 1)
		if b == nil || !b.ever {
			a.path.violate("%s was told that batch %d is committed, which it never was", f.name, r.confirmed+1)
			return
		}
		r.forgotten += b.requests
	}
}

// claim is a receipt in the making: what it may say at most.
type claim struct {
	of   *filter
	most uint64
}

func (a *audit) opens(f *filter) *claim {
	c := &claim{of: f, most: a.path.store.through(f.source)}
	a.claims = append(a.claims, c)
	return c
}

// closes checks a receipt: it says nothing that wasn't so at any time since it
// was asked for.
func (a *audit) closes(c *claim, receipt wire.Receipt, err error) {
	a.claims = slices.DeleteFunc(a.claims, func(o *claim) bool { return o == c })
	if err != nil {
		return
	}
	c.most = max(c.most, a.path.store.through(c.of.source))
	if receipt.Committed > c.most {
		a.path.violate("a receipt for %s says that batches through %d are committed; the database says %d", c.of.name, receipt.Committed, c.most)
	}
	if receipt.Accepted == 0 {
		return
	}
	if b := c.of.record.batch(receipt.Accepted); b == nil || !b.accepted {
		a.path.violate("a receipt for %s says that batch %d is stored, which it never was", c.of.name, receipt.Accepted)
	}
}

func (a *audit) accepted(id batchID) {
	b := a.batch(id)
	if b == nil {
		a.path.violate("batch %d was stored, which nobody has sent", id.sequence)
		return
	}
	b.accepted, b.lost = true, false
}

// logLost notes what a fault of the log has cost.
func (a *audit) logLost(m *stored) {
	if b := a.batch(m.batchID); b != nil {
		b.lost = true
	}
}

// done checks that what the log forgets is committed.
func (a *audit) done(m *stored) {
	if b := a.batch(m.batchID); b == nil || !b.ever {
		a.path.violate("the log was told to forget batch %d, which isn't committed", m.sequence)
	}
}

// dropped checks that what the log forgets for being unreadable is that.
func (a *audit) dropped(m *stored) {
	if !m.spoiled {
		a.path.violate("the log was told to drop batch %d, which is sound", m.sequence)
	}
	a.logLost(m)
}

// committed checks what a transaction added.
func (a *audit) committed(fresh []*wire.Batch, terms usage.Terms) {
	for _, batch := range fresh {
		b := a.batch(batchID{batch.Source, batch.Sequence})
		if b == nil {
			a.path.violate("batch %d was committed, which nobody has sent", batch.Sequence)
			return
		}
		encoded, err := wire.EncodeBatch(nil, batch)
		switch {
		case b.inStore:
			a.path.violate("batch %d of %s was committed twice", batch.Sequence, a.by[batch.Source].filter.name)
		case err != nil || xxhash.Sum64(encoded) != b.hash:
			a.path.violate("batch %d of %s was committed with other content than it was sent with", batch.Sequence, a.by[batch.Source].filter.name)
		}
		b.inStore, b.ever, b.terms = true, true, terms
		a.heard(batch)
		addCounts(a.ever, batch, 1)
	}
}

// failsOver comes before the database loses transactions, and takenBack says
// which.
func (a *audit) failsOver() {
	a.failedOver = true
	for _, c := range a.claims {
		c.most = max(c.most, a.path.store.through(c.of.source))
	}
}

func (a *audit) takenBack(fresh []*wire.Batch) {
	for _, batch := range fresh {
		if b := a.batch(batchID{batch.Source, batch.Sequence}); b != nil {
			b.inStore = false
			if batch.Sequence <= a.by[batch.Source].confirmed {
				a.path.note("takes back a batch that its filter has forgotten", "store", batch.Sequence)
			}
		}
	}
}
