package simulation

import (
	"context"
	"io"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// drainWithin is how soon after the last fault everything is committed and known
// to be. The longest waits are those for an acknowledgement that the log doesn't
// get, and of a filter whose batch was refused as such: half a minute each.
const drainWithin = 75 * second

// path is the whole way of usage from the filters to the database.
type path struct {
	*world
	plan    plan
	parts   parts
	network network
	filters []*filter
	fronts  []*front
	workers []*worker
	log     *log
	store   *store
	audit   *audit
	zones   map[controlplane.ID]*time.Location

	filtersEver int
	made        int // corrections that were asked for
	asking      int // of those, that nobody knows to be made
	snapshot    uint64
	traffic     bool // requests come in
	healed      bool // there are no faults any more
	drained     bool // all is committed, and known to be
}

// parts are what a path is made of where a planted bug may be put. [realParts]
// are those of the product.
type parts struct {
	sourceOf  func(ever int, before *filter) wire.SourceID
	newMeter  func(meter.Config) usageMeter
	takeUsage func(*path, *edge.Edge) func(context.Context, []byte) (wire.Receipt, error)
	round     func(*path, *rollup.Worker) func(context.Context, []stream.Message)
	see       func(s *store, message *wire.Batch)
	begin     func(s *store, batches []*wire.Batch) any
	claim     func(s *store, begin any, batches []*wire.Batch) []*wire.Batch
	add       func(s *store, fresh []*wire.Batch, terms usage.Terms)
	fold      func([]*wire.Batch, usage.Terms) usage.Rollups
	sentBy    func([]*wire.Batch) []usage.Sent
	account   func(usage.Source, []usage.OpenMissing) ([]controlplane.ID, []usage.Missing)
	knows     func(s *store, c *controlplane.NewCorrection) bool
	correct   func(s *store, c *correction)
}

func realParts() parts {
	return parts{
		sourceOf:  func(ever int, _ *filter) wire.SourceID { return wire.SourceID{byte(ever)} },
		newMeter:  func(c meter.Config) usageMeter { return meter.New(c) },
		takeUsage: func(_ *path, e *edge.Edge) func(context.Context, []byte) (wire.Receipt, error) { return e.TakeUsage },
		round:     func(_ *path, w *rollup.Worker) func(context.Context, []stream.Message) { return w.Round },
		see:       (*store).noteCounted,
		begin:     func(*store, []*wire.Batch) any { return nil },
		claim:     (*store).claim,
		add:       (*store).add,
		fold:      usage.Fold,
		sentBy:    usage.SentBy,
		account:   usage.Source.Account,
		knows:     (*store).knows,
		correct:   (*store).addCorrection,
	}
}

// result is how a run ended.
type result struct {
	violation error  // nil: every promise was kept
	hash      uint64 // of the trace
	events    uint64
	drainNS   int64  // from the last fault to the end
	requests  uint64 // that were counted
}

// run plays one seed. All that happens follows from the seed and the parts.
func run(seed uint64, with parts, pool *pool, trace io.Writer) result {
	p := &path{world: newWorld(seed, pool, trace), parts: with, network: newNetwork(), traffic: true, snapshot: 1}
	p.plan, p.zones = drawPlan(p.world), pool.zones()
	p.log, p.store, p.audit = newLog(p), newStore(p), newAudit(p)
	p.addWorker("worker 1")
	p.addWorker("worker 2")
	p.addFront("edge 1")
	p.addFront("edge 2")
	for range p.plan.sources {
		p.addFilter(nil)
	}
	p.strike()
	p.after(p.between(0, 5*second), p.clerk)
	p.after(sweepEvery, p.store.sweep)
	end := p.plan.runNS
	p.after(end, p.heal)
	p.after(end, func() { p.settle(p.now+drainWithin, p.sequences()) })
	for len(p.queue) > 0 && p.violation == nil && !p.drained {
		p.next()
	}
	if p.violation == nil {
		p.audit.finish()
	}
	r := result{violation: p.violation, hash: p.hash, events: p.scheduled, drainNS: p.now - end}
	for _, record := range p.audit.records {
		r.requests += record.requests
	}
	p.close()
	return r
}

// settle looks now and then whether all is committed and known to be. Before
// that it lets each filter make a few batches more: by these the database finds
// out what a failover took from it.
func (p *path) settle(deadline int64, since map[*filter]uint64) {
	p.traffic = false
	for f, sequence := range since {
		p.traffic = p.traffic || f.up && f.record.last < sequence+meter.MaxFrozen+2
	}
	p.drained = !p.traffic && p.isDrained()
	if p.now > deadline && !p.drained {
		p.violate("not all is committed %v after the last fault", time.Duration(drainWithin))
	}
	p.after(second/2, func() { p.settle(deadline, since) })
}

func (p *path) sequences() map[*filter]uint64 {
	sequences := map[*filter]uint64{}
	for _, f := range p.filters {
		sequences[f] = f.record.last
	}
	return sequences
}

func (p *path) isDrained() bool {
	for _, f := range p.filters {
		if requests, batches := f.meter.Pending(); f.up && requests+uint64(batches) > 0 {
			return false
		}
	}
	for _, w := range p.workers {
		if w.idle == nil || len(w.arrived) > 0 {
			return false
		}
	}
	return len(p.log.messages) == 0 && p.asking == 0
}

// close ends what still runs, so that its tasks can be used again.
func (p *path) close() {
	for _, f := range p.fronts {
		p.crash(&f.process)
	}
	for _, w := range p.workers {
		p.crash(&w.process)
	}
	clear(p.queue)
	p.pool.queue = p.queue[:0]
}
