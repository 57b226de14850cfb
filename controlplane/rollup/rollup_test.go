package rollup_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
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
	}, func() { t.Error("announcements were missed") })
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

// settled is a message that notes how it ended.
type settled struct {
	body []byte
	how  string
}

func (m *settled) Batch() []byte               { return m.body }
func (m *settled) Header() map[string][]string { return nil }
func (m *settled) Done() error                 { m.how += "done"; return nil }
func (m *settled) Again(time.Duration) error   { m.how += "again"; return nil }
func (m *settled) Drop(string) error           { m.how += "dropped"; return nil }

// TestABatchThatCanNotBeStoredHoldsUpNoOther fills an account's row to the brim,
// and then has a batch that would overflow it in a round with others.
func TestABatchThatCanNotBeStoredHoldsUpNoOther(t *testing.T) {
	db, err := postgres.Open(t.Context(), databases.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	usage := func(sequence, account, requests uint64) *wire.Batch {
		return &wire.Batch{
			Source: source, Sequence: sequence, Node: "test", SentMS: 1_790_000_000_000,
			Entries: []wire.Entry{{
				EntryKey: wire.EntryKey{Minute: 29_833_333, Account: account, Status: 200, Decision: wire.Allowed}, Requests: requests,
			}},
		}
	}
	sequence := uint64(0)
	for range 127 { // 2^56 each; one more is 2^63
		sequence++
		if _, err := db.CommitBatches(t.Context(), []*wire.Batch{usage(sequence, 7, wire.MaxBatchTotal)}); err != nil {
			t.Fatal(err)
		}
	}
	var round []stream.Message
	for _, account := range []uint64{8, 7, 9} {
		sequence++
		body, err := wire.EncodeBatch(nil, usage(sequence, account, wire.MaxBatchTotal))
		if err != nil {
			t.Fatal(err)
		}
		round = append(round, &settled{body: body})
	}
	round = append(round, &settled{body: []byte("not a batch")})
	var announced live.Delta
	worker := &rollup.Worker{DB: db, Live: announcer(func(d live.Delta) { announced.Requests += d.Requests }), Log: slog.New(slog.DiscardHandler)}
	worker.Round(t.Context(), round)
	var how []string
	for _, m := range round {
		how = append(how, m.(*settled).how)
	}
	if want := []string{"done", "again", "done", "dropped"}; !slices.Equal(how, want) {
		t.Errorf("the round's messages ended as %q, want %q", how, want)
	}
	if announced.Requests != 2*wire.MaxBatchTotal {
		t.Errorf("announced %d requests, want %d", announced.Requests, uint64(2*wire.MaxBatchTotal))
	}
}

type announcer func(live.Delta)

func (a announcer) Announce(payload []byte) error {
	d, err := live.Decode(payload)
	a(d)
	return err
}

// TestWhatWasCommittedBeforeAFaultIsAnnounced has a database that is lost between
// the transactions of a round.
func TestWhatWasCommittedBeforeAFaultIsAnnounced(t *testing.T) {
	db, err := postgres.Open(t.Context(), databases.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	round := func() (round []stream.Message) {
		return append(round, &settled{body: batch(t, 1, 5)}, &settled{body: batch(t, 2, 3)})
	}
	var announced []int64
	live := announcer(func(d live.Delta) { announced = append(announced, d.Requests) })
	lost, whole := round(), round()
	(&rollup.Worker{DB: lostAfterOne{db}, Live: live, Log: slog.New(slog.DiscardHandler)}).Round(t.Context(), lost)
	(&rollup.Worker{DB: db, Live: live, Log: slog.New(slog.DiscardHandler)}).Round(t.Context(), whole)
	for i := range lost {
		if before, then := lost[i].(*settled).how, whole[i].(*settled).how; before != "again" || then != "done" {
			t.Errorf("message %d ended as %q, and %q when it came again", i, before, then)
		}
	}
	if want := []int64{5, 3}; !slices.Equal(announced, want) {
		t.Errorf("announced %d requests, want %d", announced, want)
	}
}

// lostAfterOne commits the first batch of a round, and fails then.
type lostAfterOne struct{ db *postgres.DB }

func (s lostAfterOne) CommitBatches(ctx context.Context, batches []*wire.Batch) ([]*wire.Batch, error) {
	fresh, err := s.db.CommitBatches(ctx, batches[:1])
	return fresh, errors.Join(err, errors.New("the connection is lost"))
}
