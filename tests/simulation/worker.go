package simulation

import (
	"context"
	"log/slog"

	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

// worker is a process with a rollup worker.
type worker struct {
	process
	path    *path
	arrived chan stream.Message
	round   func(context.Context, []stream.Message)
	idle    *task // waits for a message
	call    uint64
}

const commitWithin = 20 * second // the database's time for a transaction, as in package rollup

func (p *path) addWorker(name string) {
	w := &worker{path: p, process: process{name: name}, arrived: make(chan stream.Message, maxDelivered)}
	w.start = func() {
		w.round = p.parts.round(p, &rollup.Worker{DB: workerStore{w}, Live: workerLive{w}, Log: slog.New(slog.DiscardHandler)})
		for len(w.arrived) > 0 {
			<-w.arrived // what it had in memory
		}
		p.audit.forgetRound(w)
		w.idle = nil
		p.spawn(&w.process, w.run)
		p.log.offer()
	}
	p.workers = append(p.workers, w)
	p.boot(&w.process)
}

// receive takes a message from the log.
func (w *worker) receive(m stream.Message) {
	select {
	case w.arrived <- m:
	default:
		return // it comes again
	}
	if w.idle != nil {
		w.path.wake(w.idle, w.call, nil)
	}
}

// run does what rollup.Worker.Run does with what arrives.
func (w *worker) run() {
	p := w.path
	for {
		for len(w.arrived) == 0 {
			w.idle, w.call = p.current, p.current.call
			_ = p.wait()
		}
		w.idle = nil
		round := rollup.Gather(<-w.arrived, w.arrived)
		p.note("takes a round", w.name, uint64(len(round)))
		w.round(context.Background(), round)
		p.audit.roundEnds(w, round)
		p.log.offer()
	}
}

// workerStore is the database as a worker reaches it.
type workerStore struct{ worker *worker }

func (s workerStore) CommitBatches(_ context.Context, batches []*wire.Batch) (fresh []*wire.Batch, err error) {
	p := s.worker.path
	if len(batches) == 0 {
		return nil, nil
	}
	begin := p.store.begin(batches)
	err = p.ask(&p.network.workerToStore, commitWithin, func() (err error) {
		fresh, err = p.store.commit(begin, batches)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.audit.hears(s.worker, fresh)
	return fresh, nil
}

// workerLive is the way to live readers.
type workerLive struct{ worker *worker }

func (l workerLive) Announce(payload []byte) error {
	p := l.worker.path
	p.crashPoint(p.plan.crash)
	p.audit.announced(l.worker, payload)
	if p.chance(p.plan.unsay) {
		return errDown
	}
	return nil
}
