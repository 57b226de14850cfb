package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

type doRound = func(context.Context, []stream.Message)

// roundBugs are in a rollup worker's round.
var roundBugs = []bug{
	{"batches are acknowledged before the commit", 20, func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			return func(ctx context.Context, round []stream.Message) {
				var wrapped []stream.Message
				for _, m := range round {
					_ = m.Done()
					wrapped = append(wrapped, settledMessage{m})
				}
				w.Round(ctx, wrapped)
			}
		}
	}},
	{"announcements come before the commit", 20, func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			announcer := w.Live
			w.Live = nobody{}
			return func(ctx context.Context, round []stream.Message) {
				var batches []*wire.Batch
				for _, m := range round {
					if b, err := wire.DecodeBatch(m.Batch()); err == nil {
						batches = append(batches, b)
					}
				}
				for _, payload := range live.DeltaOf(batches).Encode() {
					_ = announcer.Announce(payload)
				}
				w.Round(ctx, round)
			}
		}
	}},
	{"copies are announced again", 50, wrapStore(func(s rollup.Store) rollup.Store { return allFresh{s} })},
	{"nothing is announced", 20, func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			w.Live = nobody{}
			return w.Round
		}
	}},
	{"what can't be stored takes its round with it", 300, wrapStore(func(s rollup.Store) rollup.Store { return resigned{s} })},
	{"a failed commit counts as done", 50, wrapMessages(func(m stream.Message) stream.Message { return doneAnyway{m} })},
	{"a failed commit isn't told to the log", 50, wrapMessages(func(m stream.Message) stream.Message { return neverAgain{m} })},
	{"only the first batch of a round is acknowledged", 50, func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			return func(ctx context.Context, round []stream.Message) {
				wrapped := append([]stream.Message(nil), round...)
				for i := range wrapped[1:] {
					wrapped[i+1] = settledMessage{wrapped[i+1]}
				}
				w.Round(ctx, wrapped)
			}
		}
	}},
	{"what comes again is ignored", 50, func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			seen := map[batchID]bool{}
			return func(ctx context.Context, round []stream.Message) {
				var first []stream.Message
				for _, m := range round {
					id := m.(*delivered).of.batchID
					if seen[id] {
						_ = m.Done()
						continue
					}
					seen[id] = true
					first = append(first, m)
				}
				w.Round(ctx, first)
			}
		}
	}},
	{"a worker doesn't look at the checksum", 300, wrapMessages(func(m stream.Message) stream.Message { return sealedMessage{m} })},
	{"what can't be read is acknowledged with the rest, and dropped when it can", 20, wrapMessages(func(m stream.Message) stream.Message { return swapped{m} })},
}

func wrapStore(wrap func(rollup.Store) rollup.Store) func(*parts) {
	return func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			w.DB = wrap(w.DB)
			return w.Round
		}
	}
}

func wrapMessages(wrap func(stream.Message) stream.Message) func(*parts) {
	return func(p *parts) {
		p.round = func(_ *path, w *rollup.Worker) doRound {
			return func(ctx context.Context, round []stream.Message) {
				wrapped := make([]stream.Message, len(round))
				for i, m := range round {
					wrapped[i] = wrap(m)
				}
				w.Round(ctx, wrapped)
			}
		}
	}
}

// settledMessage says nothing more to the log.
type settledMessage struct{ stream.Message }

func (settledMessage) Done() error               { return nil }
func (settledMessage) Again(time.Duration) error { return nil }
func (settledMessage) Drop(string) error         { return nil }

type nobody struct{}

func (nobody) Announce([]byte) error { return nil }

type allFresh struct{ rollup.Store }

func (s allFresh) CommitBatches(ctx context.Context, batches []*wire.Batch) ([]*wire.Batch, error) {
	_, err := s.Store.CommitBatches(ctx, batches)
	return batches, err
}

type resigned struct{ rollup.Store }

func (s resigned) CommitBatches(ctx context.Context, batches []*wire.Batch) ([]*wire.Batch, error) {
	fresh, err := s.Store.CommitBatches(ctx, batches)
	if errors.Is(err, errPoison) {
		return nil, nil
	}
	return fresh, err
}

type doneAnyway struct{ stream.Message }

func (m doneAnyway) Again(time.Duration) error { return m.Done() }

type neverAgain struct{ stream.Message }

func (neverAgain) Again(time.Duration) error { return nil }

type sealedMessage struct{ stream.Message }

func (m sealedMessage) Batch() []byte { return sealed(m.Message.Batch()) }

type swapped struct{ stream.Message }

func (m swapped) Done() error       { return m.Message.Drop("") }
func (m swapped) Drop(string) error { return m.Message.Done() }
