package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	embedded "github.com/weirhq/weir/controlplane/embedded/postgres"
	"github.com/weirhq/weir/controlplane/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "queries:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) (err error) {
	flags := flag.NewFlagSet("queries", flag.ContinueOnError)
	data := flags.String("data", "build/bench-queries", "where the data set is kept")
	days := flags.Int("days", 365, "how many days of hours there are, of a new data set")
	o := options{}
	flags.IntVar(&o.rounds, "rounds", 40, "how often each question is asked")
	flags.StringVar(&o.out, "out", "tests/bench/RESULTS-QUERIES.md", "where the results go; empty is the standard output")
	only := flags.String("only", "", "a regular expression of the questions to ask")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	top, err := checkout.Find(".")
	if err != nil {
		return err
	}
	o.dashboard = filepath.Join(string(top), "frontend", "src")
	if *data, err = filepath.Abs(*data); err != nil {
		return err
	}
	server, err := embedded.Start(ctx, embedded.Config{BinDir: top.PostgresBin(), DataDir: *data})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	now, err := prepare(ctx, server.URL(), *days)
	if err != nil {
		return err
	}
	return answer(ctx, server.URL(), &processes{server.PID()}, now, o)
}

// options say what to ask and how.
type options struct {
	rounds    int
	only      *regexp.Regexp
	out       string
	dashboard string // its source
}

// prepare makes the data set unless it is there, and returns the moment that it
// ends with.
func prepare(ctx context.Context, url string, days int) (now time.Time, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return now, err
	}
	defer conn.Close(ctx)
	if conn.QueryRow(ctx, `select at from data_set`).Scan(&now) == nil {
		return now.UTC(), nil
	}
	if err := pgtest.Migrate(ctx, url); err != nil {
		return now, err
	}
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return now, err
	}
	defer db.Close()
	now = time.Now().UTC().Truncate(time.Minute)
	begin := controlplane.ByDay.Truncate(now).AddDate(0, 0, 1-days)
	if err := surround(ctx, conn); err != nil {
		return now, err
	}
	if err := makePartitions(ctx, conn, db, begin, now); err != nil {
		return now, err
	}
	if err := (&maker{url: url}).store(ctx, begin, now); err != nil {
		return now, err
	}
	if err := follow(ctx, conn, now); err != nil {
		return now, err
	}
	_, err = conn.Exec(ctx, `create table data_set as select $1::timestamptz as at`, now)
	return now, err
}

// answer opens a control plane on the data set, asks it, and writes the results.
func answer(ctx context.Context, url string, server *processes, now time.Time, o options) (err error) {
	store, err := os.MkdirTemp("", "weir-queries-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(store)
	a, err := app.Open(ctx, app.Config{
		DatabaseURL: url, StoreDir: store, HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0", PublicURL: "http://weir.example",
		NodeToken: "a-node-token-of-enough-characters-for-this", Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(ctx, "queries", secret); err != nil {
		return err
	}
	if err := sumUp(ctx, a.DB(), now); err != nil {
		return err
	}
	c := client{url: "http://" + a.HTTPAddr(), token: secret.Reveal(), postgres: server}
	if c.documents, err = readDocuments(o.dashboard); err != nil {
		return err
	}
	questions := slices.DeleteFunc(questionsAt(now), func(q question) bool { return !o.only.MatchString(q.page + ", " + q.name) })
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	results := c.measure(ctx, questions, o.rounds)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	text, slow, err := report(ctx, conn, results, o.rounds, strings.Fields(string(load))[0])
	if err != nil {
		return err
	}
	if o.out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	fmt.Printf("%d of %d questions are slower than %v; see %s\n", slow, len(results), goal, o.out)
	before, err := os.ReadFile(o.out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, notes, ok := bytes.Cut(before, []byte("\n## ")); ok {
		text = append(append(text, "\n## "...), notes...) // written by hand
	}
	return os.WriteFile(o.out, text, 0o644)
}

// sumUp waits until all has been summed up that is before a moment, with two at it
// beside the one of the control plane.
func sumUp(ctx context.Context, db *postgres.DB, now time.Time) error {
	all, ctx := errgroup.WithContext(ctx)
	for range 2 {
		all.Go(func() error {
			for built := 1; built > 0; {
				var err error
				if built, err = db.BuildCubes(ctx, now, 1000); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}
