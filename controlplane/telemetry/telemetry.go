// Package telemetry tells operators what the control plane does: metrics for
// Prometheus and, where they name a collector, traces by OpenTelemetry.
//
// In come calls on their way through, which it wraps; out go the same calls,
// measured. It changes none, and nothing waits for it: spans that a collector
// doesn't take in time are given up. It keeps nothing.
//
// No label and no attribute holds what a caller sent: not a path, a key, a query
// or a value.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Telemetry measures. Its methods may be called by many at once.
type Telemetry struct {
	registry *prometheus.Registry
	metrics  metrics

	provider   trace.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	stop       func(context.Context) error
}

// Open returns a Telemetry. Traces go to the OTLP collector at endpoint, as
// http://host:port, or nowhere when that is empty; what else there is to say of
// them is in OpenTelemetry's own environment variables, such as
// OTEL_TRACES_SAMPLER and OTEL_RESOURCE_ATTRIBUTES.
func Open(ctx context.Context, endpoint string, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{
		registry: prometheus.NewRegistry(), provider: noop.NewTracerProvider(),
		propagator: propagation.TraceContext{}, stop: func(context.Context) error { return nil },
	}
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t.metrics = newMetrics(t.registry)
	if endpoint != "" {
		if err := t.export(ctx, endpoint); err != nil {
			return nil, err
		}
		log.Info("sending traces", "to", endpoint)
	}
	t.tracer = t.provider.Tracer("github.com/weirhq/weir")
	return t, nil
}

func (t *Telemetry) export(ctx context.Context, endpoint string) error {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"))
	if err != nil {
		return fmt.Errorf("set up traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "weir")), resource.WithFromEnv(), resource.WithHost())
	if err != nil {
		return fmt.Errorf("describe this process in traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	t.provider, t.stop = provider, provider.Shutdown
	return nil
}

// Close sends what is still to be sent, as far as ctx allows.
func (t *Telemetry) Close(ctx context.Context) error {
	if err := t.stop(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// Metrics serves the metrics in Prometheus' format.
func (t *Telemetry) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{Registry: t.registry}))
	return mux
}

// Provider is what libraries make spans with.
func (t *Telemetry) Provider() trace.TracerProvider { return t.provider }

// Span begins a span. The function that it returns ends it, and marks it where
// there was an error; the error's text stays out, as it may repeat a caller's.
func (t *Telemetry) Span(ctx context.Context, name string) (context.Context, func(error)) {
	return t.start(ctx, name)
}

func (t *Telemetry) start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ctx, name, o...)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
