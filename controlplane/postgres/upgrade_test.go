package postgres_test

import (
	"maps"
	"testing"
	"testing/fstest"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// TestADatabaseOfAnEarlierVersionGoesOn migrates one in which a move in steps is under
// way, and goes on with it.
func TestADatabaseOfAnEarlierVersionGoesOn(t *testing.T) {
	t.Parallel()
	db, conn := openEmpty(t)
	const last = "0018_rollout.sql"
	files := build(t, func(files fstest.MapFS) {
		maps.DeleteFunc(files, func(name string, _ *fstest.MapFile) bool { return name > last })
	})
	if err := postgres.MigrateTo(db, t.Context(), files); err != nil {
		t.Fatal(err)
	}
	const accounts = 40
	if _, err := conn.Exec(t.Context(), `
		insert into accounts (name, tier_id) select 'Account ' || n, t.id from tiers t, generate_series(1, 40) n;
		update cohorts set head = false;
		insert into tier_versions (tier_id, number, state, published_at) select id, 2, 'published', now() from tiers;
		insert into cohorts (tier_id, version_id, head) select tier_id, id, true from tier_versions where number = 2;
		insert into tier_moves (tier_id, cohort_id, from_cohorts, way, state, steps, step_seconds, percent, accounts, next_at)
		select h.tier_id, h.id, array[f.id], 'steps', 'running', '{50,100}', 60, 50, 40, now() from cohorts h, cohorts f where h.head and not f.head`); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}

	move := func() controlplane.TierMove {
		t.Helper()
		all, err := db.TierMovesByID(t.Context(), []controlplane.ID{1})
		if err != nil || len(all) != 1 {
			t.Fatalf("moves: %v, %v", all, err)
		}
		return all[0]
	}
	var placed int
	if err := conn.QueryRow(t.Context(), `select count(*) from accounts where account_place('move 1', id) < 5000`).Scan(&placed); err != nil {
		t.Fatal(err)
	}
	if m := move(); m.Moved != placed || placed == 0 || placed == accounts {
		t.Errorf("%d of %d have moved; want %d", m.Moved, m.Accounts, placed)
	}
	for range 2 {
		if err := db.CarryOutMoves(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m := move(); m.State != controlplane.MoveFinished || m.Moved != accounts {
		t.Errorf("in the end: %+v", m)
	}
	if _, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "New", TimeZone: "UTC", BillingDay: 1}); err != nil {
		t.Error(err)
	}
	if report := verified(t, db, audit.Check{}); !report.Complete() || report.Checked == 0 {
		t.Errorf("the audit log: %+v", report)
	}
}
