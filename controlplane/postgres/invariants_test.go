package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// TestSumsHold has writers side by side commit batches in any order, more than
// once, of accounts in several zones, of now and of long ago, while others correct
// and import, sweep and drop what is old; and then adds everything up.
func TestSumsHold(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			db, conn := openBoth(t)
			w := newWorld(t, db, seed)
			w.run(t, db)
			wantSumsHold(t, conn)
			w.wantAll(t, conn)
		})
	}
}

// world is what is sent and corrected in one run.
type world struct {
	random      *rand.Rand
	accounts    []controlplane.ID
	zones       map[controlplane.ID]*time.Location
	batches     []*wire.Batch
	corrections []controlplane.NewCorrection
}

func newWorld(t *testing.T, db *postgres.DB, seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 7)), zones: map[controlplane.ID]*time.Location{}}
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		id := accountIn(t, db, name)
		w.accounts, w.zones[id] = append(w.accounts, id), zone
	}
	for sequence := range uint64(2 * wire.MaxFrozen) {
		for source := range byte(3) {
			w.batches = append(w.batches, w.batch(source+1, sequence+1))
		}
	}
	for i := range 40 {
		c := adjustment(w.account(), fmt.Sprint("adjust ", i), w.minute(), w.random.Int64N(20)-10)
		if c.Cost++; i%2 == 0 {
			c.Kind, c.Requests, c.Cost = controlplane.KindImport, w.random.Int64N(10), 1
		}
		w.corrections = append(w.corrections, c)
	}
	return w
}

func (w *world) account() controlplane.ID { return w.accounts[w.random.IntN(len(w.accounts))] }

// minute is now, hours ago, or months ago, where minutes are not kept any more.
func (w *world) minute() time.Time {
	ago := []time.Duration{0, time.Duration(w.random.IntN(100)) * time.Minute, time.Duration(w.random.IntN(400*24)) * time.Hour}[w.random.IntN(3)]
	return time.Now().Add(-ago).Truncate(time.Minute)
}

func (w *world) batch(source byte, sequence uint64) *wire.Batch {
	b := &wire.Batch{Source: wire.SourceID{source}, Sequence: sequence, Node: "gateway-1", BeganMS: time.Now().UnixMilli(), SentMS: time.Now().UnixMilli()}
	seen := map[wire.EntryKey]bool{}
	for range 1 + w.random.IntN(20) {
		key := wire.EntryKey{
			Minute: w.minute().Unix() / 60, Account: uint64(w.account()), Key: w.random.Uint64N(2), Tier: w.random.Uint64N(2),
			Status: []uint16{200, 404, 429, 500}[w.random.IntN(4)], Decision: wire.Allowed,
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		e := wire.Entry{EntryKey: key}
		for i := range 1 + w.random.IntN(25) {
			n := 1 + w.random.Uint64N(4)
			e.Latency = append(e.Latency, wire.Bin{Index: uint16(150 + 3*i), Count: n})
			e.Requests += n
		}
		e.Cost, e.BytesIn, e.BytesOut, e.DurationUS = e.Requests, 700*e.Requests, 2100*e.Requests, 12_000*e.Requests
		e.Shadowed = e.Requests / 3
		b.Entries = append(b.Entries, e)
	}
	b.Meters = []wire.MeterEntry{{MeterKey: wire.MeterKey{Minute: w.minute().Unix() / 60, Account: uint64(w.account()), Meter: 1}, Requests: 1, Amount: w.random.Uint64N(100)}}
	b.Verdicts = []wire.VerdictEntry{{VerdictKey: wire.VerdictKey{Minute: w.minute().Unix() / 60, Account: 1, Limit: 1, Verdict: wire.Denied}, Requests: 1, Amount: 1}}
	b.Sort()
	return b
}

func (w *world) run(t *testing.T, db *postgres.DB) {
	var wg sync.WaitGroup
	try := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for writer := range 4 {
		wg.Go(func() {
			// All that may be under way at the same time, in an order of its own.
			const window = 3 * wire.MaxFrozen
			for i := 0; i < len(w.batches); i += 3 {
				var round []*wire.Batch
				for j := range 3 + writer {
					round = append(round, w.batches[i/window*window+(i*(2*writer+1)+j+writer)%window])
				}
				_, err := db.CommitBatches(context.Background(), round)
				try(err)
			}
			_, err := db.CommitBatches(context.Background(), w.batches)
			try(err)
		})
	}
	for range 2 {
		wg.Go(func() {
			for i := 0; i < len(w.corrections); i += 10 {
				results, err := db.Correct(context.Background(), w.corrections[i:i+10])
				try(err)
				for _, r := range results {
					try(r.Err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			try(db.MakePartitionsAhead(context.Background(), time.Now()))
			_, err := db.AccountSources(context.Background(), time.Hour)
			try(err)
			_, err = db.DropExpired(context.Background(), time.Now())
			try(err)
		}
	})
	wg.Wait()
}

// wantSumsHold compares each level with the finer one, from when on that is kept.
func wantSumsHold(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for _, family := range []struct{ table, dimensions, sums string }{
		{"usage", "account_id, key_id, endpoint_id, tier_id, status, decision", "requests, shadowed, late, cost, bytes_in, bytes_out, duration_us"},
		{"verdict", "limit_id, account_id, verdict", "requests, amount"},
		{"meter", "account_id, key_id, endpoint_id, tier_id, meter_id", "requests, amount, corrected"},
	} {
		for _, pair := range [][2]string{{"minute", "hour"}, {"hour", "day"}, {"day", "month"}} {
			finer, coarser := pair[0], pair[1]
			var differ, compared int
			err := conn.QueryRow(t.Context(), fmt.Sprintf(`
				with kept as (
					select date_trunc('%[3]s', greatest(kept_from, '1970-01-01') + interval '1 %[3]s' - interval '1 microsecond') as since from retention where level = '%[2]s'
				), finer as (
					select date_trunc('%[3]s', bucket) as bucket, %[4]s, %[5]s from %[1]s_%[2]s, kept where bucket >= since group by 1, %[4]s
				), coarser as (
					select bucket, %[4]s, %[6]s from %[1]s_%[3]s, kept where bucket >= since
				)
				select (select count(*) from ((table finer except table coarser) union all (table coarser except table finer)) d), (select count(*) from coarser)`,
				family.table, finer, coarser, family.dimensions, summed(family.sums), casted(family.sums))).Scan(&differ, &compared)
			if err != nil {
				t.Fatal(err)
			}
			if differ != 0 || compared == 0 {
				t.Errorf("%s: %d of %d rows by the %s are not the sum of those by the %s", family.table, differ, compared, coarser, finer)
			}
		}
	}
}

// summed and casted are the columns of a list, added up and as they are, as
// numbers of one type.
func summed(columns string) string { return eachColumn(columns, `sum(%[1]s)::bigint as %[1]s`) }
func casted(columns string) string { return eachColumn(columns, `%[1]s::bigint`) }

func eachColumn(columns, format string) string {
	parts := strings.Split(columns, ", ")
	for i, c := range parts {
		parts[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(parts, ", ")
}

// wantAll compares the levels that are kept for ever with what was sent, by the
// dates of accounts in their zones, and what was sent with how it was noted.
func (w *world) wantAll(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	type key struct {
		Date    string
		Account controlplane.ID
	}
	want := map[string]map[key]int64{}
	add := func(level string, date time.Time, account controlplane.ID, n int64) {
		if level == "month" || level == "local_month" {
			date = time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, time.UTC)
		}
		if want[level] == nil {
			want[level] = map[key]int64{}
		}
		want[level][key{date.Format(time.DateOnly), account}] += n
	}
	count := func(at time.Time, account controlplane.ID, n int64) {
		for _, level := range []string{"day", "month"} {
			add(level, at.UTC(), account, n)
			add("local_"+level, at.In(w.zones[account]), account, n)
		}
	}
	var latencies uint64
	for _, b := range w.batches {
		for _, e := range b.Entries {
			at := time.Unix(e.Minute*60, 0)
			count(at, controlplane.ID(e.Account), int64(e.Requests))
			add("sent", at.UTC(), controlplane.ID(e.Account), int64(e.Requests))
			latencies += e.Latency.Count()
		}
	}
	for _, c := range w.corrections {
		count(c.At, c.AccountID, c.Requests)
	}
	for level, sums := range want {
		sql := `select bucket::date::text, account_id, sum(requests)::bigint from usage_` + level + ` group by 1, 2`
		if level == "sent" {
			sql = `select day::text, account_id, requests from sent_usage`
		}
		got := map[key]int64{}
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		var k key
		var n int64
		if _, err := pgx.ForEachRow(rows, []any{&k.Date, &k.Account, &n}, func() error {
			got[k] = n
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, m := range []map[key]int64{got, sums} {
			for k, n := range m {
				if n == 0 {
					delete(m, k) // shifted away, or corrected to nothing
				}
			}
		}
		if diff := cmp.Diff(sums, got); diff != "" {
			t.Errorf("%s (-sent +stored):\n%s", level, diff)
		}
	}
	for _, level := range []string{"day", "month", "local_day", "local_month"} {
		var stored []byte
		if err := conn.QueryRow(t.Context(), `select string_agg(latency, '') from usage_`+level).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		h, err := usage.ReadLatency(stored)
		if err != nil || h.Count() != latencies {
			t.Errorf("%s: %d latencies, %v; want %d", level, h.Count(), err, latencies)
		}
	}
}
