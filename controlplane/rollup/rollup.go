// Package rollup moves batches from the stream into the database.
//
// In come encoded batches, at least once; out go rollup rows, exactly once, and
// an announcement of what was new. It keeps nothing: after a crash the stream,
// or else the filter, gives it everything again that Postgres has not got.
//
// Each round goes in this order, and the order is the guarantee:
//
//  1. commit: counts and batch identities, a batch's in one transaction
//  2. acknowledge: the stream may forget the batches
//  3. announce: live readers learn of the new usage
//
// The sample of unmatched paths, which batches carry beside their counts, takes part
// in none of it; see [Unmatched].
package rollup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

// Store is where usage is kept.
type Store interface {
	// CommitBatches adds those of the batches that it hasn't got to the rollups,
	// each in one transaction with its identity, and returns those of which it
	// knows that they are there now, also with an error. More may be: the same
	// batches are given again then.
	CommitBatches(ctx context.Context, batches []*wire.Batch) (fresh []*wire.Batch, err error)
}

// Stream carries batches here.
type Stream interface {
	// Batches hands each arriving batch to deliver, one after the other, until
	// ctx ends or the subscription breaks. It never returns nil.
	Batches(ctx context.Context, deliver func(stream.Message)) error
}

// Announcer tells live readers what was committed, as [live.Delta.Encode] writes it.
type Announcer interface {
	Announce(payload []byte) error
}

// Tracer is told of rounds.
type Tracer interface {
	// Round begins a round, and returns what ends it.
	Round(ctx context.Context, round []stream.Message) (context.Context, func(error))
}

// Worker is the loop. Several may run, in one process or many.
type Worker struct {
	DB     Store
	Stream Stream
	Live   Announcer
	Tracer Tracer // nil: nobody
	// Unmatched is given the unmatched paths of what was committed; nil: nobody.
	Unmatched *Unmatched
	Log       *slog.Logger
}

const (
	// What a round takes at most, so that it ends well within its time. It takes
	// what has piled up: the more that is, the more falls into the same rows, and
	// the less each batch costs. 12 MB are some 200,000 entries.
	maxRound      = 100 // see wire.MaxBatchTotal
	maxRoundBytes = 12 << 20

	commitWithin = 20 * time.Second
	retryAfter   = time.Second // a batch whose commit did not work comes again
)

// Run works until ctx ends. When the stream breaks off it starts over.
func (w *Worker) Run(ctx context.Context) {
	arrived := make(chan stream.Message, maxRound)
	go func() {
		defer close(arrived)
		for ctx.Err() == nil {
			err := w.Stream.Batches(ctx, func(m stream.Message) {
				select {
				case arrived <- m:
				case <-ctx.Done():
				}
			})
			if ctx.Err() == nil {
				w.Log.Warn("the batch subscription broke off; starting over", "err", err)
				pause(ctx, retryAfter)
			}
		}
	}()
	for first := range arrived {
		if ctx.Err() != nil {
			continue // it comes again
		}
		w.Round(ctx, Gather(first, arrived))
	}
}

// Gather returns a round: first and what has arrived by now, as much as one
// transaction takes. It doesn't wait.
func Gather(first stream.Message, arrived <-chan stream.Message) []stream.Message {
	round, size := []stream.Message{first}, len(first.Batch())
	for len(round) < maxRound && size < maxRoundBytes {
		select {
		case m, ok := <-arrived:
			if !ok {
				return round
			}
			round, size = append(round, m), size+len(m.Batch())
		default:
			return round
		}
	}
	return round
}

// Round puts messages through the three steps. A transaction that has begun is
// finished even when ctx ends: stopping half-way saves nothing.
func (w *Worker) Round(ctx context.Context, round []stream.Message) {
	var batches []*wire.Batch
	var messages []stream.Message
	for _, m := range round {
		b, err := wire.DecodeBatch(m.Batch())
		if err != nil {
			// The filter still has this batch and will send it again: what got
			// spoiled on the way is not lost.
			w.Log.Error("dropped a batch that can't be read", "err", err)
			w.settle(m.Drop(err.Error()))
			continue
		}
		batches, messages = append(batches, b), append(messages, m)
	}
	fresh, err := w.commit(ctx, round, batches)
	defer w.announce(fresh)
	if unstorable(err) && len(batches) > 1 {
		// One batch is at fault: it must not hold up the others.
		for _, m := range messages {
			if ctx.Err() != nil {
				return // the rest comes again
			}
			w.Round(ctx, []stream.Message{m})
		}
		return
	}
	if err != nil {
		w.Log.Error("did not commit all of a round; will try again", "batches", len(batches), "committed", len(fresh), "err", err)
		for _, m := range messages {
			w.settle(m.Again(retryAfter))
		}
		return
	}
	for _, m := range messages {
		w.settle(m.Done())
	}
}

// commit is the first step.
func (w *Worker) commit(ctx context.Context, round []stream.Message, batches []*wire.Batch) (fresh []*wire.Batch, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	if w.Tracer != nil {
		var end func(error)
		ctx, end = w.Tracer.Round(ctx, round)
		defer func() { end(err) }()
	}
	return w.DB.CommitBatches(ctx, batches)
}

func (w *Worker) announce(fresh []*wire.Batch) {
	if w.Unmatched != nil {
		w.Unmatched.add(fresh)
	}
	for _, payload := range live.DeltaOf(fresh).Encode() {
		if err := w.Live.Announce(payload); err != nil {
			w.Log.Warn("live readers miss an update", "err", err)
		}
	}
}

// unstorable reports whether err says that the data itself can't be stored, now
// or later: a data exception, a violated constraint or an exceeded limit
// (classes 22, 23 and 54 of SQLSTATE).
func unstorable(err error) bool {
	var sql interface{ SQLState() string }
	if !errors.As(err, &sql) || len(sql.SQLState()) != 5 {
		return false
	}
	switch sql.SQLState()[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}

// settle logs a message that JetStream did not get. It will deliver the batch
// again, which does no harm.
func (w *Worker) settle(err error) {
	if err != nil {
		w.Log.Warn("the stream did not hear how a batch ended", "err", err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
