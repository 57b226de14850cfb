package rollup_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

var source = wire.SourceID{1}

func batch(t *testing.T, sequence, requests uint64) []byte {
	t.Helper()
	body, err := wire.EncodeBatch(nil, &wire.Batch{
		Source: source, Sequence: sequence, Node: "test", SentMS: time.Now().UnixMilli(),
		Entries: []wire.Entry{{
			EntryKey: wire.EntryKey{Minute: time.Now().Unix() / 60, Account: 7, Status: 200, Decision: wire.Allowed}, Requests: requests,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestWorkersCountEachBatchOnceAndStopAtNone has two workers, copies, and a
// batch that can't be read.
func TestWorkersCountEachBatchOnceAndStopAtNone(t *testing.T) {
	db, err := postgres.Open(t.Context(), databases.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	server, err := stream.StartServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	announced := make(chan live.Delta, 100)
	unsubscribe, err := conn.Announcements(func(payload []byte) {
		d, err := live.Decode(payload)
		if err != nil {
			t.Error(err)
		}
		announced <- d
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unsubscribe()

	ctx, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for range 2 {
		worker := &rollup.Worker{DB: db, Stream: conn, Live: conn, Log: slog.New(slog.DiscardHandler)}
		workers.Go(func() { worker.Run(ctx) })
	}
	publish := func(as wire.SourceID, sequence uint64, body []byte) {
		if err := conn.Publish(t.Context(), as, sequence, body); err != nil {
			t.Fatal(err)
		}
	}
	publish(source, 1, batch(t, 1, 5))
	publish(wire.SourceID{9}, 1, []byte("not a batch"))
	publish(wire.SourceID{9}, 2, batch(t, 1, 5)) // a copy that the stream doesn't recognise
	publish(source, 2, batch(t, 2, 3))
	var sum int64
	for sum < 8 {
		select {
		case d := <-announced:
			sum += d.Allowed
		case <-time.After(time.Minute):
			t.Fatalf("announced %d requests, want 8", sum)
		}
	}
	stop()
	workers.Wait()
	now := time.Now()
	totals, err := db.TotalsByAccount(t.Context(), controlplane.Range{From: now.Add(-time.Hour).Truncate(time.Minute), To: now.Add(time.Minute).Truncate(time.Minute)}, []controlplane.ID{7})
	if err != nil {
		t.Fatal(err)
	}
	committed, err := db.Committed(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if totals[7].Requests != 8 || sum != 8 || committed != 2 {
		t.Errorf("%d requests in the rollups, %d announced, committed through %d; want 8, 8 and 2", totals[7].Requests, sum, committed)
	}
}
