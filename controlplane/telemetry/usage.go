package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

// Stream measures the batches that go into a stream.
func (t *Telemetry) Stream(s edge.Stream) edge.Stream { return publishing{s, t} }

type publishing struct {
	edge.Stream
	t *Telemetry
}

// Publish implements edge.Stream.
func (p publishing) Publish(ctx context.Context, source wire.SourceID, sequence uint64, batch []byte) error {
	ctx, end := p.t.start(ctx, "publish batch", trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("messaging.system", "nats"), attribute.Int("messaging.message.body.size", len(batch))))
	err := p.Stream.Publish(ctx, source, sequence, batch)
	end(err)
	p.t.metrics.published.WithLabelValues(outcome(err)).Inc()
	return err
}

// Inject puts the span of ctx into the header of a message.
func (t *Telemetry) Inject(ctx context.Context, header map[string][]string) {
	t.propagator.Inject(ctx, propagation.HeaderCarrier(http.Header(header)))
}

// Round begins the span of a round of messages. It is of no one's trace, and
// names the spans in which the messages were published.
func (t *Telemetry) Round(ctx context.Context, round []stream.Message) (context.Context, func(error)) {
	var links []trace.Link
	for _, m := range round {
		from := trace.SpanContextFromContext(t.propagator.Extract(context.Background(), propagation.HeaderCarrier(http.Header(m.Header()))))
		if from.IsValid() {
			links = append(links, trace.Link{SpanContext: from})
		}
	}
	return t.start(ctx, "commit batches", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...), trace.WithNewRoot(),
		trace.WithAttributes(attribute.String("messaging.system", "nats"), attribute.Int("messaging.batch.message_count", len(round))))
}

// Store measures what is committed to a store.
func (t *Telemetry) Store(s rollup.Store) rollup.Store { return committing{s, t} }

type committing struct {
	rollup.Store
	t *Telemetry
}

// CommitBatches implements rollup.Store.
func (c committing) CommitBatches(ctx context.Context, batches []*wire.Batch) ([]*wire.Batch, error) {
	began := time.Now()
	fresh, err := c.Store.CommitBatches(ctx, batches)
	ended := time.Now()
	c.t.metrics.commits.WithLabelValues(outcome(err)).Observe(ended.Sub(began).Seconds())
	c.t.metrics.batches.Add(float64(len(fresh)))
	for _, b := range fresh {
		c.t.metrics.delay.Observe(max(0, ended.Sub(time.UnixMilli(b.SentMS)).Seconds()))
	}
	return fresh, err
}
