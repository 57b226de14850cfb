package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// longRun is ten million requests to Weir, in slices between which the Envoy
// without a filter gets its own, so that both meet the same machine.
type longRun struct {
	requests    int
	slices      int
	share       int // Weir gets so many times the requests of no filter
	connections int
	keys        int
}

// settledAfter is one over the fraction of the requests after which memory is not
// to grow.
const settledAfter = 5

func runLong(ctx context.Context, arguments []string) (err error) {
	flags := flag.NewFlagSet("bench long", flag.ContinueOnError)
	l := longRun{slices: 200, share: 4, connections: 16}
	flags.IntVar(&l.requests, "requests", 10_000_000, "to Weir")
	flags.IntVar(&l.keys, "keys", 100_000, "how many API keys take turns")
	within := flags.Duration("within", 10*time.Minute, "stop sending after so long")
	first := flags.Bool("first", true, "run before all other programs where that is allowed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if unit := l.slices * l.share; l.requests < unit || l.requests%unit != 0 || l.keys < 1 {
		return fmt.Errorf("requests: give a multiple of %d, and keys: at least one", unit)
	}
	if *first {
		runFirst(nicest)
	}
	busy, err := loadAverage()
	if err != nil {
		return err
	}
	var report string
	err = inBench(l.keys, func(b bench) (err error) {
		report, err = l.run(ctx, b, time.Now().Add(*within))
		return err
	})
	if err != nil {
		return err
	}
	report = busy + report
	fmt.Print(report)
	return writeSection(sectionLong, report)
}

// total is what one of the two did in all slices.
type total struct {
	outcome
	began, settled, ended uint64 // resident bytes; settled is 0 until a fifth is done
}

func (l longRun) run(ctx context.Context, b bench, until time.Time) (_ string, err error) {
	var both [2]*contender
	for i, n := range []string{none, weir} {
		c, err := b.start(ctx, n)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, c.stop()) }()
		both[i] = c
	}
	var totals [2]total
	for i := range totals {
		totals[i].latencies = newLatencies()
		if totals[i].began, err = residentBytes(both[i].envoy.PID()); err != nil {
			return "", err
		}
	}
	done := 0
	for ; done < l.slices && time.Now().Before(until); done++ {
		for i, c := range both {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			n := l.requests / l.slices
			if c.name == none {
				n /= l.share
			}
			if err := totals[i].add(c, n, l); err != nil {
				return "", fmt.Errorf("slice %d: %w", done+1, err)
			}
			if done+1 == l.slices/settledAfter {
				totals[i].settled = totals[i].ended
			}
		}
		fmt.Fprintf(os.Stderr, "slice %d of %d: %s MB, worst %.1f ms; without a filter worst %.1f ms\n", done+1, l.slices,
			megabytes(totals[1].ended), milliseconds(totals[1].latencies.worst), milliseconds(totals[0].latencies.worst))
	}
	if err := l.checkCounts(both[1], totals[1].completed); err != nil {
		return "", err
	}
	return l.report(totals[0], totals[1]), nil
}

// add sends one slice.
func (t *total) add(c *contender, requests int, l longRun) error {
	o, err := load{
		address: c.address, connections: l.connections, keys: l.keys, firstKey: t.completed, requests: requests,
	}.run()
	if err != nil {
		return err
	}
	if len(o.refused) > 0 {
		return fmt.Errorf("%s refused requests that it should have let pass: by status, %v", c.name, o.refused)
	}
	t.completed += o.completed
	t.took += o.took
	t.latencies.merge(o.latencies)
	t.ended, err = residentBytes(c.envoy.PID())
	return err
}

// checkCounts waits until the filter has reported every request once.
func (l longRun) checkCounts(c *contender, sent int) error {
	deadline := time.Now().Add(time.Minute)
	for {
		counted, err := c.edge.counted()
		switch {
		case err != nil:
			return err
		case counted == uint64(sent):
			return nil
		case counted > uint64(sent) || time.Now().After(deadline):
			return fmt.Errorf("the filter counted %d requests of %d", counted, sent)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (l longRun) report(bare, w total) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests over %d keys in turn to Weir, and between them %d to an Envoy without a filter, "+
		"from %d connections as fast as they go. Every one was counted once.\n\n", w.completed, l.keys, bare.completed, l.connections)
	b.WriteString("| | requests/s | p50, ms | p99, ms | p99.99, ms | worst, ms | memory at the start, MB | after a fifth | at the end |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range []struct {
		name string
		total
	}{{none, bare}, {weir, w}} {
		q := func(q float64) float64 { return milliseconds(row.latencies.quantile(q)) }
		fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.2f | %.2f | %.1f | %s | %s | %s |\n", row.name, row.perSecond(),
			q(0.5), q(0.99), q(0.9999), milliseconds(row.latencies.worst), megabytes(row.began), megabytes(row.settled), megabytes(row.ended))
	}
	b.WriteString("\n| goal | measured | |\n|---|---|---|\n")
	more := milliseconds(w.latencies.worst - bare.latencies.worst)
	growth, grown := 0.0, "the run ended before"
	if w.settled > 0 && w.completed == l.requests {
		growth = 100 * (float64(w.ended)/float64(w.settled) - 1)
		grown = fmt.Sprintf("%+.1f %%", growth)
	}
	for _, g := range []goal{
		{"worst latency: at most 10 ms above the worst without a filter", fmt.Sprintf("%+.1f ms", more), more <= 10},
		{"memory at the end: within 2 % of what it was after a fifth", grown, w.completed == l.requests && growth <= 2 && growth >= -2},
		{"ten million requests", fmt.Sprint(w.completed), w.completed >= 10_000_000},
	} {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.text, g.measured, verdict(g.met))
	}
	return b.String()
}

// megabytes writes a size, or a dash for one that was not measured.
func megabytes(bytes uint64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(bytes)/1e6)
}
