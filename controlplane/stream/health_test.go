package stream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

// fill publishes, from a sequence on, until the stream doesn't answer, and returns the
// sequence that had no answer.
func fill(t *testing.T, c *stream.Conn, sequence uint64) uint64 {
	t.Helper()
	big := make([]byte, 4<<20)
	for ; ; sequence++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := c.Publish(ctx, wire.SourceID{1}, sequence, big)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return sequence
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// take has a directory gone at once, whatever is written meanwhile.
func take(t *testing.T, dir string) {
	t.Helper()
	if err := os.Rename(dir, filepath.Join(t.TempDir(), "gone")); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, c *stream.Conn, wantRemade bool) {
	t.Helper()
	remade, err := c.Check(t.Context())
	if err != nil || remade != wantRemade {
		t.Fatalf("remade: %v, %v; want %v", remade, err, wantRemade)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAStreamWhoseFilesAreDeletedUnderARunningNATSIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	defer stop(server, conn)
	arrived, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- conn.Batches(t.Context(), func(stream.Message) { close(arrived) }) }()
	publish(t, conn, 1, "lost")
	<-arrived
	check(t, conn, false)
	take(t, filepath.Join(dir, "jetstream"))
	check(t, conn, true)
	if err := <-ended; err == nil {
		t.Error("the subscription goes on")
	}
	publish(t, conn, 1, "sent again")
	if got := receive(t, conn, 1, stream.Message.Done); got[0] != "sent again" {
		t.Errorf("got %q", got)
	}
	check(t, conn, false)
}

// A write that failed silences a stream for good, also when all else is well again.
func TestAStreamThatIsSilentForLongIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	defer stop(server, conn)
	messages, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs"))
	if err != nil || len(messages) != 1 {
		t.Fatal(messages, err)
	}
	take(t, messages[0])
	sequence := fill(t, conn, 1)
	check(t, conn, false) // one answer that is late says nothing
	fill(t, conn, sequence)
	fill(t, conn, sequence)
	for range 2 {
		if remade, err := conn.Check(t.Context()); err != nil || remade {
			t.Fatalf("remade: %v, %v", remade, err)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("ready")
		}
	}
	check(t, conn, true)
	publish(t, conn, sequence, "sent again")
	if got := receive(t, conn, 1, stream.Message.Done); got[0] != "sent again" {
		t.Errorf("got %.20q", got)
	}
}

func TestNotReadyWhileTheStreamCannotBeMadeAnew(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	defer stop(server, conn)
	store := filepath.Join(dir, "jetstream")
	take(t, store)
	if err := os.WriteFile(store, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Check(t.Context()); err == nil {
		t.Error("a stream without a place for it was found well")
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("ready")
	}
	if err := os.Remove(store); err != nil {
		t.Fatal(err)
	}
	check(t, conn, true)
}
