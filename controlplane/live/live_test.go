package live_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/plugin/wire"
)

func delta(account uint64, allowed, throttled uint64) live.Delta {
	entry := func(n uint64, d wire.Decision) wire.Entry {
		return wire.Entry{EntryKey: wire.EntryKey{Account: account, Decision: d}, Requests: n, BytesIn: n, BytesOut: 2 * n}
	}
	return live.DeltaOf([]*wire.Batch{{Entries: []wire.Entry{entry(allowed, wire.Allowed), entry(throttled, wire.Throttled)}}})
}

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
		maps.Copy(got.Accounts, part.Accounts) // each account is in one part
	}
	return got
}

func TestManyAccountsTravelInParts(t *testing.T) {
	const accounts = 10_000
	var b wire.Batch
	for i := range uint64(accounts) {
		b.Entries = append(b.Entries, wire.Entry{
			EntryKey: wire.EntryKey{Account: wire.MaxNumber - i, Decision: wire.Allowed},
			Requests: 1 << 45, BytesIn: 1 << 45, BytesOut: 1 << 45,
		})
	}
	sent := live.DeltaOf([]*wire.Batch{&b})
	if diff := cmp.Diff(sent, travel(t, sent)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDeltasTravelWhole(t *testing.T) {
	sent := live.DeltaOf([]*wire.Batch{
		{Entries: []wire.Entry{
			{EntryKey: wire.EntryKey{Account: 7, Decision: wire.Allowed}, Requests: 3, BytesIn: 5, BytesOut: 9},
			{EntryKey: wire.EntryKey{Account: 7, Decision: wire.Throttled}, Requests: 2},
		}},
		{Entries: []wire.Entry{{EntryKey: wire.EntryKey{Decision: wire.Unauthenticated}, Requests: 4}}},
	})
	got := travel(t, sent)
	want := live.Delta{
		Counts: live.Counts{Requests: 9, Allowed: 3, Throttled: 2, BytesIn: 5, BytesOut: 9},
		Accounts: map[controlplane.ID]live.Counts{
			7: {Requests: 5, Allowed: 3, Throttled: 2, BytesIn: 5, BytesOut: 9},
			0: {Requests: 4},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Refused() != 4 {
		t.Errorf("%d refused, want 4", got.Refused())
	}
}

func TestASlowReaderGetsFewerDeltasButAllUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub live.Hub
		ctx, stop := context.WithCancel(t.Context())
		slow, fast := hub.Subscribe(ctx, 0), hub.Subscribe(ctx, 0)
		const seconds = 30
		var fastSum, fastEvents int64
		for range seconds {
			for range 50 {
				hub.Add(delta(1, 2, 1)) // never waits for the slow one
			}
			d := <-fast
			fastSum += d.Requests
			fastEvents++
			time.Sleep(live.Every)
		}
		for fastSum < seconds*150 {
			fastSum += (<-fast).Requests
		}
		var slowSum, slowEvents int64
		for slowSum < seconds*150 {
			slowSum += (<-slow).Requests
			slowEvents++
		}
		if slowSum != seconds*150 || fastSum != seconds*150 {
			t.Errorf("slow %d and fast %d requests, want %d", slowSum, fastSum, seconds*150)
		}
		if slowEvents > 3 || fastEvents != seconds {
			t.Errorf("slow %d and fast %d events", slowEvents, fastEvents)
		}
		stop()
		synctest.Wait()
		if n := hub.Subscribers(); n != 0 {
			t.Errorf("%d subscribers are left", n)
		}
	})
}

func TestAnAccountsSubscriberHearsOfThatAccountOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub live.Hub
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		deltas := hub.Subscribe(ctx, 7)
		hub.Add(delta(8, 5, 5))
		hub.Add(delta(7, 2, 1))
		if d := <-deltas; d.Requests != 3 || len(d.Accounts) != 1 || d.Accounts[7].Throttled != 1 {
			t.Errorf("got %+v", d)
		}
	})
}

func TestDeltasComeNoOftenerThanEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub live.Hub
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		deltas := hub.Subscribe(ctx, 0)
		hub.Add(delta(1, 1, 0))
		<-deltas
		first := time.Now()
		hub.Add(delta(1, 1, 0))
		<-deltas
		if got := time.Since(first); got != live.Every {
			t.Errorf("the second came after %v, want %v", got, live.Every)
		}
	})
}
