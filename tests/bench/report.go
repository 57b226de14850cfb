package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// spread is the median of several figures, and the lowest and highest.
type spread struct{ median, lowest, highest float64 }

func spreadOf(figures []float64) spread {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	if n == 0 {
		return spread{}
	}
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

func (s spread) format(digits int) string {
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, s.median, digits, s.lowest, digits, s.highest)
}

// figures takes one figure of each pass.
func figures(all []measured, of func(measured) float64) (f []float64) {
	for _, m := range all {
		f = append(f, of(m))
	}
	return f
}

// inPairs combines the figures that two contenders got in the same pass.
func inPairs(a, b []measured, combine func(a, b measured) float64) (f []float64) {
	for i := range min(len(a), len(b)) {
		f = append(f, combine(a[i], b[i]))
	}
	return f
}

func cpuAdded(a, b measured) float64  { return a.cpuUS - b.cpuUS }
func rateRatio(a, b measured) float64 { return a.perSecond / b.perSecond }
func p99Ratio(a, b measured) float64 {
	return float64(a.latencies.quantile(0.99)) / float64(b.latencies.quantile(0.99))
}

func quantileMS(q float64) func(measured) float64 {
	return func(m measured) float64 { return milliseconds(m.latencies.quantile(q)) }
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// compareReport tells of all contenders, and of the goals that can be told from
// those that ran.
func compareReport(names []string, results map[string][]measured, e effort) string {
	var b strings.Builder
	passes := len(results[names[0]])
	fmt.Fprintf(&b, "%d passes; in each, every contender gets %v of %d connections as fast as they go (rate and CPU) "+
		"and %v at %.0f requests a second (latency). Medians, with the lowest and highest pass in parentheses.\n\n",
		passes, e.closed, e.connections, e.openLoop, float64(time.Second)/float64(e.every))
	b.WriteString("| | CPU per request, µs | CPU added, µs | requests/s | of no filter | p50, ms | p99, ms | worst, ms |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, n := range names {
		all := results[n]
		total := newLatencies()
		for _, m := range all {
			total.merge(m.latencies)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %.1f |\n", n,
			spreadOf(figures(all, func(m measured) float64 { return m.cpuUS })).format(1),
			spreadOf(inPairs(all, results[none], cpuAdded)).format(1),
			spreadOf(figures(all, func(m measured) float64 { return m.perSecond })).format(0),
			spreadOf(inPairs(all, results[none], rateRatio)).format(2),
			spreadOf(figures(all, quantileMS(0.5))).format(2),
			spreadOf(figures(all, quantileMS(0.99))).format(2),
			milliseconds(total.worst))
	}
	b.WriteString("\n| goal | measured | |\n|---|---|---|\n")
	for _, g := range goals(results) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.text, g.measured, verdict(g.met))
	}
	return b.String()
}

type goal struct {
	text, measured string
	met            bool
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}

// goals compares Weir with the others. What two contenders add is compared by
// their medians: one pass's difference to no filter is small and may be noise.
func goals(results map[string][]measured) (all []goal) {
	w, bare := results[weir], results[none]
	if len(w) == 0 || len(bare) == 0 {
		return nil
	}
	ratio := func(a, b string) float64 {
		return spreadOf(inPairs(results[a], bare, cpuAdded)).median / spreadOf(inPairs(results[b], bare, cpuAdded)).median
	}
	if len(results[empty]) > 0 {
		q := ratio(weir, empty)
		all = append(all, goal{"CPU added: at most 2 times what an empty Go filter adds", fmt.Sprintf("%.2f times", q), 0 <= q && q <= 2})
	}
	if len(results[remote]) > 0 {
		q := ratio(remote, weir)
		all = append(all, goal{"CPU added: at most 1/15 of what ratelimit and Redis add", fmt.Sprintf("1/%.1f", q), q >= 15})
	}
	s := spreadOf(inPairs(w, bare, rateRatio))
	all = append(all, goal{"request rate: at least 0.85 of no filter", s.format(2), s.median >= 0.85})
	if len(results[remote]) > 0 {
		s := spreadOf(inPairs(w, results[remote], p99Ratio))
		all = append(all, goal{"p99: at most 1/3 of ratelimit and Redis", s.format(2), s.median <= 1.0/3})
	}
	return all
}
