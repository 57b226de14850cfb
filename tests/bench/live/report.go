package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The goals.
const (
	mostCores    = 0.60
	mostFresh    = 2 * time.Second
	atSubscriber = 5000
)

type report struct {
	plan    plan
	load    string
	fanOuts []fannedOut
	fresh   fresh
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}

func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What live subscriptions cost

Made by `+"`make bench-live`"+`; see the documentation of package `+"`tests/bench/live`"+` for how it is measured. The machine: %d
cores (%s) that server, database, subscribers and other programs share. Load average of the minute before: %s.
CPU is the server process's own, user and system.

## Subscribers

%d WebSockets get the dashboard's subscription to usage, with %d active accounts in each event, once a second. Stock is gqlgen's
transport with a channel for each subscriber, which are handed the same events. Passes of %v, in turn.

| transport | CPU, %% of a core | CPU per event, µs | %% of a core at an event a second for each | events/s | event, bytes |
|---|---|---|---|---|---|
`, runtime.NumCPU(), runtime.GOARCH, r.load, r.plan.subscribers, activeAccounts, r.plan.pass)
	for _, f := range r.fanOuts {
		fmt.Fprintf(&b, "| %s | %.1f | %.1f | %.1f | %.0f | %.0f |\n", f.transport, 100*f.cores(), f.perEvent(), 100*f.atOneASecond(), f.rate(), float64(f.bytes)/float64(f.events))
	}
	f := &r.fresh
	fmt.Fprintf(&b, `
## Freshness

%d requests a second of %d accounts, as the batches of %d filter workers that flush once a second: %.0f entries a second
(each account calls %d endpoints), posted to the edge. From there on everything is real: NATS, rollup, Postgres with fsync,
announcement, subscription. One subscriber for each account, with the default of two events a second at most. A request is
made at a random moment of the second before its flush; what is timed is each one, until the subscriber has read of it.
Envoy itself isn't part of it: it doesn't do so many requests a second beside all this on this machine.

| requests | seen | p50, ms | p95, ms | p99, ms | worst, ms | slowest answer of the edge, ms | server, %% of a core |
|---|---|---|---|---|---|---|---|
| %d | %d | %d | %d | %d | %d | %d | %.0f |
`, r.plan.rate, r.plan.accounts, r.plan.workers, float64(f.entries)/f.took.Seconds(), r.plan.endpoints,
		f.sent, len(f.latencies), f.at(0.5).Milliseconds(), f.at(0.95).Milliseconds(), f.at(0.99).Milliseconds(), f.at(1).Milliseconds(),
		f.postSlow.Milliseconds(), 100*f.cpu.Seconds()/f.took.Seconds())
	r.goals(&b)
	return b.String()
}

func (r *report) goals(b *strings.Builder) {
	worst := 0.0
	medians := map[string][]float64{}
	for _, f := range r.fanOuts {
		medians[f.transport] = append(medians[f.transport], f.perEvent())
		if f.transport == "shared" {
			worst = max(worst, f.cores(), f.atOneASecond())
		}
	}
	fmt.Fprintf(b, "\n| goal | measured | |\n|---|---|---|\n")
	line := func(goal, measured string, met bool) {
		fmt.Fprintf(b, "| %s | %s | %s |\n", goal, measured, map[bool]string{true: "met", false: "**missed**"}[met])
	}
	line("5,000 subscribers at an event a second: at most 60 % of a core", fmt.Sprintf("%.1f %% for %d", 100*worst, r.plan.subscribers),
		worst <= mostCores && r.plan.subscribers >= atSubscriber)
	line("every request seen", fmt.Sprintf("%d of %d", len(r.fresh.latencies), r.fresh.sent), len(r.fresh.latencies) == r.fresh.sent)
	line("request to subscriber: p99 under 2 s", fmt.Sprintf("%.2f s", r.fresh.at(0.99).Seconds()), r.fresh.at(0.99) < mostFresh)
	fmt.Fprintf(b, "\nStock costs %.1f times as much CPU per event (medians).\n", middle(medians["stock"])/middle(medians["shared"]))
}

func middle(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}
