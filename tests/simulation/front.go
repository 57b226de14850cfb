package simulation

import (
	"context"
	"errors"
	"log/slog"

	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/plugin/wire"
)

// front is a process with an edge.
type front struct {
	process
	path      *path
	takeUsage func(ctx context.Context, body []byte) (wire.Receipt, error)
}

const (
	storeWithin  = 5 * second // the log's time for a batch, as in package edge
	lookUpWithin = second / 2 // the database's time for each of two questions
)

func (p *path) addFront(name string) {
	f := &front{path: p, process: process{name: name}}
	f.start = func() {
		f.takeUsage = p.parts.takeUsage(p, &edge.Edge{Stream: edgeStream{p}, Sources: edgeSources{p}, Log: slog.New(slog.DiscardHandler)})
	}
	p.fronts = append(p.fronts, f)
	p.boot(&f.process)
}

// take handles one message of a filter, in a task of its own.
func (f *front) take(from *filter, body []byte, answer func(status int, body []byte)) {
	p := f.path
	if !f.up {
		answer(503, nil)
		return
	}
	if !p.awake(&f.process, func() { f.take(from, body, answer) }) {
		return
	}
	// Who is still waiting when the process ends, is told by Envoy.
	ended := func() { answer(503, nil) }
	p.spawn(&f.process, func() {
		defer func() {
			if ended != nil {
				ended()
			}
		}()
		claim := p.audit.opens(from)
		receipt, err := f.takeUsage(context.Background(), body)
		p.audit.closes(claim, receipt, err)
		ended = nil
		switch {
		case errors.Is(err, wire.ErrMalformed):
			answer(400, nil)
		case err != nil:
			answer(503, nil)
		default:
			answer(200, wire.EncodeReceipt(receipt))
		}
	})
}

// edgeStream is the log as an edge reaches it.
type edgeStream struct{ path *path }

func (s edgeStream) Publish(_ context.Context, source wire.SourceID, sequence uint64, batch []byte) error {
	return s.path.ask(&s.path.network.edgeToLog, storeWithin, func() error { return s.path.log.publish(source, sequence, batch) })
}

// edgeSources is the database as an edge reaches it.
type edgeSources struct{ path *path }

func (s edgeSources) SeeWorker(_ context.Context, message *wire.Batch) error {
	return s.path.ask(&s.path.network.edgeToStore, lookUpWithin, func() error { return s.path.store.see(message) })
}

func (s edgeSources) Committed(_ context.Context, source wire.SourceID) (committed uint64, err error) {
	err = s.path.ask(&s.path.network.edgeToStore, lookUpWithin, func() (err error) {
		committed, err = s.path.store.committed(source)
		return err
	})
	if err != nil {
		return 0, err // the question may still be answered, but not to this asker
	}
	return committed, nil
}
