package live_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/plugin/wire"
)

// travel sends a delta and puts together what arrives.
func travel(t *testing.T, sent live.Delta) live.Delta {
	t.Helper()
	got := live.Delta{Accounts: map[controlplane.ID]live.Counts{}}
	for _, payload := range sent.Encode() {
		if len(payload) > 1<<20 {
			t.Errorf("an announcement of %d bytes", len(payload))
		}
		part, err := live.Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		got.Requests += part.Requests
		got.Allowed += part.Allowed
		got.Throttled += part.Throttled
		got.BytesIn += part.BytesIn
		got.BytesOut += part.BytesOut
		got.Batches = part.Batches
		got.Cells = append(got.Cells, part.Cells...)
		maps.Copy(got.Accounts, part.Accounts) // each account is in one part
	}
	return got
}

func TestManyAccountsTravelInParts(t *testing.T) {
	const accounts = 20_000
	b := wire.Batch{Source: wire.SourceID{7}, Sequence: 9}
	for i := range uint64(accounts) {
		b.Entries = append(b.Entries, wire.Entry{
			EntryKey: wire.EntryKey{Account: wire.MaxNumber - i, Decision: wire.Allowed},
			Requests: 1 << 45, BytesIn: 1 << 45, BytesOut: 1 << 45,
		})
	}
	sent := live.DeltaOf([]*wire.Batch{&b})
	if n := len(sent.Encode()); n < 2 {
		t.Errorf("%d parts", n)
	}
	if diff := cmp.Diff(sent, travel(t, sent)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDeltasTravelWhole(t *testing.T) {
	sent := live.DeltaOf([]*wire.Batch{
		{Source: wire.SourceID{1}, Sequence: 1, Entries: []wire.Entry{
			{EntryKey: wire.EntryKey{Minute: 5, Account: 7, Key: 2, Status: 200, Decision: wire.Allowed}, Requests: 3, BytesIn: 5, BytesOut: 9},
			{EntryKey: wire.EntryKey{Minute: 5, Account: 7, Key: 2, Status: 429, Decision: wire.Throttled}, Requests: 2},
		}},
		{Source: wire.SourceID{2}, Sequence: 4, Entries: []wire.Entry{{EntryKey: wire.EntryKey{Minute: 6, Decision: wire.Unauthenticated}, Requests: 4}},
			Levels: []wire.Level{{Account: 8, Limit: 1}}},
	})
	got := travel(t, sent)
	want := live.Delta{
		Counts:  live.Counts{Requests: 9, Allowed: 3, Throttled: 2, BytesIn: 5, BytesOut: 9},
		Batches: []live.BatchID{{Source: wire.SourceID{1}, Sequence: 1}, {Source: wire.SourceID{2}, Sequence: 4}},
		Cells: []live.Cell{
			{Minute: 6, Counts: live.Counts{Requests: 4}},
			{Scope: live.Scope{Account: 7, Key: 2}, Minute: 5, Counts: live.Counts{Requests: 5, Allowed: 3, Throttled: 2, BytesIn: 5, BytesOut: 9}},
			{Scope: live.Scope{Account: 8}},
		},
		Accounts: map[controlplane.ID]live.Counts{
			7: {Requests: 5, Allowed: 3, Throttled: 2, BytesIn: 5, BytesOut: 9},
			0: {Requests: 4}, 8: {},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Refused() != 4 {
		t.Errorf("%d refused, want 4", got.Refused())
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	for _, payload := range live.DeltaOf([]*wire.Batch{{Sequence: 3, Entries: []wire.Entry{{EntryKey: wire.EntryKey{Account: 1, Decision: wire.Allowed}, Requests: 2}}}}).Encode() {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := live.Decode(payload)
		if err == nil && len(d.Batches) > len(payload) {
			t.Errorf("%d batches in %d bytes", len(d.Batches), len(payload))
		}
	})
}

// store has what a test says.
type store struct {
	mu   sync.Mutex
	base live.Base
	err  error
	read int
}

func (s *store) LiveBase(context.Context, live.Wanted) (live.Base, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	return s.base, s.err
}

func (s *store) set(base live.Base, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.err = base, err
}

// has is a base in which an account has allowed requests, by source 1 up to a sequence.
func has(account controlplane.ID, requests int64, through uint64) live.Base {
	c := live.Counts{Requests: requests, Allowed: requests}
	return live.Base{
		Committed: map[wire.SourceID]live.Sequences{{1}: {Through: through}},
		Scopes:    map[live.Scope]live.Counts{{Account: account}: c},
		Accounts:  map[controlplane.ID]live.Counts{account: c},
		Minutes:   []live.Cell{{Scope: live.Scope{Account: account}, Minute: time.Now().Unix() / 60, Counts: c}},
	}
}

// adds is what a batch of source 1 announces.
func adds(sequence, account, requests uint64) live.Delta {
	return live.DeltaOf([]*wire.Batch{{Source: wire.SourceID{1}, Sequence: sequence, Entries: []wire.Entry{
		{EntryKey: wire.EntryKey{Minute: time.Now().Unix() / 60, Account: account, Key: 10 * account, Decision: wire.Allowed}, Requests: requests},
	}}})
}

// run starts a hub in a bubble of its own time.
func run(t *testing.T, s *store, do func(t *testing.T, h *live.Hub)) {
	synctest.Test(t, func(t *testing.T) {
		h := live.New(s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.Run(ctx); close(ended) }()
		do(t, h)
		if n := h.Feeds(); n != 0 {
			t.Errorf("%d feeds are left", n)
		}
		stop()
		<-ended
	})
}

func TestTheFirstEventSaysWhatTheStoreHas(t *testing.T) {
	s := &store{base: has(7, 100, 3)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.Usage(live.Scope{Account: 7}, time.Second)
		defer feed.Close()
		if u, _ := feed.Next(t.Context()); u.Requests != 100 {
			t.Errorf("%d requests, want 100", u.Requests)
		}
		h.Add(adds(3, 7, 5)) // is in the base
		h.Add(adds(4, 7, 1))
		h.Add(adds(5, 8, 1)) // of another account
		if u, _ := feed.Next(t.Context()); u.Requests != 101 || u.Allowed != 101 || len(u.Accounts) != 0 {
			t.Errorf("%+v, want 101 requests", u)
		}
	})
}

func TestASlowReaderGetsTheNewestAndFewer(t *testing.T) {
	s := &store{base: has(1, 0, 0)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		slow, fast := h.Usage(live.Scope{}, time.Second), h.Usage(live.Scope{}, time.Second)
		defer slow.Close()
		defer fast.Close()
		slow.Next(t.Context())
		fast.Next(t.Context())
		events := 0
		var last live.Usage
		for i := range uint64(10) {
			h.Add(adds(i+1, 1, 1)) // never waits for the slow one
			last, _ = fast.Next(t.Context())
			events++
		}
		if last.Requests != 10 || events != 10 {
			t.Errorf("the fast one saw %d requests in %d events", last.Requests, events)
		}
		if u, _ := slow.Next(t.Context()); u.Requests != 10 || len(u.Accounts) != 1 || u.Accounts[0].Account != 1 {
			t.Errorf("the slow one's next event has %+v, want 10 requests of account 1", u)
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		if u, ok := slow.Next(ctx); ok {
			t.Errorf("the slow one got one more: %+v", u)
		}
	})
}

func TestEventsComeNoOftenerThanAsked(t *testing.T) {
	s := &store{base: has(1, 0, 0)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.Usage(live.Scope{}, time.Second)
		defer feed.Close()
		feed.Next(t.Context())
		first := time.Now()
		for i := range uint64(20) {
			h.Add(adds(i+1, 1, 1))
			time.Sleep(live.Tick / 2)
		}
		n := 0
		for ctx, stop := context.WithTimeout(t.Context(), time.Millisecond); ; n++ {
			if _, ok := feed.Next(ctx); !ok {
				stop()
				break
			}
		}
		h.Add(adds(21, 1, 1))
		feed.Next(t.Context())
		if took := time.Since(first); n != 1 || took < 3*time.Second {
			t.Errorf("%d events waited, and one more after %v", n, took)
		}
	})
}

func TestAfterALapseFiguresWaitForTheStore(t *testing.T) {
	s := &store{base: has(7, 100, 3)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.Usage(live.Scope{Account: 7}, time.Second)
		defer feed.Close()
		feed.Next(t.Context())
		s.set(live.Base{}, errors.New("the database is away"))
		h.Missed()
		h.Add(adds(9, 7, 1)) // those from 4 on were missed
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if u, ok := feed.Next(ctx); ok {
			t.Errorf("got %+v, which nobody can know", u)
		}
		s.set(has(7, 106, 9), nil)
		if u, _ := feed.Next(t.Context()); u.Requests != 106 {
			t.Errorf("%d requests, want 106", u.Requests)
		}
	})
}

func TestWhatNobodyNoticedIsPutRight(t *testing.T) {
	s := &store{base: has(7, 100, 3)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.Usage(live.Scope{Account: 7}, time.Second)
		defer feed.Close()
		feed.Next(t.Context())
		s.set(has(7, 120, 8), nil) // without an announcement, as when the process that committed ends
		began := time.Now()
		for {
			if u, _ := feed.Next(t.Context()); u.Requests == 120 {
				break
			}
		}
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("put right after %v", took)
		}
	})
}

func TestTheDayBeginsAnew(t *testing.T) {
	s := &store{base: has(7, 100, 3)}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.Usage(live.Scope{Account: 7}, time.Second)
		defer feed.Close()
		u, _ := feed.Next(t.Context())
		yesterday := adds(9, 7, 5)
		s.set(live.Base{}, nil)
		time.Sleep(time.Until(u.From.Add(24 * time.Hour)))
		for {
			next, _ := feed.Next(t.Context())
			if next.From.Equal(u.From) {
				continue
			}
			if next.Requests != 0 || !next.From.Equal(u.From.Add(24*time.Hour)) {
				t.Errorf("the day begins with %+v", next)
			}
			break
		}
		h.Add(yesterday) // late
		h.Add(adds(10, 7, 2))
		if u, _ := feed.Next(t.Context()); u.Requests != 2 {
			t.Errorf("%d requests today, want 2", u.Requests)
		}
	})
}

func TestConsumersAreRankedOverTheirWindow(t *testing.T) {
	s := &store{}
	run(t, s, func(t *testing.T, h *live.Hub) {
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		s.set(has(7, 100, 3), nil)
		one, five := h.Consumers(1, 2, time.Second), h.Consumers(5, 2, time.Second)
		defer one.Close()
		defer five.Close()
		ranking := func(feed *live.Feed[live.Consumers]) (ids []controlplane.ID, c live.Consumers) {
			c, _ = feed.Next(t.Context())
			for _, a := range c.Top {
				ids = append(ids, a.Account)
			}
			return ids, c
		}
		ranking(one)
		ranking(five)
		time.Sleep(2*time.Minute + 10*time.Second)
		s.set(live.Base{Committed: has(7, 0, 3).Committed, Minutes: []live.Cell{{Scope: live.Scope{Account: 7}, Minute: time.Now().Unix()/60 - 2, Counts: live.Counts{Requests: 100}}}}, nil)
		h.Add(adds(4, 8, 3))
		h.Add(adds(5, 9, 4))
		h.Add(adds(6, 10, 5))
		ranking(one) // what time has changed
		ranking(five)
		time.Sleep(time.Second)
		if ids, c := ranking(one); !cmp.Equal(ids, []controlplane.ID{10, 9}) || c.Requests != 12 {
			t.Errorf("over one minute %v of %d requests", ids, c.Requests)
		}
		if ids, c := ranking(five); !cmp.Equal(ids, []controlplane.ID{7, 10}) || c.Requests != 112 || c.Top[0].Requests != 100 {
			t.Errorf("over five minutes %v of %+v", ids, c)
		}
	})
}

func TestAnAccountHasNewsWhenItIsAnnouncedAndNowAndThen(t *testing.T) {
	s := &store{}
	run(t, s, func(t *testing.T, h *live.Hub) {
		feed := h.News(7, time.Second)
		defer feed.Close()
		feed.Next(t.Context())
		time.Sleep(1100 * time.Millisecond)
		h.Add(adds(1, 8, 1))
		began := time.Now()
		h.Add(live.DeltaOf([]*wire.Batch{{Sequence: 1, Levels: []wire.Level{{Account: 7}}}}))
		feed.Next(t.Context())
		if took := time.Since(began); took > live.Tick {
			t.Errorf("news after %v", took)
		}
		feed.Next(t.Context())
		if took := time.Since(began); took < 4*time.Second || took > 7*time.Second {
			t.Errorf("without being announced, news came after %v", took)
		}
	})
}
