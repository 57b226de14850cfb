package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "upstream":
		return serveUpstream(arguments[1])
	case len(arguments) > 0 && arguments[0] == "long":
		return runLong(ctx, arguments[1:])
	}
	return runCompare(ctx, arguments)
}

func runCompare(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	passes := flags.Int("passes", 24, "how many times each contender is measured")
	only := flags.String("only", "", "some of "+strings.Join(everyone, ",")+", or paths of other builds of the filter")
	callers := flags.Int("keys", 1000, "how many API keys take turns")
	e := effort{connections: 16}
	first := flags.Bool("first", true, "run before all other programs where that is allowed")
	flags.DurationVar(&e.closed, "closed", 750*time.Millisecond, "closed loop of each pass")
	flags.DurationVar(&e.openLoop, "open", 1250*time.Millisecond, "open loop of each pass")
	flags.DurationVar(&e.every, "every", 500*time.Microsecond, "between requests of the open loop")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *first {
		runFirst(realTime)
	}
	names := everyone
	if *only != "" {
		names = strings.Split(*only, ",")
	}
	for _, n := range names {
		if !slices.Contains(everyone, n) && !isBuild(n) {
			return fmt.Errorf("only: there is no %q; choose of %s", n, strings.Join(everyone, ","))
		}
	}
	busy, err := loadAverage()
	if err != nil {
		return err
	}
	var results map[string][]measured
	err = inBench(*callers, func(b bench) (err error) {
		results, err = b.compare(ctx, names, *passes, e)
		return err
	})
	if err != nil {
		return err
	}
	report := busy + compareReport(names, results, e)
	fmt.Print(report)
	if *only != "" {
		return nil // not all that the file should have
	}
	return writeSection(sectionCompare, report)
}

// inBench runs something with an upstream and a directory that go away after it.
func inBench(callers int, do func(bench) error) (err error) {
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	if _, err := os.Stat(top.Filter()); err != nil {
		return errors.New("there is no build/weir.wasm; run make build")
	}
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	upstream, address, err := startUpstream()
	if upstream != nil {
		defer func() {
			_, stopErr := upstream.Stop(context.Background())
			err = errors.Join(err, stopErr)
		}()
	}
	if err != nil {
		return err
	}
	return do(bench{top: top, dir: dir, upstream: address, callers: callers, workers: workers})
}

// workers is how many threads each Envoy serves with. One leaves the other core
// of a small machine to the client and the upstream.
const workers = 1

// Ways to run before other programs: on a machine that others work on, their
// turns and what they leave of the caches would be measured too.
const (
	// A real-time class is never interrupted by others, but Linux holds it up for
	// 50 ms when it takes a whole second, so it is for loads that pause.
	realTime = iota
	// The highest of the ordinary priorities is for those that don't.
	nicest
)

// runFirst gives this process, and those that it starts, a priority, and goes on
// without where that is not allowed.
func runFirst(way int) {
	if err := prioritize(way); err != nil {
		fmt.Fprintln(os.Stderr, "bench: other programs will disturb the figures:", err)
	}
}

func prioritize(way int) error {
	const roundRobin = 2 // SCHED_RR
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: roundRobin, Priority: 1}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list this program's threads: %w", err)
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		switch {
		case err != nil:
		case way == realTime:
			err = unix.SchedSetAttr(tid, &attributes, 0)
		default:
			err = unix.Setpriority(unix.PRIO_PROCESS, tid, -20)
		}
		if err != nil {
			return fmt.Errorf("take a higher priority: %w", err)
		}
	}
	return nil
}

// compare lets the contenders take turns, there and back again.
func (b bench) compare(ctx context.Context, names []string, passes int, e effort) (_ map[string][]measured, err error) {
	all := make([]*contender, 0, len(names))
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.stop())
		}
	}()
	for _, n := range names {
		c, err := b.start(ctx, n)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		warm := e
		warm.closed, warm.openLoop = time.Second, time.Second/4
		if _, err := c.measure(b, warm, 0); err != nil {
			return nil, err
		}
	}
	results := map[string][]measured{}
	for pass := range passes {
		order := slices.Clone(all)
		if pass%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			m, err := c.measure(b, e, pass*7919)
			if err != nil {
				return nil, fmt.Errorf("pass %d: %w", pass+1, err)
			}
			results[c.name] = append(results[c.name], m)
		}
		fmt.Fprintf(os.Stderr, "pass %d of %d\n", pass+1, passes)
	}
	return results, nil
}
