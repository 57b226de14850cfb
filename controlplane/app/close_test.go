package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/plugin/wire"
)

// TestCloseLeavesNothing closes an app while a long poll and a subscription are
// open, and looks for what is left of it.
func TestCloseLeavesNothing(t *testing.T) {
	database := databases.New(t)
	before := goleak.IgnoreCurrent()
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: database, StoreDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(t.Context(), "tests", secret); err != nil {
		t.Fatal(err)
	}
	p := &plane{a, t, secret.Reveal()}
	first := p.update(0)
	polled := make(chan int, 1)
	go func() {
		polled <- p.poll(first.Version).Status
	}()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(t.Context(), "ws://"+p.HTTPAddr()+"/graphql", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, message := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription{usage{at}}"}}`} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitSubscribers(1)
	if err := a.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if got := <-polled; got != http.StatusNotModified {
		t.Errorf("the long poll ended with %d", got)
	}
	conn.Close()
	http.DefaultClient.CloseIdleConnections()
	// The session library starts a store in memory before it is given ours, and
	// has no safe way to stop it.
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}

// TestCloseKeepsItsTime closes an app whose rollup waits for a locked table.
func TestCloseKeepsItsTime(t *testing.T) {
	database := databases.New(t)
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: database, StoreDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	locker, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locker.Exec(t.Context(), `begin; lock table usage_day`); err != nil {
		t.Fatal(err)
	}
	p := &plane{App: a, t: t}
	if got := p.post(usageBatch(1, 7, 5, wire.Allowed)); got.Status != http.StatusOK {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	waiting := func() (n int) {
		err := locker.QueryRow(t.Context(), `select count(*) from pg_locks l join pg_database d on d.oid = l.database
			where d.datname = current_database() and l.relation = 'usage_day'::regclass and not l.granted`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for tick := time.NewTicker(5 * time.Millisecond); waiting() == 0; {
		<-tick.C
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want it to say that time was up", err)
	}
	if err := locker.Close(t.Context()); err != nil { // and so unlock
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Errorf("once nothing is locked: %v", err)
	}
}
