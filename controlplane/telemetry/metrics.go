package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what is counted as it happens. Labels have few values, all known
// beforehand.
type metrics struct {
	requests   *prometheus.HistogramVec // by listener, route, status
	operations *prometheus.HistogramVec // by type, outcome
	published  *prometheus.CounterVec   // by outcome
	commits    *prometheus.HistogramVec // by outcome
	batches    prometheus.Counter
	delay      prometheus.Histogram
}

// From a look-up by key to the bounds of a query and of a long poll.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}

func newMetrics(r prometheus.Registerer) metrics {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "weir", Name: name, Help: help, Buckets: seconds}, labels)
		r.MustRegister(h)
		return h
	}
	m := metrics{
		requests:   histogram("http_request_seconds", "How long requests took, long polls and streams included.", "listener", "route", "status"),
		operations: histogram("graphql_operation_seconds", "How long GraphQL queries and mutations took.", "type", "outcome"),
		commits:    histogram("rollup_commit_seconds", "How long rounds of batches took to commit.", "outcome"),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "weir", Name: "edge_batches_total", Help: "Batches that filters sent, by whether the stream has them.",
		}, []string{"outcome"}),
		batches: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "weir", Name: "rollup_batches_total", Help: "Batches that were committed for the first time.",
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "weir", Name: "rollup_delay_seconds", Help: "From a filter's sending of a batch to its commit, by both clocks.", Buckets: seconds,
		}),
	}
	r.MustRegister(m.published, m.batches, m.delay)
	return m
}

// Gauge is a number that is asked for each time the metrics are.
type Gauge struct {
	Name string // without weir_
	Help string
	// Value returns it; an error leaves it out.
	Value func(context.Context) (float64, error)
}

// gaugeWithin bounds what a scrape waits for a gauge.
const gaugeWithin = time.Second

// Gauges adds gauges. It panics when two have one name.
func (t *Telemetry) Gauges(all ...Gauge) {
	for _, g := range all {
		t.registry.MustRegister(gauge{g, prometheus.NewDesc("weir_"+g.Name, g.Help, nil, nil)})
	}
}

type gauge struct {
	Gauge
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (g gauge) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect implements prometheus.Collector.
func (g gauge) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeWithin)
	defer cancel()
	if v, err := g.Value(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
	}
}

// outcome is the label of how a call ended.
func outcome(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}
