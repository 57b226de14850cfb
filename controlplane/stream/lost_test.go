package stream_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/controlplane/stream/streamtest"
)

// TestBatchesEndsWhenTheStoreWasLost has a NATS come back without its store: the
// subscription that it has forgotten must not be waited on for ever.
func TestBatchesEndsWhenTheStoreWasLost(t *testing.T) {
	first := streamtest.Start(t, streamtest.Options{})
	url := first.URL()
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
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	first.Stop()
	began := time.Now()
	streamtest.Start(t, streamtest.Options{Port: port})
	<-ended
	if ctx.Err() != nil {
		t.Fatal("the subscription goes on")
	}
	t.Logf("noticed after %v", time.Since(began).Round(time.Millisecond))
}

// TestSetupNamesTheRoomItNeeds has a NATS whose store is smaller than the stream.
func TestSetupNamesTheRoomItNeeds(t *testing.T) {
	conn, err := stream.Connect(streamtest.Start(t, streamtest.Options{StoreBytes: 1 << 30}).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Setup(t.Context())
	const want = "set up the usage stream: NATS has no 2 GiB of storage left for it; free some of its disk, or raise max_file_store in its configuration"
	if err == nil || err.Error() != want {
		t.Errorf("Setup: %v; want: %s", err, want)
	}
}
