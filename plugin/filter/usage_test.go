package filter_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/wire"
)

func TestCount(t *testing.T) {
	t.Run("each request once, by all its dimensions", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST")) // the new snapshot's heartbeat
			e.upstreamTakes = 2500 * time.Microsecond
			order := e.send("POST", "/v1/orders/1", withKey)
			e.declaresBody = 1 << 40 // and ends before
			e.send("POST", "/v1/orders/2", withKey)
			e.declaresBody = 0
			e.send("POST", "/v1/orders/3", withKey) // throttled
			known := e.send("GET", "/", withKey)
			unknown := e.send("GET", "/")
			suspended := e.send("GET", "/", [2]string{"x-api-key", "suspended"})
			e.pass(time.Second)
			b := e.commit(e.call("POST"))
			minute := e.system.wall / int64(time.Minute)
			entry := func(account, key, endpoint uint64, status uint16, d wire.Decision, n, cost, bytesIn uint64) wire.Entry {
				us := uint64(0)
				if d == wire.Allowed {
					us = 2500
				}
				tier := uint64(0)
				if account == accountActive {
					tier = 2
				}
				var latency wire.Histogram
				for range n {
					latency.Add(us)
				}
				return wire.Entry{
					EntryKey: wire.EntryKey{Minute: minute, Account: account, Key: key, Endpoint: endpoint, Tier: tier, Status: status, Decision: d},
					Requests: n, Cost: cost, BytesIn: bytesIn, BytesOut: 340 * n, DurationUS: us * n, Latency: latency,
				}
			}
			want := []wire.Entry{
				entry(0, 0, 0, 401, wire.Unauthenticated, 1, 0, unknown.size),
				entry(accountActive, keyActive, 0, 200, wire.Allowed, 1, 1, known.size),
				entry(accountActive, keyActive, endpointOrders, 200, wire.Allowed, 2, 10, order.size+20+1000),
				entry(accountActive, keyActive, endpointOrders, 429, wire.Throttled, 1, 0, order.size+20),
				entry(accountSuspended, keySuspended, 0, 403, wire.Forbidden, 1, 0, suspended.size),
			}
			if diff := cmp.Diff(want, b.Entries); diff != "" {
				e.Errorf("entries (-want +got):\n%s", diff)
			}
			at := (e.system.wall - int64(time.Second) - int64(e.upstreamTakes)) / int64(time.Millisecond)
			levels := []wire.Level{
				{Account: accountActive, Limit: limitMinute, Remaining: 97, AtMS: at},
				{Account: accountActive, Limit: limitOrders, Remaining: 0, AtMS: at},
			}
			if diff := cmp.Diff(levels, b.Levels); diff != "" {
				e.Errorf("levels (-want +got):\n%s", diff)
			}
			if b.Sequence != 1 || b.Node != "gateway-1" || b.Snapshot != 1 {
				e.Errorf("batch %d of %q under snapshot %d; want 1 of gateway-1 under 1", b.Sequence, b.Node, b.Snapshot)
			}
			e.pass(9 * time.Second)
			if calls := e.calls(); len(calls) != 0 {
				e.Errorf("%d calls while idle, want none", len(calls))
			}
			e.pass(time.Second)
			if b := e.commit(e.call("POST")); b.Sequence != 0 {
				e.Errorf("after ten idle seconds batch %d, want a heartbeat", b.Sequence)
			}
		})
	})
	t.Run("a client that left without a response", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST"))
			x := e.open("GET", "/", withKey)
			e.CompleteHttpContext(x.id)
			e.pass(time.Second)
			b := e.commit(e.call("POST"))
			if len(b.Entries) != 1 || b.Entries[0].Status != 0 || b.Entries[0].Requests != 1 {
				e.Errorf("entries %+v, want one request without status", b.Entries)
			}
		})
	})
	t.Run("not a stream whose headers never came", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST"))
			e.CompleteHttpContext(e.InitializeHttpContext())
			e.pass(time.Second)
			if calls := e.calls(); len(calls) != 0 {
				e.Errorf("%d calls, want none", len(calls))
			}
		})
	})
}

func TestReport(t *testing.T) {
	t.Run("a batch is sent again, unchanged, until it is committed", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST"))
			e.send("GET", "/", withKey)
			e.pass(time.Second)
			first := e.call("POST")
			e.answer(first, 503, nil)
			e.pass(5 * time.Second)
			second := e.call("POST")
			if !slices.Equal(first.Body, second.Body) {
				e.Error("the batch changed")
			}
			e.answer(second, 200, wire.EncodeReceipt(wire.Receipt{Accepted: 1}))
			e.pass(4 * time.Second)
			heartbeat := e.call("POST")
			e.answer(heartbeat, 200, wire.EncodeReceipt(wire.Receipt{Accepted: 1}))
			e.pass(time.Second)
			third := e.call("POST")
			if !slices.Equal(first.Body, third.Body) {
				e.Error("what was accepted but not committed wasn't sent again")
			}
			e.commit(third)
			if pending := e.gauge("weir.usage.pending_requests"); pending != 1 {
				e.Errorf("%d pending before the tick, want 1", pending)
			}
			e.pass(time.Second)
			if pending := e.gauge("weir.usage.pending_requests"); pending != 0 {
				e.Errorf("%d pending after the commit, want 0", pending)
			}
		})
	})
	t.Run("answers that make no sense lose nothing", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST"))
			e.send("GET", "/", withKey)
			for _, nonsense := range [][]byte{nil, []byte("OK"), wire.EncodeReceipt(wire.Receipt{Accepted: 9, Committed: 9})} {
				e.pass(5 * time.Second)
				e.answer(e.call("POST"), 200, nonsense)
			}
			e.pass(5 * time.Second)
			if b := e.commit(e.call("POST")); b.Sequence != 1 || len(b.Entries) != 1 {
				e.Errorf("batch %d with %d entries, want 1 with 1", b.Sequence, len(b.Entries))
			}
		})
	})
	t.Run("the token goes along and is never logged", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			e.pass(time.Second)
			c := e.call("GET")
			if got := header(c.Headers, "authorization"); got != "Bearer "+nodeToken {
				e.Errorf("authorization %q", got)
			}
			e.answer(c, 401, nil)
			for _, line := range slices.Concat(e.GetWarnLogs(), e.GetErrorLogs(), e.GetCriticalLogs()) {
				if strings.Contains(line, nodeToken) {
					e.Errorf("the log shows the token: %s", line)
				}
			}
		})
	})
}

func TestStats(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(testPolicy())
		e.commit(e.call("POST"))
		for range 103 {
			e.send("GET", "/", withKey)
		}
		e.send("GET", "/")
		e.pass(time.Second)
		got := map[string]uint64{}
		for _, name := range []string{"weir.decisions.allowed", "weir.decisions.throttled", "weir.decisions.unauthenticated"} {
			n, err := e.GetCounterMetric(name)
			if err != nil {
				e.Fatal(err)
			}
			got[name] = n
		}
		want := map[string]uint64{"weir.decisions.allowed": 100, "weir.decisions.throttled": 3, "weir.decisions.unauthenticated": 1}
		if diff := cmp.Diff(want, got); diff != "" {
			e.Errorf("counters (-want +got):\n%s", diff)
		}
		if v := e.gauge("weir.snapshot.version"); v != 1 {
			e.Errorf("snapshot version %d, want 1", v)
		}
	})
}

func (e *emulator) gauge(name string) uint64 {
	e.Helper()
	v, err := e.GetGaugeMetric(name)
	if err != nil {
		e.Fatal(err)
	}
	return v
}
