package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/weirhq/weir/controlplane"
)

// Log returns a logger whose lines say in which request and which trace they were
// written, where the context knows.
func Log(log *slog.Logger) *slog.Logger { return slog.New(requestHandler{log.Handler()}) }

type requestHandler struct{ slog.Handler }

// Handle is slog.Handler's.
func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := controlplane.ActorOf(ctx).RequestID; id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		r.AddAttrs(slog.String("trace", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs is slog.Handler's.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup is slog.Handler's.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
