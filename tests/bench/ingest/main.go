package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	embedded "github.com/weirhq/weir/controlplane/embedded/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) (err error) {
	flags := flag.NewFlagSet("ingest", flag.ContinueOnError)
	turns := flags.Int("turns", 3, "how often each measurement is taken")
	lasts := flags.Duration("lasts", 5*time.Second, "how long one writes")
	out := flags.String("out", "tests/bench/RESULTS-INGEST.md", "where the results go; empty is the standard output")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *turns < 1 || *lasts <= 0 {
		return errors.New("turns and lasts: give more than nothing")
	}
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "weir-ingest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := embedded.Start(ctx, embedded.Config{BinDir: top.PostgresBin(), DataDir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	var results [][]result
	for turn := range *turns {
		of := make([]result, len(measurements()))
		for i := range of {
			// Each is first in some turn, and none always follows the same one.
			n := (i*(1+turn%2*4) + turn) % len(of)
			if of[n], err = measure(ctx, server, measurements()[n], *lasts); err != nil {
				return fmt.Errorf("measure %s: %w", measurements()[n].name, err)
			}
			fmt.Fprintf(os.Stderr, "%-28s %8.0f deltas/s %8.0f deltas/CPU-s %9.0f requests/CPU-s\n", measurements()[n].name,
				of[n].deltasASecond(), of[n].deltasACPUSecond(), of[n].requestsACPUSecond())
		}
		results = append(results, of)
	}
	settings, err := settingsOf(ctx, server.URL())
	if err != nil {
		return err
	}
	text, err := report(results, *lasts, settings)
	if err != nil || *out == "" {
		fmt.Print(text)
		return err
	}
	return os.WriteFile(*out, []byte(text), 0o644)
}

// measure takes a measurement in a database of its own.
func measure(ctx context.Context, server *embedded.Server, m measurement, lasts time.Duration) (r result, err error) {
	const name = "measured"
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return r, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{`drop database if exists ` + name, `create database ` + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return r, err
		}
	}
	at, err := url.Parse(server.URL())
	if err != nil {
		return r, err
	}
	at.Path = name
	if err := pgtest.Migrate(ctx, at.String()); err != nil {
		return r, err
	}
	return m.run(ctx, at.String(), lasts, func() time.Duration { return familyCPU(server.PID()) })
}

// settingsOf lists what the server was told to do otherwise than by default.
func settingsOf(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `
		select name || ' ' || current_setting(name) from pg_settings
		where source = 'command line' and name in ('shared_buffers', 'max_wal_size', 'min_wal_size', 'checkpoint_timeout') order by name`)
	if err != nil {
		return "", err
	}
	settings, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(settings, ", "), err
}
