package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// minuteBatch counts a request of account 7 in the minute of a time.
func minuteBatch(source byte, sequence uint64, at time.Time) *wire.Batch {
	b := batch(source, sequence, 7, 1)
	b.Entries[0].Minute = at.Unix() / 60
	return b
}

// total returns how many requests a level has in all.
func total(t *testing.T, conn *pgx.Conn, level string) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `select coalesce(sum(requests), 0)::bigint from usage_`+level).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func wantTotals(t *testing.T, conn *pgx.Conn, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for level := range want {
		got[level] = total(t, conn, level)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests by level (-want +got):\n%s", diff)
	}
}

// openBoth opens a database, and a plain connection to it.
func openBoth(t *testing.T) (*postgres.DB, *pgx.Conn) {
	t.Helper()
	url := databases.New(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, dial(t, url)
}

func dial(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func TestWhatIsOlderThanItsRetentionIsDroppedAndStaysInCoarserLevels(t *testing.T) {
	db, conn := openBoth(t)
	now := time.Now().UTC().Truncate(time.Minute)
	old, ancient := now.AddDate(0, 0, -40), now.AddDate(-2, 0, 0)
	commit(t, db, minuteBatch(1, 1, now), minuteBatch(1, 2, old), minuteBatch(1, 3, ancient))
	wantTotals(t, conn, map[string]int64{"minute": 3, "hour": 3, "day": 3, "month": 3})
	dropped, err := db.DropExpired(t.Context(), now)
	if err != nil || dropped != 2*3+1*3 {
		t.Errorf("dropped %d tables, %v; want two days of minutes and a month of hours, of three tables each", dropped, err)
	}
	wantTotals(t, conn, map[string]int64{"minute": 1, "hour": 2, "day": 3, "month": 3})
	if dropped, err := db.DropExpired(t.Context(), now); dropped != 0 || err != nil {
		t.Errorf("dropped %d more, %v", dropped, err)
	}

	// What comes late goes where it is kept, though this process has seen the
	// partitions that are gone.
	commit(t, db, minuteBatch(1, 4, old), minuteBatch(1, 5, ancient), minuteBatch(1, 6, now))
	wantTotals(t, conn, map[string]int64{"minute": 2, "hour": 4, "day": 6, "month": 6})
	from, err := db.KeptFrom(t.Context(), controlplane.ByMinute)
	if want := now.AddDate(0, 0, -30).Truncate(24 * time.Hour); err != nil || !from.Equal(want) {
		t.Errorf("minutes are kept from %v, %v; want %v", from, err, want)
	}
}

func TestAClockFarAheadMakesNoPartitions(t *testing.T) {
	db, conn := openBoth(t)
	commit(t, db, minuteBatch(1, 1, time.Now().AddDate(0, 0, 5)), minuteBatch(1, 2, time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC)), minuteBatch(1, 3, time.Unix(0, 0)))
	wantTotals(t, conn, map[string]int64{"minute": 1, "hour": 2, "day": 3, "month": 3})
}

// A commit that ran while a partition was dropped runs again.
func TestACommitFindsThatItsPartitionHasGone(t *testing.T) {
	db, conn := openBoth(t)
	old := time.Now().AddDate(0, 0, -40)
	commit(t, db, minuteBatch(1, 1, old))
	for _, sql := range []string{
		`update retention set kept_from = now() - interval '39 days' where level = 'minute'`,
		`drop table usage_minute_` + old.UTC().Format("20060102"),
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, db, minuteBatch(1, 2, old))
	wantTotals(t, conn, map[string]int64{"minute": 0, "hour": 2, "day": 2, "month": 2})
}

// TestPartitionChangesDoNotBlockCommits has a reader and a writer in the midst of
// their transactions, and a backfill that has not ended.
func TestPartitionChangesDoNotBlockCommits(t *testing.T) {
	url := databases.New(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	now := time.Now()
	old := now.AddDate(0, 0, -40)
	commit(t, db, minuteBatch(1, 1, now), minuteBatch(1, 2, old))

	// It holds the locks of a commit of the old day, and of a reader of everything.
	holder := dial(t, url)
	if _, err := holder.Exec(t.Context(), `begin`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`select count(*) from usage_minute`,
		`update usage_minute set cost = cost where bucket < now() - interval '30 days'`,
		`insert into usage_day select bucket, 99, key_id, endpoint_id, tier_id, status, 7, 1, 0, 0, 0, 0, 0, 0, latency from usage_day`,
	} {
		if _, err := holder.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	// Making partitions waits for nobody.
	if err := db.MakePartitionsAhead(t.Context(), now.AddDate(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	dropping := make(chan error, 1)
	go func() {
		_, err := db.DropExpired(t.Context(), now)
		dropping <- err
	}()
	watcher := dial(t, url)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		var waiting bool
		if err := watcher.QueryRow(t.Context(), `
			select exists (select from pg_locks join pg_stat_activity using (pid)
				where datname = current_database() and not granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting {
			break
		}
		<-tick.C
	}
	// Now the drop waits for the holder, and commits and readers for neither. One
	// that did would wait until the statement timeout, and fail.
	if n := commit(t, db, minuteBatch(1, 3, now), minuteBatch(1, 4, old)); n != 2 {
		t.Errorf("%d batches were new, want 2", n)
	}
	wantTotals(t, watcher, map[string]int64{"minute": 2, "hour": 4, "day": 4, "month": 4})
	select {
	case err := <-dropping:
		t.Fatalf("the drop did not wait for a reader: %v", err)
	default:
	}
	if _, err := holder.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	if err := <-dropping; err != nil {
		t.Error(err)
	}
}

func TestADropThatWasCutShortIsFinished(t *testing.T) {
	for name, cut := range map[string]func(t *testing.T, conn *pgx.Conn, part, url string){
		"detached, not dropped": func(t *testing.T, conn *pgx.Conn, part, _ string) {
			if _, err := conn.Exec(t.Context(), `alter table usage_minute detach partition `+part); err != nil {
				t.Fatal(err)
			}
		},
		"while it waited for a reader": func(t *testing.T, conn *pgx.Conn, part, url string) {
			reader := dial(t, url)
			if _, err := reader.Exec(t.Context(), `begin; select count(*) from usage_minute`); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), `set statement_timeout = '100ms'`); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), `alter table usage_minute detach partition `+part+` concurrently`); err == nil {
				t.Fatal("it did not wait")
			}
			if _, err := reader.Exec(t.Context(), `rollback`); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := databases.New(t)
			db, err := postgres.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			now := time.Now()
			old := now.AddDate(0, 0, -40)
			commit(t, db, minuteBatch(1, 1, old))
			part := "usage_minute_" + old.UTC().Format("20060102")
			cut(t, dial(t, url), part, url)
			if _, err := db.DropExpired(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			var left int
			if err := dial(t, url).QueryRow(t.Context(), `select count(*) from pg_class where relname = $1`, part).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d tables are left, %v", left, err)
			}
			commit(t, db, minuteBatch(1, 2, now), minuteBatch(1, 3, old))
		})
	}
}
