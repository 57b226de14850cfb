package stream_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/weirhq/weir/controlplane/stream"
)

// TestBatchesEndsWhenTheStoreWasLost has a NATS come back without its store: the
// subscription that it has forgotten must not be waited on for ever.
func TestBatchesEndsWhenTheStoreWasLost(t *testing.T) {
	port := server.RANDOM_PORT
	serve := func() *server.Server {
		s, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(time.Minute) {
			t.Fatal("NATS is not ready")
		}
		return s
	}
	end := func(s *server.Server) {
		s.Shutdown()
		s.WaitForShutdown()
	}
	first := serve()
	url := first.ClientURL()
	conn, err := stream.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	subscribed, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- conn.Batches(ctx, func(stream.Message) { close(subscribed) }) }()
	if err := conn.Setup(ctx); err != nil {
		t.Fatal(err)
	}
	publish(t, conn, 1, "one")
	<-subscribed
	_, text, _ := strings.Cut(strings.TrimPrefix(url, "nats://"), ":")
	if port, err = strconv.Atoi(text); err != nil {
		t.Fatal(err)
	}
	end(first)
	began := time.Now()
	defer end(serve())
	<-ended
	if ctx.Err() != nil {
		t.Fatal("the subscription goes on")
	}
	t.Logf("noticed after %v", time.Since(began).Round(time.Millisecond))
}
