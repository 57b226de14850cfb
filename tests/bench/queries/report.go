package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const goal = 100 * time.Millisecond

// result is what the answers to a question took.
type result struct {
	question
	costs   []cost
	refused string // why there is no answer
}

// measure asks all questions in turn, so many rounds after one that warms caches.
// A question that can't be answered is a result, too.
func (c *client) measure(ctx context.Context, questions []question, rounds int) []result {
	results := make([]result, len(questions))
	for round := range rounds + 1 {
		for i, q := range questions {
			if results[i].question = q; results[i].refused != "" {
				continue
			}
			took, err := c.ask(ctx, q)
			switch {
			case err != nil:
				results[i].refused = err.Error()
				fmt.Fprintln(os.Stderr, "queries:", err)
			case round > 0:
				results[i].costs = append(results[i].costs, took)
			}
		}
	}
	return results
}

// percentile returns the least of durations that a part of them is not above.
func (r *result) percentile(part float64, of func(cost) time.Duration) time.Duration {
	var all []time.Duration
	for _, c := range r.costs {
		all = append(all, of(c))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(part*float64(len(all))))]
}

func wholeOf(c cost) time.Duration    { return c.whole }
func postgresOf(c cost) time.Duration { return c.postgres }
func controlOf(c cost) time.Duration  { return c.control }

// report writes the table of results and what they were measured on.
func report(ctx context.Context, conn *pgx.Conn, results []result, rounds int, load string) (text []byte, slow int, err error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What questions cost

Made by `+"`make bench-queries`"+`: what the pages of the dashboard ask, with the GraphQL documents of its own source, over
HTTP on one connection, %d times each in turn after a round that warms caches. The data set is of %d accounts × %d endpoints;
client, control plane and Postgres share the machine's two cores with other programs. Times are in milliseconds: p50 and p95
from the request to the last byte of the answer, and the medians of what Postgres and the control plane (with the client) used
of a processor for it, which tell more than times do while others keep the machine busy. Load average of the minute before: %s.

`, rounds, accounts, endpoints, load)
	if err := size(ctx, conn, &b); err != nil {
		return nil, 0, err
	}
	var refused []string
	fmt.Fprint(&b, "\n| page | question | p50 | p95 | Postgres CPU | control plane CPU |\n|---|---|---:|---:|---:|---:|\n")
	for i := range results {
		r := &results[i]
		if r.refused != "" {
			refused = append(refused, fmt.Sprintf("%s, %s: %s", r.page, r.name, r.refused))
			fmt.Fprintf(&b, "| %s | %s | refused | **missed** | | |\n", r.page, r.name)
			slow++
			continue
		}
		p95 := r.percentile(0.95, wholeOf)
		mark := ""
		if p95 > goal {
			slow++
			mark = " **missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s%s | %s | %s |\n", r.page, r.name, ms(r.percentile(0.5, wholeOf)), ms(p95), mark, ms(r.percentile(0.5, postgresOf)), ms(r.percentile(0.5, controlOf)))
	}
	if len(results) == 0 {
		return nil, 0, errors.New("no question has that name")
	}
	worst := slices.MaxFunc(results, func(a, b result) int {
		return cmp.Compare(a.percentile(0.95, wholeOf), b.percentile(0.95, wholeOf))
	})
	fmt.Fprintf(&b, "\nGoal: p95 at most %s ms. %d of %d questions meet it; the slowest is %s, %s.\n", ms(goal), len(results)-slow, len(results), worst.page, worst.name)
	light := 0
	for i := range results {
		r := &results[i]
		if used := r.percentile(0.5, func(c cost) time.Duration { return c.postgres + c.control }); r.refused == "" && used <= goal {
			light++
		}
	}
	fmt.Fprintf(&b, "%d of %d use at most %s ms of a processor, Postgres and control plane together, at the median.\n", light, len(results), ms(goal))
	for _, why := range refused {
		fmt.Fprintf(&b, "\nRefused: %s.\n", why)
	}
	return b.Bytes(), slow, nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }

// size says how much there is.
func size(ctx context.Context, conn *pgx.Conn, b *bytes.Buffer) error {
	fmt.Fprint(b, "| level | rows, millions | with indexes, GB |\n|---|---:|---:|\n")
	for _, level := range []string{"minute", "hour", "day", "month"} {
		var rows, bytes float64
		err := conn.QueryRow(ctx, `
			select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8, coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8
			from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = ('usage_' || $1)::regclass`, level).Scan(&rows, &bytes)
		if err != nil {
			return fmt.Errorf("measure the data set: %w", err)
		}
		fmt.Fprintf(b, "| %s | %.1f | %.1f |\n", level, rows/1e6, bytes/1e9)
	}
	var sums float64
	err := conn.QueryRow(ctx, `
		select sum(pg_total_relation_size(oid))::float8 from pg_class
		where relkind = 'r' and relname ~ '^(usage_(caller|pair)_(hour|day|month)|cube.*)$'`).Scan(&sums)
	if err != nil {
		return fmt.Errorf("measure the sums: %w", err)
	}
	fmt.Fprintf(b, "| sums of these (cubes) | | %.1f |\n", sums/1e9)
	return nil
}
