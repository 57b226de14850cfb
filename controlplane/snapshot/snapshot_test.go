package snapshot_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/snapshot"
)

func TestWhatCannotBeCarriedOutHoldsNothingElseUp(t *testing.T) {
	url := databases.New(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `
		insert into accounts (name, status, trial_ends_at, trial_then)
		select name, 'trial', now() - interval '1 hour', 'suspend' from unnest(array['Birch', 'Rowan']) name;
		create function refuse() returns trigger language plpgsql as $$ begin raise exception 'Birch stays as it is'; end $$;
		create trigger refuse before update on accounts for each row when (old.name = 'Birch') execute function refuse()`); err != nil {
		t.Fatal(err)
	}
	publisher := snapshot.New(db, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { publisher.Run(ctx) })
	defer running.Wait()
	defer stop()
	_, have, ok, err := publisher.Newer(t.Context(), 0)
	if err != nil || !ok {
		t.Fatalf("there is no snapshot: %v", err)
	}
	_, version, err := db.CreateEndpointGroup(t.Context(), "reads")
	if err != nil {
		t.Fatal(err)
	}
	for have < version {
		if _, have, ok, err = publisher.Newer(t.Context(), have); err != nil || !ok {
			t.Fatalf("the change is not published: %v", err)
		}
	}
	for status := ""; status != "suspended"; {
		if err := conn.QueryRow(t.Context(), `select status from accounts where name = 'Rowan'`).Scan(&status); err != nil {
			t.Fatal(err)
		}
	}
}
