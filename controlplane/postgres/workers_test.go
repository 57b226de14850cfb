package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

func TestRolloutTellsWhoConfirmedWhatAndWhoIsGone(t *testing.T) {
	url := databases.New(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	conn := dial(t, url)
	says := func(source byte, node string, snapshot uint64) {
		t.Helper()
		see(t, db, &wire.Batch{Source: wire.SourceID{source}, Node: node, Snapshot: snapshot, BeganMS: time.Now().UnixMilli()})
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	// edit makes a version of the policy.
	n := 0
	edit := func() uint64 {
		t.Helper()
		n++
		_, version, err := db.CreateEndpointGroup(t.Context(), fmt.Sprint("group ", n))
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	first := edit()
	says(1, "a", first)
	says(2, "a", first)
	says(3, "b", first)
	says(4, "lost", first)
	says(5, "lost", first)
	second := edit()
	says(1, "a", second)
	says(1, "a", first) // sent again
	third := edit()
	says(2, "a", third)
	exec(`update workers set first_seen_at = now() - interval '90 minutes', last_seen_at = now() - interval '1 hour' where node = 'lost'`)
	exec(`update workers set first_seen_at = now() - interval '3 hours', last_seen_at = now() - interval '2 hours' where source = $1`, [16]byte{5}) // of an earlier run
	exec(`update confirmations set at = (select made_at from policy_versions where version = $1) + interval '300 ms' where snapshot = $1`, int64(second))
	exec(`update confirmations set at = (select made_at from policy_versions where version = $1) + interval '900 ms' where snapshot = $2`, int64(second), int64(third))

	r, err := db.Rollout(t.Context(), postgres.RolloutQuestion{Asked: second, Recent: 2, Silent: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		Version       uint64
		Confirmed, Of int
		Behind        string
	}
	tell := func(v controlplane.PolicyVersion) told {
		p := r.Progress(v)
		behind := ""
		for _, node := range p.Behind {
			behind += node + " "
		}
		return told{p.Version, p.Confirmed, p.Of, behind}
	}
	want := []told{{third, 1, 3, "a b "}, {second, 2, 3, "b "}}
	if diff := cmp.Diff(want, []told{tell(r.Recent[0]), tell(r.Recent[1])}); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}
	if got := r.Progress(r.Asked).Took; got != 900*time.Millisecond {
		t.Errorf("the second took %v, want the 900 ms of the worker that skipped it", got)
	}
	if got, known := r.Took(r.Workers[0]); !known || got != 300*time.Millisecond {
		t.Errorf("the first worker took %v (known: %v), want 300 ms", got, known)
	}
	if r.Newest.Version != third || r.Newest.MadeAt.IsZero() {
		t.Errorf("the newest is %+v, want %d and when it was made", r.Newest, third)
	}
	if r.Recent[0].Action != string(audit.CreateEndpointGroup) || r.Recent[0].Record != r.Recent[1].Record+1 {
		t.Errorf("what was done: %+v, want the record of each", r.Recent)
	}
	if len(r.Gone) != 1 || r.Gone[0].Node != "lost" || r.Gone[0].Workers != 1 || r.Gone[0].Snapshot != first {
		t.Errorf("gone: %+v, want the last run of one node", r.Gone)
	}
	if forgotten, err := db.Rollout(t.Context(), postgres.RolloutQuestion{Asked: 1, Silent: time.Minute}); err != nil || !forgotten.Asked.MadeAt.IsZero() || len(forgotten.Recent) != 0 {
		t.Errorf("a version that nobody knows: %+v, %v", forgotten, err)
	}

	exec(`update confirmations set at = now() - interval '61 minutes' where source = $1`, [16]byte{1})
	account(t, db, time.Hour)
	var left int
	if err := conn.QueryRow(t.Context(), `select count(*) from confirmations`).Scan(&left); err != nil || left != 5 {
		t.Errorf("%d confirmations are left (%v), want those of the last hour, 5", left, err)
	}
}
