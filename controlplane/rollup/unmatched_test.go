package rollup_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

func withUnmatched(t *testing.T, sequence uint64, unmatched ...wire.Unmatched) *settled {
	t.Helper()
	body, err := wire.EncodeBatch(nil, &wire.Batch{
		Source: source, Sequence: sequence, Node: "test", SentMS: time.Now().UnixMilli(), Unmatched: unmatched,
		Entries: []wire.Entry{{EntryKey: wire.EntryKey{Minute: time.Now().Unix() / 60, Account: 7, Status: 200, Decision: wire.Allowed}, Requests: 9}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &settled{body: body}
}

func TestUnmatchedPathsAreKeptBesideTheCounts(t *testing.T) {
	db, err := postgres.Open(t.Context(), databases.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	quiet := slog.New(slog.DiscardHandler)
	round := func(u *rollup.Unmatched, messages ...stream.Message) {
		t.Helper()
		worker := &rollup.Worker{DB: db, Live: announcer(func(live.Delta) {}), Unmatched: u, Log: quiet}
		worker.Round(t.Context(), messages)
		for i, m := range messages {
			if how := m.(*settled).how; how != "done" {
				t.Errorf("message %d ended as %q, want done", i, how)
			}
		}
	}
	u := &rollup.Unmatched{DB: db, Log: quiet}
	get := func(path string) wire.Unmatched { return wire.Unmatched{Method: "GET", Path: path} }
	round(u, withUnmatched(t, 1, get("/users/7"), get("/users/%37/"), get("/a//./b;v=1")), withUnmatched(t, 2, get("/users/7"), wire.Unmatched{Method: "PUT", Path: "/users/7"}))
	round(u, withUnmatched(t, 2, get("/again")), withUnmatched(t, 3, get(`/no|template`)))
	u.Keep(t.Context())
	u.Keep(t.Context())
	round(u, withUnmatched(t, 4, get("/users/7")))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	u.Run(ctx) // keeps what there is before it ends
	kept, err := db.UnmatchedPaths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []controlplane.UnmatchedPath{{Method: "GET", Path: "/a/b", Requests: 1}, {Method: "GET", Path: "/users/7", Requests: 4}, {Method: "PUT", Path: "/users/7", Requests: 1}}
	if diff := cmp.Diff(want, kept, cmpopts.IgnoreFields(controlplane.UnmatchedPath{}, "LastSeen")); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}

	t.Run("a database that doesn't keep them delays no count", func(t *testing.T) {
		u := &rollup.Unmatched{DB: keepsNothing{}, Log: quiet}
		round(u, withUnmatched(t, 5, get("/lost")))
		u.Keep(t.Context())
	})
	t.Run("ever new paths don't grow", func(t *testing.T) {
		counted := &counting{}
		u := &rollup.Unmatched{DB: counted, Log: quiet}
		var messages []stream.Message
		for i := range 400 {
			list := []wire.Unmatched{}
			for j := range wire.MaxBatchUnmatched {
				list = append(list, get("/users/"+strconv.Itoa(i*wire.MaxBatchUnmatched+j)))
			}
			messages = append(messages, withUnmatched(t, uint64(6+i), list...))
		}
		round(u, messages...)
		u.Keep(t.Context())
		if counted.most != 2000 {
			t.Errorf("%d paths were written at once, want 2000", counted.most)
		}
	})
}

type keepsNothing struct{}

func (keepsNothing) KeepUnmatched(context.Context, []controlplane.UnmatchedPath) error {
	return errors.New("the connection is lost")
}

type counting struct{ most int }

func (c *counting) KeepUnmatched(_ context.Context, paths []controlplane.UnmatchedPath) error {
	c.most = max(c.most, len(paths))
	return nil
}
