package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	embedded "github.com/weirhq/weir/controlplane/embedded/postgres"
)

const nodeToken = "a-node-token-of-enough-characters-for-this"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		err = serve(ctx, os.Args[2:])
	} else {
		err = run(ctx, os.Args[1:])
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// plan says what to measure.
type plan struct {
	subscribers       int
	passes            int
	pass, freshFor    time.Duration
	rate, workers     int // requests per second; worker threads that send batches
	accounts          int
	endpoints         int // that an account calls
	database, results string
	stack             string // where the server writes its log
}

func run(ctx context.Context, arguments []string) (err error) {
	var p plan
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.IntVar(&p.subscribers, "subscribers", 5000, "how many subscribers there are")
	flags.IntVar(&p.passes, "passes", 2, "how often each transport is measured, in turn")
	flags.DurationVar(&p.pass, "pass", 20*time.Second, "how long a pass is")
	flags.DurationVar(&p.freshFor, "fresh", 30*time.Second, "how long requests are timed")
	flags.IntVar(&p.rate, "rate", 20_000, "requests per second that are timed")
	flags.IntVar(&p.workers, "workers", 4, "filter workers that send them")
	flags.IntVar(&p.accounts, "accounts", 1000, "accounts that send them")
	flags.IntVar(&p.endpoints, "endpoints", 2, "endpoints that an account calls")
	flags.StringVar(&p.results, "results", "tests/bench/RESULTS-LIVE.md", "where the results are written")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "weir-bench-live-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p.stack = filepath.Join(dir, "server.log")
	server, err := embedded.Start(ctx, embedded.Config{BinDir: top.PostgresBin(), DataDir: filepath.Join(dir, "postgres")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	p.database = server.URL()
	if err := pgtest.Migrate(ctx, p.database); err != nil {
		return err
	}
	return measure(ctx, p)
}

func measure(ctx context.Context, p plan) error {
	var r report
	r.plan, r.load = p, loadAverage()
	for range p.passes {
		for _, transport := range []string{"shared", "stock"} {
			f, err := fanOut(ctx, p, transport)
			if err != nil {
				return fmt.Errorf("measure %s: %w", transport, err)
			}
			fmt.Printf("%s: %.1f %% of a core for %.0f events a second\n", transport, 100*f.cores(), f.rate())
			r.fanOuts = append(r.fanOuts, f)
		}
	}
	var err error
	if r.fresh, err = freshness(ctx, p); err != nil {
		return fmt.Errorf("measure freshness: %w", err)
	}
	if err := os.WriteFile(p.results, []byte(r.text()), 0o644); err != nil {
		return err
	}
	fmt.Print(r.text())
	return nil
}
