package simulation

import (
	"context"
	"errors"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/plugin/wire"
)

type takeUsage = func(context.Context, []byte) (wire.Receipt, error)

// edgeBugs are in an edge, before or after what the real one does.
var edgeBugs = []bug{
	{"a receipt says committed for what the log has", 20, receipts(func(map[wire.SourceID]uint64) func(*wire.Batch, *wire.Receipt) {
		return func(_ *wire.Batch, r *wire.Receipt) { r.Committed = max(r.Committed, r.Accepted) }
	})},
	{"a heartbeat advances the ledger", 20, receipts(func(accepted map[wire.SourceID]uint64) func(*wire.Batch, *wire.Receipt) {
		return func(b *wire.Batch, r *wire.Receipt) {
			accepted[b.Source] = max(accepted[b.Source], b.Sequence)
			if b.Sequence == 0 {
				r.Committed = max(r.Committed, accepted[b.Source])
			}
		}
	})},
	{"a failover is forgotten: receipts never go back", 300, receipts(func(most map[wire.SourceID]uint64) func(*wire.Batch, *wire.Receipt) {
		return func(b *wire.Batch, r *wire.Receipt) {
			most[b.Source] = max(most[b.Source], r.Committed)
			r.Committed = most[b.Source]
		}
	})},
	{"what the log refuses is accepted", 100, func(p *parts) {
		p.takeUsage = func(_ *path, e *edge.Edge) takeUsage {
			e.Stream = deafStream{e.Stream}
			return e.TakeUsage
		}
	}},
	{"a batch is accepted before the log has it", 20, func(p *parts) {
		p.takeUsage = func(p *path, e *edge.Edge) takeUsage {
			e.Stream = hastyStream{p}
			return e.TakeUsage
		}
	}},
	{"an edge doesn't look at the checksum", 300, func(p *parts) {
		p.takeUsage = func(_ *path, e *edge.Edge) takeUsage {
			return func(ctx context.Context, body []byte) (wire.Receipt, error) { return e.TakeUsage(ctx, sealed(body)) }
		}
	}},
}

// receipts plants a bug that changes the receipts of an edge, which remembers
// something of each source until it crashes.
func receipts(change func(map[wire.SourceID]uint64) func(*wire.Batch, *wire.Receipt)) func(*parts) {
	return func(p *parts) {
		p.takeUsage = func(_ *path, e *edge.Edge) takeUsage {
			apply := change(map[wire.SourceID]uint64{})
			return func(ctx context.Context, body []byte) (wire.Receipt, error) {
				r, err := e.TakeUsage(ctx, body)
				if b, unreadable := wire.DecodeBatch(body); err == nil && unreadable == nil {
					apply(b, &r)
				}
				return r, err
			}
		}
	}
}

type deafStream struct{ edge.Stream }

func (s deafStream) Publish(ctx context.Context, source wire.SourceID, sequence uint64, batch []byte) error {
	if err := s.Stream.Publish(ctx, source, sequence, batch); !errors.Is(err, errFull) {
		return err
	}
	return nil
}

type hastyStream struct{ path *path }

func (s hastyStream) Publish(_ context.Context, source wire.SourceID, sequence uint64, batch []byte) error {
	s.path.tell(&s.path.network.edgeToLog, func() { _ = s.path.log.publish(source, sequence, batch) })
	return nil
}

// sealed is a message with the checksum that it should have.
func sealed(message []byte) []byte {
	const sum = 8
	if len(message) < sum {
		return message
	}
	content := message[:len(message)-sum]
	h := xxhash.Sum64(content)
	return append(slices.Clip(content), byte(h), byte(h>>8), byte(h>>16), byte(h>>24), byte(h>>32), byte(h>>40), byte(h>>48), byte(h>>56))
}
