package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// The data set: 1,000 accounts × 20 endpoints, drawn by Zipf's law, in every
// minute of 30 days so many rows that there are ten million; the hours, days and
// months that follow from them, and as many hours for the time before.
const (
	accounts      = 1000
	endpoints     = 20
	sources       = 8
	minuteDays    = 30
	rowsPerMinute = 232
)

// mix is the statuses of a hundred requests.
var mix = func() (statuses []uint16) {
	for status, n := range map[uint16]int{200: 90, 404: 4, 429: 4, 500: 2} {
		for range n {
			statuses = append(statuses, status)
		}
	}
	return statuses
}()

// row is a rollup row as it is drawn.
type row struct {
	account, endpoint uint64
	status            uint16
	requests          int64
}

func (r row) decision() wire.Decision {
	if r.status == 429 {
		return wire.Throttled
	}
	return wire.Allowed
}

type pair struct {
	account, endpoint uint64
	status            uint16
}

// maker draws and stores the data set.
type maker struct {
	conn      *pgx.Conn
	random    *rand.Rand
	accounts  *rand.Zipf
	endpoints *rand.Zipf
	latencies [][]byte // some to choose from
	rows      map[string]int64
}

func newMaker(conn *pgx.Conn) *maker {
	random := rand.New(rand.NewPCG(1, 2))
	m := &maker{
		conn: conn, random: random, rows: map[string]int64{},
		accounts: rand.NewZipf(random, 1.1, 8, accounts-1), endpoints: rand.NewZipf(random, 1.2, 2, endpoints-1),
	}
	for range 1000 {
		var h wire.Histogram
		first := 150 + random.IntN(60)
		for i := range 5 + random.IntN(21) {
			h = append(h, wire.Bin{Index: uint16(first + 2*i), Count: 1 + uint64(random.ExpFloat64())})
		}
		m.latencies = append(m.latencies, usage.AppendLatency(nil, h))
	}
	return m
}

// minute draws the rows of one minute.
func (m *maker) minute() map[pair]int64 {
	rows := make(map[pair]int64, rowsPerMinute)
	for len(rows) < rowsPerMinute {
		rows[pair{1 + m.accounts.Uint64(), 1 + m.endpoints.Uint64(), mix[m.random.IntN(len(mix))]}] += 1 + int64(m.random.ExpFloat64()*20)
	}
	return rows
}

// store writes the data set up to now, with so many days of hours.
func (m *maker) store(ctx context.Context, db *postgres.DB, now time.Time, days int) error {
	if err := m.policy(ctx); err != nil {
		return err
	}
	today := controlplane.ByDay.Truncate(now)
	begin := today.AddDate(0, 0, 1-days)
	if err := preparePartitions(ctx, db, begin, now); err != nil {
		return err
	}
	month := map[pair]int64{}
	for day := begin; !day.After(today); day = day.AddDate(0, 0, 1) {
		if day.Day() == 1 && len(month) > 0 {
			if err := m.copy(ctx, "month", controlplane.ByMonth.Truncate(day.AddDate(0, 0, -1)), month); err != nil {
				return err
			}
			clear(month)
		}
		if err := m.day(ctx, day, now, month); err != nil {
			return err
		}
	}
	if err := m.copy(ctx, "month", controlplane.ByMonth.Truncate(today), month); err != nil {
		return err
	}
	_, err := m.conn.Exec(ctx, `vacuum analyze`)
	return err
}

// day stores a day's minutes, if they are kept, its hours and itself.
func (m *maker) day(ctx context.Context, day, now time.Time, month map[pair]int64) error {
	sums := map[pair]int64{}
	for hour := day; hour.Before(day.AddDate(0, 0, 1)) && hour.Before(now); hour = hour.Add(time.Hour) {
		ofHour := map[pair]int64{}
		for at := hour; at.Before(hour.Add(time.Hour)) && at.Before(now); at = at.Add(time.Minute) {
			rows := m.minute()
			for p, n := range rows {
				ofHour[p] += n
			}
			if now.Sub(at) < minuteDays*24*time.Hour {
				if err := m.copy(ctx, "minute", at, rows); err != nil {
					return err
				}
			}
		}
		for p, n := range ofHour {
			sums[p] += n
		}
		if err := m.copy(ctx, "hour", hour, ofHour); err != nil {
			return err
		}
	}
	for p, n := range sums {
		month[p] += n
	}
	if err := m.copy(ctx, "day", day, sums); err != nil {
		return err
	}
	return m.sent(ctx, day, sums)
}

var usageColumns = []string{
	"bucket", "account_id", "key_id", "endpoint_id", "tier_id", "status", "decision",
	"requests", "shadowed", "late", "cost", "bytes_in", "bytes_out", "duration_us", "latency",
}

func (m *maker) copy(ctx context.Context, level string, bucket time.Time, rows map[pair]int64) error {
	values := make([][]any, 0, len(rows))
	for p, n := range rows {
		r := row{p.account, p.endpoint, p.status, n}
		values = append(values, []any{
			bucket, int64(r.account), int64(r.account), int64(r.endpoint), int64(1 + r.account%3), int16(r.status), int16(r.decision()),
			n, int64(0), int64(0), n, 700 * n, 2100 * n, 12_000 * n, m.latencies[m.random.IntN(len(m.latencies))],
		})
	}
	m.rows[level] += int64(len(values))
	_, err := m.conn.CopyFrom(ctx, pgx.Identifier{"usage_" + level}, usageColumns, pgx.CopyFromRows(values))
	if err != nil {
		return fmt.Errorf("store the %s of %v: %w", level, bucket, err)
	}
	return nil
}

// sent stores that the sources sent a day's usage, each a part of it.
func (m *maker) sent(ctx context.Context, day time.Time, sums map[pair]int64) error {
	byAccount := map[uint64]int64{}
	for p, n := range sums {
		byAccount[p.account] += n
	}
	var values [][]any
	for account, n := range byAccount {
		for s := range int64(sources) {
			part := n / sources
			if s == 0 {
				part += n % sources
			}
			values = append(values, []any{day, int64(account), [16]byte{byte(s + 1)}, part})
		}
	}
	_, err := m.conn.CopyFrom(ctx, pgx.Identifier{"sent_usage"}, []string{"day", "account_id", "source", "requests"}, pgx.CopyFromRows(values))
	if err != nil {
		return fmt.Errorf("store what was sent on %v: %w", day, err)
	}
	return nil
}

// policy stores what usage names.
func (m *maker) policy(ctx context.Context) error {
	for _, sql := range []string{
		`insert into tiers (name) select 'Tier ' || n from generate_series(1, 3) n`,
		fmt.Sprintf(`insert into accounts (name, tier_id) select 'Account ' || n, 1 + n %% 3 from generate_series(1, %d) n`, accounts),
		fmt.Sprintf(`insert into keys (account_id, name, prefix, digest) select n, 'Key ' || n, 'weir_', sha256(n::text::bytea) from generate_series(1, %d) n`, accounts),
		fmt.Sprintf(`insert into endpoints (method, template, route, cost) select 'GET', '/v1/things' || n, '/v1/things' || n, 1 from generate_series(1, %d) n`, endpoints),
		fmt.Sprintf(`insert into sources (source, node, began_at) select (lpad(to_hex(n), 2, '0') || repeat('0', 30))::uuid, 'gateway-' || n, now() from generate_series(1, %d) n`, sources),
	} {
		if _, err := m.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("store the policy: %w", err)
		}
	}
	return nil
}

// preparePartitions has commits make the partitions, with a request of nobody's in
// each.
func preparePartitions(ctx context.Context, db *postgres.DB, begin, now time.Time) error {
	b := &wire.Batch{Source: wire.SourceID{99}, Sequence: 1, Node: "gateway-99"}
	for t := begin; !t.After(now); t = t.AddDate(0, 0, 1) {
		b.Entries = append(b.Entries, wire.Entry{EntryKey: wire.EntryKey{Minute: t.Unix() / 60, Decision: wire.Unready}, Requests: 1})
	}
	_, err := db.CommitBatches(ctx, []*wire.Batch{b})
	return err
}
