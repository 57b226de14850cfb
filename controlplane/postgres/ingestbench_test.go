package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	embedded "github.com/weirhq/weir/controlplane/embedded/postgres"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// The workload: 8 sources send a batch a second each, with 2,500 entries of 1,000
// accounts × 20 endpoints × 4 statuses, drawn by Zipf's law, each with 5 to 25
// bins of latency.
const (
	benchSources   = 8
	benchEntries   = 2500
	benchAccounts  = 1000
	benchEndpoints = 20
)

var benchStatuses = [...]uint16{200, 404, 429, 500}

// settings are those that a Postgres for this load has in any case: room for what
// is written again and again, and checkpoints no oftener than its timeout says.
// All else, fsync and full_page_writes among it, is as Postgres comes.
const settings = "shared_buffers = 512MB\nmax_wal_size = 8GB\n"

// durable starts a Postgres that syncs what it commits, and returns its URL and
// the CPU time that all its processes have used.
func durable(b *testing.B) (url string, cpu func() time.Duration) {
	b.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	config := embedded.Config{BinDir: top.PostgresBin(), DataDir: dir}
	server, err := embedded.Start(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "postgresql.auto.conf"))
	if err != nil || len(found) != 1 {
		b.Fatalf("find Postgres's configuration: %v, %v", found, err)
	}
	if err := os.WriteFile(found[0], []byte(settings), 0o600); err != nil {
		b.Fatal(err)
	}
	if server, err = embedded.Start(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	})
	if err := pgtest.Migrate(b.Context(), server.URL()); err != nil {
		b.Fatal(err)
	}
	return server.URL(), func() time.Duration { return familyCPU(b, server.PID()) }
}

// familyCPU returns the CPU time of a process, of its children and of those of
// them that have ended.
func familyCPU(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	const tick = time.Second / 100
	for _, file := range stats {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
		number := func(i int) int {
			n, err := strconv.Atoi(string(fields[i]))
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
		own := filepath.Base(filepath.Dir(file)) == strconv.Itoa(pid)
		if own || number(1) == pid {
			sum += time.Duration(number(11)+number(12)) * tick
		}
		if own {
			sum += time.Duration(number(13)+number(14)) * tick
		}
	}
	return sum
}

// second returns what the sources send in a second, and how many requests that is.
func second(random *rand.Rand, sequence uint64, minute int64) (batches []*wire.Batch, requests int64) {
	accounts := rand.NewZipf(random, 1.1, 8, benchAccounts-1)
	endpoints := rand.NewZipf(random, 1.2, 2, benchEndpoints-1)
	for source := range benchSources {
		b := newBatch(byte(source+1), sequence)
		drawn := map[wire.EntryKey]bool{}
		for len(b.Entries) < benchEntries {
			account := 1 + accounts.Uint64()
			key := wire.EntryKey{
				Minute: minute, Account: account, Key: account, Endpoint: 1 + endpoints.Uint64(), Tier: 1 + account%3,
				Status: benchStatuses[min(3, int(random.ExpFloat64()*1.2))], Decision: wire.Allowed,
			}
			if key.Status == 429 {
				key.Decision = wire.Throttled
			}
			if drawn[key] {
				continue
			}
			drawn[key] = true
			e := entryOf(random, key)
			requests += int64(e.Requests)
			b.Entries = append(b.Entries, e)
		}
		b.Sort()
		batches = append(batches, b)
	}
	return batches, requests
}

// distinct returns batches of which each entry is a row of its own.
func distinct(random *rand.Rand, sequence uint64, minute int64) (batches []*wire.Batch, requests int64) {
	for source := range benchSources {
		b := newBatch(byte(source+1), sequence)
		for i := range uint64(benchEntries) {
			account := (sequence*benchSources+uint64(source))*benchEntries + i
			e := entryOf(random, wire.EntryKey{Minute: minute, Account: account, Key: account, Endpoint: 1, Tier: 1, Status: 200, Decision: wire.Allowed})
			requests += int64(e.Requests)
			b.Entries = append(b.Entries, e)
		}
		batches = append(batches, b)
	}
	return batches, requests
}

func newBatch(source byte, sequence uint64) *wire.Batch {
	return &wire.Batch{Source: wire.SourceID{source}, Sequence: sequence, Node: "gateway-1", BeganMS: time.Now().UnixMilli(), SentMS: time.Now().UnixMilli()}
}

// entryOf draws 5 to 25 neighbouring bins with one request or a few in each.
func entryOf(random *rand.Rand, key wire.EntryKey) wire.Entry {
	e := wire.Entry{EntryKey: key}
	first, bins := 150+random.IntN(60), 5+random.IntN(21)
	for i := range bins {
		n := 1 + uint64(random.ExpFloat64())
		e.Latency = append(e.Latency, wire.Bin{Index: uint16(first + 2*i), Count: n})
		e.Requests += n
	}
	e.Cost, e.BytesIn, e.BytesOut, e.DurationUS = e.Requests, 700*e.Requests, 2100*e.Requests, 12_000*e.Requests
	return e
}

// BenchmarkIngest commits to a Postgres that syncs, on one connection at a time,
// what has piled up in some seconds: what the worker finds when it can't keep up,
// so the rate that it can hold.
func BenchmarkIngest(b *testing.B) {
	for _, load := range []struct {
		name string
		make func(*rand.Rand, uint64, int64) ([]*wire.Batch, int64)
	}{{"zipf", second}, {"distinct", distinct}} {
		for _, seconds := range []int{1, 3} {
			b.Run(fmt.Sprintf("%s/seconds=%d", load.name, seconds), func(b *testing.B) {
				url, cpu := durable(b)
				db, err := postgres.Open(b.Context(), url)
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				if err := db.MakePartitionsAhead(b.Context(), time.Now()); err != nil {
					b.Fatal(err)
				}
				random := rand.New(rand.NewPCG(1, 2))
				var requests, deltas int64
				var sequence uint64
				var used time.Duration
				began := time.Now().Truncate(time.Minute)
				for b.Loop() {
					b.StopTimer()
					var round []*wire.Batch
					for range seconds {
						minute := began.Add(time.Duration(sequence)*time.Second).Unix() / 60
						sequence++
						batches, n := load.make(random, sequence, minute)
						round = append(round, batches...)
						requests += n
					}
					before := cpu()
					b.StartTimer()
					fresh, err := db.CommitBatches(context.Background(), round)
					if err != nil || len(fresh) != len(round) {
						b.Fatalf("%d of %d batches are new, %v", len(fresh), len(round), err)
					}
					b.StopTimer()
					used += cpu() - before
					deltas += int64(len(round) * benchEntries)
					b.StartTimer()
				}
				b.ReportMetric(float64(deltas)/b.Elapsed().Seconds(), "deltas/s")
				b.ReportMetric(float64(requests)/float64(deltas), "requests/delta")
				b.ReportMetric(float64(requests)/used.Seconds(), "requests/pg-cpu-s")
				b.ReportMetric(float64(deltas)/used.Seconds(), "deltas/pg-cpu-s")
			})
		}
	}
}

// BenchmarkPerEvent counts the same requests as BenchmarkIngest in the plain way:
// one upsert of one row for each request, by the minute only, without latencies
// and without dedupe.
func BenchmarkPerEvent(b *testing.B) {
	url, cpu := durable(b)
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `
		create table events_minute (
			bucket timestamptz, account_id bigint, key_id bigint, endpoint_id bigint, tier_id bigint, status smallint, decision smallint,
			requests bigint not null, cost bigint not null, bytes_in bigint not null, bytes_out bigint not null, duration_us bigint not null,
			primary key (bucket, account_id, key_id, endpoint_id, tier_id, status, decision)
		) with (fillfactor = 50)`); err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	minute := time.Now().Truncate(time.Minute)
	batches, _ := second(random, 1, minute.Unix()/60)
	var events []*wire.Entry
	for _, batch := range batches {
		for i := range batch.Entries {
			for range batch.Entries[i].Requests {
				events = append(events, &batch.Entries[i])
			}
		}
	}
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	events = slices.Clip(events)
	before, n := cpu(), 0
	for b.Loop() {
		e := events[n%len(events)]
		n++
		if _, err := conn.Exec(b.Context(), `
			insert into events_minute as u values ($1, $2, $3, $4, $5, $6, $7, 1, 1, $8, $9, $10)
			on conflict (bucket, account_id, key_id, endpoint_id, tier_id, status, decision) do update set
				requests = u.requests + 1, cost = u.cost + 1, bytes_in = u.bytes_in + excluded.bytes_in,
				bytes_out = u.bytes_out + excluded.bytes_out, duration_us = u.duration_us + excluded.duration_us`,
			minute, int64(e.Account), int64(e.Key), int64(e.Endpoint), int64(e.Tier), int16(e.Status), int16(e.Decision), 700, 2100, 12_000); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/(cpu()-before).Seconds(), "requests/pg-cpu-s")
}
