package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
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
	first, _ := p.snapshot(0)
	polled := make(chan int, 1)
	go func() {
		_, got := p.snapshot(first.Version())
		polled <- got.Status
	}()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(t.Context(), "ws://"+p.HTTPAddr()+"/graphql", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, message := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription{liveUsage{requests}}"}}`} {
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
