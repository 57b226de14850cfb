package stream_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

func start(t *testing.T, dir string) (*stream.Server, *stream.Conn) {
	t.Helper()
	server, err := stream.StartServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server, conn
}

func stop(server *stream.Server, conn *stream.Conn) {
	conn.Close()
	server.Stop()
}

func publish(t *testing.T, c *stream.Conn, sequence uint64, text string) {
	t.Helper()
	if err := c.Publish(t.Context(), wire.SourceID{1}, sequence, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next n batches and does to each what settle does.
func receive(t *testing.T, c *stream.Conn, n int, settle func(stream.Message) error) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	err := c.Batches(ctx, func(m stream.Message) {
		if len(got) == n {
			return
		}
		got = append(got, string(m.Batch()))
		if err := settle(m); err != nil {
			t.Error(err)
		}
		if len(got) == n {
			cancel()
		}
	})
	if len(got) < n {
		t.Fatalf("got %q, want %d: %v", got, n, err)
	}
	return got
}

func TestBatchesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	publish(t, conn, 1, "one")
	publish(t, conn, 2, "two")
	stop(server, conn)
	server, conn = start(t, dir)
	defer stop(server, conn)
	if got := receive(t, conn, 2, stream.Message.Done); strings.Join(got, " ") != "one two" {
		t.Errorf("got %q", got)
	}
}

func TestABatchThatWasNotDoneComesAgain(t *testing.T) {
	server, conn := start(t, t.TempDir())
	defer stop(server, conn)
	publish(t, conn, 1, "one")
	receive(t, conn, 1, func(m stream.Message) error { return m.Again(time.Second) })
	if got := receive(t, conn, 1, stream.Message.Done); got[0] != "one" {
		t.Errorf("got %q", got)
	}
}

func TestADroppedBatchDoesNotComeAgain(t *testing.T) {
	server, conn := start(t, t.TempDir())
	defer stop(server, conn)
	publish(t, conn, 1, "spoiled")
	publish(t, conn, 2, "good")
	// The other one asks to come again, and by then so would the dropped one.
	got := receive(t, conn, 3, func(m stream.Message) error {
		if string(m.Batch()) == "spoiled" {
			return m.Drop("spoiled")
		}
		return m.Again(10 * time.Millisecond)
	})
	if strings.Join(got, " ") != "spoiled good good" {
		t.Errorf("got %q", got)
	}
}

// What the database has lost after it was done has to come again at once.
func TestABatchThatIsDoneMayComeAgain(t *testing.T) {
	server, conn := start(t, t.TempDir())
	defer stop(server, conn)
	publish(t, conn, 1, "one")
	receive(t, conn, 1, stream.Message.Done)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := make(chan string)
	go func() {
		defer close(again)
		_ = conn.Batches(ctx, func(m stream.Message) { // ends with ctx
			again <- string(m.Batch())
			cancel()
		})
	}()
	for {
		// The stream may not have heard yet that the first one is done.
		publish(t, conn, 1, "again")
		select {
		case got := <-again:
			if got != "again" {
				t.Errorf("got %q", got)
			}
			return
		default:
		}
	}
}

func TestACopyOfWhatWaitsIsLeftOut(t *testing.T) {
	server, conn := start(t, t.TempDir())
	defer stop(server, conn)
	publish(t, conn, 1, "one")
	publish(t, conn, 1, "one")
	publish(t, conn, 2, "two")
	if got := receive(t, conn, 2, stream.Message.Done); strings.Join(got, " ") != "one two" {
		t.Errorf("got %q", got)
	}
}

func TestPublishMakesALostStreamAnew(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	publish(t, conn, 1, "lost")
	stop(server, conn)
	if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	server, err := stream.StartServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err = server.Connect(); err != nil {
		t.Fatal(err)
	}
	defer stop(server, conn)
	publish(t, conn, 1, "sent again")
	if got := receive(t, conn, 1, stream.Message.Done); got[0] != "sent again" {
		t.Errorf("got %q", got)
	}
}

func TestStartServerRefuses(t *testing.T) {
	dir := t.TempDir()
	server, conn := start(t, dir)
	defer stop(server, conn)
	if _, err := stream.StartServer(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second server on one directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.StartServer(file); err == nil {
		t.Error("a file was taken for a directory")
	}
}
