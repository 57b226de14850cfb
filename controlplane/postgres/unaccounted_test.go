package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// counting is batch with how much the source has counted by then.
func counting(source byte, sequence, n, counted uint64) *wire.Batch {
	b := batch(source, sequence, 7, n)
	b.Counted, b.BeganMS = counted, time.Now().UnixMilli()
	return b
}

func see(t *testing.T, db *postgres.DB, messages ...*wire.Batch) {
	t.Helper()
	for _, m := range messages {
		if err := db.SeeWorker(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func heartbeat(source byte, counted uint64) *wire.Batch {
	return &wire.Batch{Source: wire.SourceID{source}, Node: "gateway-1", Counted: counted, BeganMS: time.Now().UnixMilli()}
}

func account(t *testing.T, db *postgres.DB, silentFor time.Duration) postgres.Accounting {
	t.Helper()
	a, err := db.AccountSources(t.Context(), silentFor)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// missing is what a row says.
type missing struct {
	Kind            string
	AtLeast, AtMost int64 // at most -1: nobody knows
	Resolved        bool
}

func wantMissing(t *testing.T, db *postgres.DB, want ...missing) {
	t.Helper()
	rows, _, err := db.UnaccountedUsage(t.Context(), nil, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []missing
	for _, r := range rows {
		if r.Node != "gateway-1" || r.Until != nil && r.Until.Before(r.From) || (r.Until == nil) != (r.AtMost == nil) {
			t.Errorf("%+v", r)
		}
		m := missing{r.Kind, r.AtLeast, -1, r.ResolvedAt != nil}
		if r.AtMost != nil {
			m.AtMost = *r.AtMost
		}
		got = append(got, m)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unaccounted, newest first (-want +got):\n%s", diff)
	}
}

const now, never = 0, time.Hour // how long a source is silent until it has ended

func TestASilentSourceIsAccountedForOnceByAnyNumberOfSweeps(t *testing.T) {
	db := open(t)
	commit(t, db, counting(1, 1, 5, 5), counting(1, 2, 3, 8))
	see(t, db, counting(1, 2, 3, 8), heartbeat(1, 10))
	if a := account(t, db, never); a != (postgres.Accounting{}) {
		t.Errorf("while it is heard: %+v", a)
	}
	var wg sync.WaitGroup
	found := make([]int, 6)
	for i := range found {
		wg.Go(func() {
			a, err := db.AccountSources(t.Context(), now)
			if err != nil {
				t.Error(err)
			}
			found[i] = a.Found
		})
	}
	wg.Wait()
	if a := account(t, db, now); a != (postgres.Accounting{}) {
		t.Errorf("once it has ended: %+v", a)
	}
	wantMissing(t, db, missing{"SILENT", 2, -1, false})
}

func TestASourceThatIsHeardAgainResolvesItsRow(t *testing.T) {
	db := open(t)
	commit(t, db, counting(1, 1, 5, 5), counting(1, 3, 2, 10)) // 2 has 3 requests
	see(t, db, heartbeat(1, 12))
	account(t, db, now)
	wantMissing(t, db, missing{"SILENT", 2, -1, false}, missing{"GAP", 3, 3, false})
	commit(t, db, counting(1, 2, 3, 8))
	account(t, db, never)
	wantMissing(t, db, missing{"SILENT", 2, -1, false}, missing{"GAP", 3, 3, true})
	commit(t, db, counting(1, 4, 6, 16))
	account(t, db, never)
	wantMissing(t, db, missing{"SILENT", 2, -1, true}, missing{"GAP", 3, 3, true})
	var got []string
	for _, r := range recorded(t, db, audit.Filter{}) {
		got = append(got, fmt.Sprint(r.Actor.Kind, " ", r.Action, " ", r.Object.ID, " ", r.Object.Name, " ", stateOf(t, r.After)["atMost"], " ", stateOf(t, r.After)["resolvedAt"] != nil))
	}
	want := []string{
		"SYSTEM RESOLVE_UNACCOUNTED_USAGE una_2 gateway-1 <nil> true", "SYSTEM RESOLVE_UNACCOUNTED_USAGE una_1 gateway-1 3 true",
		"SYSTEM LIST_UNACCOUNTED_USAGE una_2 gateway-1 <nil> false", "SYSTEM LIST_UNACCOUNTED_USAGE una_1 gateway-1 3 false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded, newest first (-want +got):\n%s", diff)
	}
}

func TestBatchesThatWereLostAreAGap(t *testing.T) {
	db := open(t)
	commit(t, db, counting(1, 1, 5, 5), counting(1, 2, 1, 6))
	// A standby that lagged takes over: 3 and 4, with 7 requests, are gone.
	counted := uint64(13)
	for sequence := uint64(5); sequence <= 5+wire.MaxFrozen; sequence++ {
		counted++
		commit(t, db, counting(1, sequence, 1, counted))
		account(t, db, never)
	}
	wantMissing(t, db, missing{"GAP", 7, 7, false})
}

func TestAWorkerThatNeverGotThroughIsAccountedFor(t *testing.T) {
	db := open(t)
	see(t, db, heartbeat(1, 0), heartbeat(2, 4), heartbeat(2, 9))
	if a := account(t, db, now); a.Ended != 2 || a.Found != 2 {
		t.Errorf("%+v, want both: what they counted after their last word, nobody knows", a)
	}
	wantMissing(t, db, missing{"SILENT", 9, -1, false}, missing{"SILENT", 0, -1, false})
}

// A worker's word that comes late, or is sent again, takes nothing back.
func TestWhatAWorkerCountedOnlyRises(t *testing.T) {
	db, conn := openBoth(t)
	see(t, db, heartbeat(1, 100), heartbeat(1, wire.MaxNumber), heartbeat(1, 3))
	var counted int64
	if err := conn.QueryRow(t.Context(), `select counted from workers`).Scan(&counted); err != nil || counted != wire.MaxNumber {
		t.Errorf("counted is %d, %v; want it to stay at its maximum", counted, err)
	}
}

func TestABatchOfAnEndedSourceStillCountsOnce(t *testing.T) {
	db := open(t)
	commit(t, db, counting(1, 1, 5, 5), counting(1, 3, 2, 10))
	account(t, db, now)
	for range 2 {
		commit(t, db, counting(1, 3, 2, 10), counting(1, 2, 3, 8), counting(1, 1, 5, 5))
	}
	wantRequests(t, db, 10)
}

func TestWhatEndedSourcesSentIsAddedUp(t *testing.T) {
	db, conn := openBoth(t)
	day := func(requests, forgotten, sources int64) {
		t.Helper()
		var got [3]int64
		err := conn.QueryRow(t.Context(), `
			select (select sum(requests)::bigint from sent_usage), (select sum(forgotten_requests)::bigint from sources), (select count(*) from sent_source)`).Scan(&got[0], &got[1], &got[2])
		if want := [3]int64{requests, forgotten, sources}; err != nil || got != want {
			t.Errorf("sent, forgotten, rows: %v, %v; want %v", got, err, want)
		}
	}
	commit(t, db, counting(1, 1, 5, 5), counting(2, 1, 3, 3), counting(3, 1, 2, 2))
	account(t, db, now)
	commit(t, db, counting(3, 2, 1, 3)) // lives again
	day(11, 0, 3)
	for range 2 {
		if err := db.ForgetSent(t.Context(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		day(11, 8, 1)
	}
	commit(t, db, counting(1, 2, 4, 9))
	day(15, 8, 2)
	account(t, db, now)
	if err := db.ForgetSent(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	day(15, 15, 0)
}
