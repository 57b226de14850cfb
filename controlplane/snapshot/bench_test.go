package snapshot_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/snapshot"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

// BenchmarkEdit takes an edit of one of 100,000 accounts from the mutation to the
// update that a filter is answered with.
func BenchmarkEdit(b *testing.B) {
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), `
		with a as (insert into accounts (name) select 'account ' || n from generate_series(1, 100000) n returning id)
		insert into keys (account_id, name, prefix, digest) select id, 'key', '', sha256(id::text::bytea) from a`); err != nil {
		b.Fatal(err)
	}
	page, err := db.Accounts(b.Context(), controlplane.AccountFilter{}, controlplane.AccountOrder{}, 0, 1)
	if err != nil {
		b.Fatal(err)
	}
	publisher := snapshot.New(db, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { publisher.Run(ctx) })
	defer running.Wait()
	defer stop()
	_, have, _, err := publisher.Newer(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for b.Loop() {
		if _, _, err := db.ResetAccount(b.Context(), page.Accounts[0].ID); err != nil {
			b.Fatal(err)
		}
		update, version, _, err := publisher.Newer(b.Context(), have)
		if err != nil {
			b.Fatal(err)
		}
		have, size = version, len(update)
	}
	b.ReportMetric(float64(size), "bytes/update")
}
