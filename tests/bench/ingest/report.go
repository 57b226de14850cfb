package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report writes the results of turns, in the order of measurements.
func report(turns [][]result, lasts time.Duration, settings string) (string, error) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# How fast Postgres takes usage

Written by `+"`make bench-ingest`"+` on %s: turns of all measurements: %d, of %v and %d rounds each at least, on %d cores; the load of the machine was
%s at the end, so what is by the clock is only worth something when that is about 1. Medians of the turns.

`, time.Now().UTC().Format(time.DateOnly), len(turns), lasts, leastRounds, runtime.NumCPU(), strings.Fields(string(load))[0])
	b.WriteString("| what | deltas a second, by the clock | deltas a second of Postgres's CPU | requests a second of Postgres's CPU | times the upserts |\n|---|--:|--:|--:|--:|\n")
	for i, m := range measurements() {
		of := func(figure func(turn []result) float64) float64 { return median(turns, figure) }
		deltas, perCPU := "", ""
		if m.name != perEvent {
			deltas = thousands(of(func(t []result) float64 { return t[i].deltasASecond() }))
			perCPU = thousands(of(func(t []result) float64 { return t[i].deltasACPUSecond() }))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.0f |\n", m.name, deltas, perCPU,
			thousands(of(func(t []result) float64 { return t[i].requestsACPUSecond() })),
			of(func(t []result) float64 { return t[i].requestsACPUSecond() / t[0].requestsACPUSecond() }))
	}
	fmt.Fprintf(&b, `
- A **delta** is an entry of a batch: what a source counted in a second of one account, key, endpoint, tier, status and
  decision, here %.0f requests with 5 to 25 bins of latency. Each is added to the minute, the hour, the day and the
  month, in one transaction with the identities of the batches, on one connection that commits one round after the
  other, with fsync and full_page_writes on.
- %d sources send %s deltas a second, of %s accounts × %d endpoints × %d statuses, drawn by Zipf's law. **Rounds of
  1, 3 and 8 s** are what the rollup worker finds piled up. The more that is, the more of it falls into the same rows:
  a worker that can't keep up gets faster, until a round has 12 MB or 100 batches.
- **Rows of their own** is the worst case: every delta is a row that isn't there yet, in every level.
- **%s** is the plain way, for comparison: one row by the minute only, without latencies and without dedupe.
- Postgres has the settings of the embedded one: %s. Its CPU is that of all its processes, checkpoints and autovacuum
  included.
`, mean(turns), sources, thousands(persecond), thousands(accounts), endpoints, len(statuses), strings.ToUpper(perEvent[:1])+perEvent[1:], settings)
	return b.String(), nil
}

func median(turns [][]result, figure func([]result) float64) float64 {
	figures := make([]float64, len(turns))
	for i, t := range turns {
		figures[i] = figure(t)
	}
	slices.SortFunc(figures, cmp.Compare[float64])
	return (figures[len(figures)/2] + figures[(len(figures)-1)/2]) / 2
}

// mean returns how many requests a delta has.
func mean(turns [][]result) float64 {
	r := turns[0][1]
	return float64(r.requests) / float64(r.deltas)
}

// thousands writes a number to three digits, with commas.
func thousands(n float64) string {
	rounded := int(n)
	for unit := 1; unit <= rounded/100; unit *= 10 {
		rounded = int(n) / unit * unit
	}
	s := fmt.Sprint(rounded)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
