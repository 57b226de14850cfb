package filter_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

const (
	meterTokens = 51
	meterRows   = 52 // of orders only, hidden
)

// metered is the policy with custom meters.
func metered() book.Policy {
	p := testPolicy()
	p.Plans[0].Limits = []book.Limit{perMinute(3)}
	p.Meters = []book.Meter{
		{ID: meterTokens, Header: "x-tokens"},
		{ID: meterRows, Header: "x-rows", Endpoint: endpointOrders, Hidden: true},
	}
	return p
}

func TestDeclare(t *testing.T) {
	// exchanges sends a POST for each response and returns the batch after them.
	exchanges := func(e *emulator, p book.Policy, path string, responses ...[][2]string) (last exchange, b *wire.Batch) {
		e.started(p)
		e.commit(e.call("POST"))
		for _, headers := range responses {
			last = e.open("POST", path, withKey)
			e.finish(&last, 200, headers...)
		}
		e.pass(time.Second)
		return last, e.commit(e.call("POST"))
	}
	amounts := func(e *emulator, b *wire.Batch) map[uint64][2]uint64 {
		got := map[uint64][2]uint64{}
		for _, m := range b.Meters {
			want := wire.MeterKey{Minute: e.system.wall / int64(time.Minute), Account: accountActive, Key: keyActive, Endpoint: m.Endpoint, Tier: 2, Meter: m.Meter}
			if m.MeterKey != want {
				e.Errorf("meter %+v, want %+v", m.MeterKey, want)
			}
			got[m.Meter] = [2]uint64{m.Requests, m.Amount}
		}
		return got
	}
	t.Run("what upstreams declare is added up by meter", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x, b := exchanges(e, metered(), "/v1/orders/1",
				[][2]string{{"x-tokens", "40"}, {"x-rows", "7"}}, [][2]string{{"x-tokens", "2"}}, [][2]string{{"x-rows", "0"}, {"x-tokens", "1000000000"}})
			want := map[uint64][2]uint64{meterTokens: {3, 1e9 + 42}, meterRows: {2, 7}}
			if diff := cmp.Diff(want, amounts(e, b)); diff != "" {
				e.Errorf("meters (-want +got):\n%s", diff)
			}
			if header(x.headers, "x-rows") != "" || header(x.headers, "x-tokens") == "" {
				e.Errorf("the client sees %v; want x-tokens and not x-rows", x.headers)
			}
		})
	})
	t.Run("a meter of one endpoint doesn't read the others' responses", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x, b := exchanges(e, metered(), "/", [][2]string{{"x-rows", "7"}})
			if len(b.Meters) != 0 || header(x.headers, "x-rows") != "7" {
				e.Errorf("meters %+v, response %v", b.Meters, x.headers)
			}
		})
	})
	t.Run("what is no amount isn't counted, is hidden all the same, and shows in the stats", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			bad := []string{"", "-1", "+1", "1.5", "0x10", "1e3", "1000000001", "10000000000", "7 "}
			p := metered()
			p.Plans[0].Limits = []book.Limit{perMinute(100)}
			var responses [][][2]string
			for _, v := range bad {
				responses = append(responses, [][2]string{{"x-rows", v}})
			}
			responses = append(responses, [][2]string{{"x-rows", "many"}, {"x-tokens", "5"}, {"x-tokens", "6"}}) // twice: the first
			x, b := exchanges(e, p, "/v1/orders/1", responses...)
			if diff := cmp.Diff(map[uint64][2]uint64{meterTokens: {1, 5}}, amounts(e, b)); diff != "" {
				e.Errorf("meters (-want +got):\n%s", diff)
			}
			if got := header(x.headers, "x-rows"); got != "" {
				e.Errorf("the client sees x-rows: %s", got)
			}
			if got := e.counter("weir.meters.invalid_amount"); got != uint64(len(bad)+2) {
				e.Errorf("%d amounts refused, want %d", got, len(bad)+2)
			}
		})
	})
	t.Run("not of what the filter answers itself", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			declares := [][2]string{{"x-tokens", "1"}}
			x, b := exchanges(e, metered(), "/", declares, declares, declares, declares)
			if x.status != 429 {
				e.Fatalf("status %d", x.status)
			}
			if diff := cmp.Diff(map[uint64][2]uint64{meterTokens: {3, 3}}, amounts(e, b)); diff != "" {
				e.Errorf("meters (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("not of a policy without meters", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x, b := exchanges(e, testPolicy(), "/v1/orders/1", [][2]string{{"x-rows", "7"}})
			if len(b.Meters) != 0 || header(x.headers, "x-rows") != "7" {
				e.Errorf("meters %+v, response %v", b.Meters, x.headers)
			}
		})
	})
	t.Run("under the meter that the policy had when the response came", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(metered())
			e.commit(e.call("POST"))
			x := e.open("GET", "/", withKey)
			e.CallOnResponseHeaders(x.id, [][2]string{{":status", "200"}, {"x-tokens", "9"}}, false)
			next := testPolicy()
			next.Version = 2
			e.publish(next)
			e.pass(100 * time.Millisecond)
			e.commit(e.call("POST")) // the new snapshot's heartbeat
			e.CompleteHttpContext(x.id)
			e.pass(time.Second)
			if diff := cmp.Diff(map[uint64][2]uint64{meterTokens: {1, 9}}, amounts(e, e.commit(e.call("POST")))); diff != "" {
				e.Errorf("meters (-want +got):\n%s", diff)
			}
		})
	})
}

func TestEntriesSayWhatTheyWereDecidedUnder(t *testing.T) {
	t.Run("requests that a shadow limit would have refused", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			shadow := perMinute(2)
			shadow.Mode = book.Shadow
			e.started(withLimits(shadow))
			e.commit(e.call("POST"))
			for range 5 {
				e.send("GET", "/", withKey)
			}
			e.pass(time.Second)
			b := e.commit(e.call("POST"))
			if len(b.Entries) != 1 || b.Entries[0].Requests != 5 || b.Entries[0].Shadowed != 3 || b.Entries[0].Tier != 2 {
				e.Errorf("entries %+v, want 5 requests of tier 2, 3 of them shadowed", b.Entries)
			}
		})
	})
	t.Run("the tier that a claim names, and that of callers known by their address", func(t *testing.T) {
		onEmulator(t, `{"node":"n","identify":"jwt,address","jwt_tier_claim":"plan"}`, func(e *emulator) {
			jwt := []string{"metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"}
			e.started(identities())
			e.commit(e.call("POST"))
			e.text("192.0.2.1:4000", "source", "address")
			e.send("GET", "/")
			e.text("alice", append(jwt, "sub")...)
			e.text("Gold", append(jwt, "plan")...)
			e.send("GET", "/")
			e.pass(time.Second)
			got := map[uint64]uint64{}
			for _, x := range e.commit(e.call("POST")).Entries {
				got[x.Account] = x.Tier
			}
			if diff := cmp.Diff(map[uint64]uint64{0: 9, accountActive: 3}, got); diff != "" {
				e.Errorf("tiers by account (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("batches say since when the source counts, and how much", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			began := e.system.wall / int64(time.Millisecond)
			e.started(testPolicy())
			e.commit(e.call("POST"))
			e.send("GET", "/", withKey)
			e.send("GET", "/", withKey)
			e.pass(time.Second)
			if b := e.commit(e.call("POST")); b.BeganMS != began || b.Counted != 2 {
				e.Errorf("began %d, counted %d; want %d, 2", b.BeganMS, b.Counted, began)
			}
			e.pass(10 * time.Second)
			if b := e.commit(e.call("POST")); b.Sequence != 0 || b.BeganMS != began || b.Counted != 2 {
				e.Errorf("batch %d: began %d, counted %d; want a heartbeat with %d, 2", b.Sequence, b.BeganMS, b.Counted, began)
			}
		})
	})
}
