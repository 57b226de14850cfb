package telemetry

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/felixge/httpsnoop"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"
)

// HTTP measures the requests of a listener, by the routes of its mux. A trace that a
// caller has begun goes on.
func (t *Telemetry) HTTP(listener string, next http.Handler) http.Handler {
	return otelhttp.NewHandler(t.timed(listener, next), listener,
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(t.propagator), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		// It is called before the mux has said which route it is, and again after.
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + route(r) }))
}

func (t *Telemetry) timed(listener string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		got := httpsnoop.CaptureMetrics(next, w, r)
		t.metrics.requests.With(prometheus.Labels{
			"listener": listener, "route": route(r), "status": strconv.Itoa(got.Code/100) + "xx",
		}).Observe(time.Since(began).Seconds())
	})
}

// route is the pattern of the mux that a request fell under, never its own path.
func route(r *http.Request) string {
	_, path, _ := strings.Cut(r.Pattern, "/")
	if r.Pattern == "" {
		return "none"
	}
	return "/" + path
}
