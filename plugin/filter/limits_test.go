package filter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// limitOf is an enforcing limit for all requests of an account.
func limitOf(kind book.Kind, measure book.Measure, amount uint64) book.Limit {
	l := book.Limit{ID: 31, Name: "limit", Subject: book.PerAccount, Selector: book.All, Kind: kind, Measure: measure, Mode: book.Enforce, Amount: amount}
	switch kind {
	case book.Rate:
		l.PeriodSeconds, l.Burst = 60, amount
	case book.Window:
		l.PeriodSeconds = 60
	case book.Quota:
		l.QuotaPeriod = book.Month
	}
	return l
}

// counter returns a counter of the stats.
func (e *emulator) counter(name string) uint64 {
	e.Helper()
	n, err := e.GetCounterMetric(name)
	if err != nil {
		e.Fatal(err)
	}
	return n
}

// batch returns what is counted until now.
func (e *emulator) batch() *wire.Batch {
	e.Helper()
	e.pass(time.Second)
	return e.commit(e.call("POST"))
}

// statuses sends n requests and returns how many had each status.
func (e *emulator) statuses(n int, headers ...[2]string) map[int]int {
	e.Helper()
	got := map[int]int{}
	for range n {
		got[e.send("GET", "/", headers...).status]++
	}
	return got
}

func TestKinds(t *testing.T) {
	for name, kind := range map[string]book.Kind{"rate": book.Rate, "window": book.Window} {
		t.Run(name+" admits its amount and then says when", func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				e.started(withLimits(limitOf(kind, book.Requests, 5)))
				if diff := cmp.Diff(map[int]int{200: 5, 429: 2}, e.statuses(7, withKey)); diff != "" {
					e.Error(diff)
				}
				x := e.send("GET", "/", withKey)
				var seconds int64
				fmt.Sscan(header(x.headers, "retry-after"), &seconds)
				if seconds < 1 || seconds > 62 {
					e.Fatalf("Retry-After %q", header(x.headers, "retry-after"))
				}
				e.pass(time.Duration(seconds) * time.Second)
				if x := e.send("GET", "/", withKey); x.status != 200 {
					e.Errorf("in time: status %d, want 200", x.status)
				}
			})
		})
	}
	t.Run("bytes are charged at the end, and the debt is waited for", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(withLimits(limitOf(book.Rate, book.Bytes, 600)))
			e.declaresBody = 53 // after 67 of fields and before 340 of response: 460 in all
			x := e.send("POST", "/", withKey)
			e.fields(x, nil, policies{"limit": {"r": 600}})
			x = e.send("POST", "/", withKey)
			e.fields(x, nil, policies{"limit": {"r": 140, "t": 1}})
			x = e.send("POST", "/", withKey)
			if x.status != 429 || header(x.headers, "retry-after") != "33" { // 320 of debt and one byte, 10 a second
				e.Errorf("status %d, Retry-After %q; want 429, 33", x.status, header(x.headers, "retry-after"))
			}
		})
	})
	t.Run("cost is reserved, and settled to what the upstream says", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(withLimits(limitOf(book.Rate, book.Cost, 60)))
			e.commit(e.call("POST"))
			x := e.open("POST", "/v1/orders/1", withKey) // costs 5
			e.finish(&x, 200, [2]string{"x-weir-cost", "2"})
			if got := header(x.headers, "x-weir-cost"); got != "" {
				e.Errorf("the client sees the cost %q", got)
			}
			x = e.open("POST", "/v1/orders/1", withKey)
			e.finish(&x, 200, [2]string{"x-weir-cost", "50"})
			e.fields(x, nil, policies{"limit": {"r": 53, "t": 1}})
			x = e.open("POST", "/v1/orders/1", withKey)
			e.finish(&x, 200, [2]string{"x-weir-cost", "much"})
			e.fields(x, nil, policies{"limit": {"r": 3, "t": 1}})
			b := e.batch()
			if len(b.Entries) != 1 || b.Entries[0].Cost != 2+50+5 {
				e.Errorf("entries %+v, want a cost of 57", b.Entries)
			}
			if n := e.counter("weir.settle.invalid_cost"); n != 1 {
				e.Errorf("weir.settle.invalid_cost is %d, want 1", n)
			}
		})
	})
	t.Run("a failure of the upstream is given back where the limit says so", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			refunds := limitOf(book.Rate, book.Requests, 10)
			refunds.Refund = true
			keeps := limitOf(book.Rate, book.Requests, 10)
			keeps.ID, keeps.Name = 32, "keeps"
			e.started(withLimits(refunds, keeps))
			for range 3 {
				x := e.open("GET", "/", withKey)
				e.finish(&x, 503)
			}
			x := e.send("GET", "/", withKey)
			e.fields(x, nil, policies{"limit": {"r": 9, "t": 6}, "keeps": {"r": 6, "t": 6}})
		})
	})
	t.Run("reads and writes, keys and their account", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			writes, perKey, shared := limitOf(book.Rate, book.Requests, 1), limitOf(book.Rate, book.Requests, 3), limitOf(book.Rate, book.Requests, 4)
			writes.ID, writes.Name, writes.Selector = 41, "writes", book.Writes
			perKey.ID, perKey.Name, perKey.Subject = 42, "per-key", book.PerKey
			shared.ID, shared.Name = 43, "shared"
			p := withLimits(writes, perKey, shared)
			p.Keys = append(p.Keys, book.Key{ID: 71, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("second")})
			e.started(p)
			e.commit(e.call("POST"))
			if x := e.send("POST", "/", withKey); x.status != 200 {
				e.Errorf("first write: %d", x.status)
			}
			x := e.send("PUT", "/", withKey)
			e.fields(x, nil, policies{"writes": {"r": 0, "t": 60}, "shared": {"r": 3, "t": 15}, "per-key": {"r": 2, "t": 20}})
			if x.status != 429 {
				e.Errorf("second write: %d, want 429", x.status)
			}
			if diff := cmp.Diff(map[int]int{200: 2, 429: 1}, e.statuses(3, withKey)); diff != "" {
				e.Error(diff)
			}
			second := [2]string{"x-api-key", "second"}
			if diff := cmp.Diff(map[int]int{200: 1, 429: 1}, e.statuses(2, second)); diff != "" {
				e.Error(diff)
			}
			x = e.send("GET", "/", second)
			e.fields(x, nil, policies{"shared": {"r": 0, "t": 15}, "per-key": {"r": 2, "t": 20}})
			b := e.batch()
			want := []wire.Level{
				{Account: 7, Limit: 41, Remaining: 0}, {Account: 7, Limit: 42, Key: 70, Remaining: 0},
				{Account: 7, Limit: 42, Key: 71, Remaining: 2}, {Account: 7, Limit: 43, Remaining: 0},
			}
			if diff := cmp.Diff(want, b.Levels, cmpopts.IgnoreFields(wire.Level{}, "AtMS")); diff != "" {
				e.Error(diff)
			}
		})
	})
}

func TestRequestsToWhichNoLimitApplies(t *testing.T) {
	writes := limitOf(book.Rate, book.Requests, 1)
	writes.Selector = book.Writes
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(withLimits(writes))
		e.send("POST", "/", withKey)
		for range 3 {
			if x := e.send("GET", "/", withKey); x.status != 200 || header(x.headers, "ratelimit") != "" {
				e.Errorf("status %d, headers %v", x.status, x.headers)
			}
		}
		e.pass(time.Second)
		if n := e.counter("weir.swap.retries") + e.counter("weir.swap.exhausted"); n != 0 {
			e.Errorf("%d swaps failed, and there was nothing to store", n)
		}
	})
}

func TestModes(t *testing.T) {
	soft := limitOf(book.Rate, book.Requests, 2)
	soft.Mode, soft.GracePercent = book.Soft, 100
	t.Run("soft lets through, marks, and enforces beyond the grace", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(withLimits(soft))
			e.commit(e.call("POST"))
			for i, want := range []struct {
				status         int
				priority, mark string
			}{{200, "normal", ""}, {200, "normal", ""}, {200, "low", `"limit";mode=soft`}, {200, "low", `"limit";mode=soft`}, {429, "", ""}} {
				x := e.send("GET", "/", withKey, [2]string{"x-weir-priority", "high"})
				got := header(x.upstream, "x-weir-priority")
				if x.status == 429 {
					got = ""
				}
				if x.status != want.status || got != want.priority || header(x.headers, "weir-limited") != want.mark {
					e.Errorf("request %d: status %d, priority %q, mark %q; want %+v", i+1, x.status, got, header(x.headers, "weir-limited"), want)
				}
			}
			b := e.batch()
			minute := b.Verdicts[0].Minute
			want := []wire.VerdictEntry{
				{VerdictKey: wire.VerdictKey{Minute: minute, Account: 7, Limit: 31, Verdict: wire.Denied}, Requests: 1, Amount: 1},
				{VerdictKey: wire.VerdictKey{Minute: minute, Account: 7, Limit: 31, Verdict: wire.Over}, Requests: 2, Amount: 2},
			}
			if diff := cmp.Diff(want, b.Verdicts); diff != "" {
				e.Error(diff)
			}
			if n := e.counter("weir.limits.over"); n != 2 {
				e.Errorf("weir.limits.over is %d, want 2", n)
			}
		})
	})
	t.Run("shadow counts and says nothing", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			shadow, live := limitOf(book.Window, book.Requests, 1), limitOf(book.Rate, book.Requests, 10)
			shadow.ID, shadow.Name, shadow.Mode = 32, "stricter", book.Shadow
			e.started(withLimits(live, shadow))
			e.commit(e.call("POST"))
			for range 3 {
				x := e.send("GET", "/", withKey)
				if _, told := e.parse(header(x.headers, "ratelimit"))["stricter"]; told || x.status != 200 || header(x.upstream, "x-weir-priority") != "" {
					e.Errorf("status %d, RateLimit %q", x.status, header(x.headers, "ratelimit"))
				}
			}
			b := e.batch()
			if len(b.Verdicts) != 1 || b.Verdicts[0].Verdict != wire.Shadowed || b.Verdicts[0].Requests != 2 || b.Verdicts[0].Limit != 32 {
				e.Errorf("verdicts %+v, want two shadowed", b.Verdicts)
			}
		})
	})
}

func TestDenialsAreSampled(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(withLimits(limitOf(book.Rate, book.Requests, 1)))
		e.commit(e.call("POST"))
		for range 40 {
			e.send("GET", "/v1/things?secret=1", withKey)
		}
		b := e.batch()
		if len(b.Denials) != 16 {
			e.Fatalf("%d denials, want 16 of one account", len(b.Denials))
		}
		want := wire.Denial{
			AtMS: b.Denials[0].AtMS, RequestID: "req-1", Account: 7, Key: 70, Limit: 31, Decision: wire.Throttled,
			Method: "GET", Path: "/v1/things", RetryAfterMS: 60_000, Levels: []wire.DenialLevel{{Limit: 31, Remaining: 0, Amount: 1}},
		}
		if diff := cmp.Diff(want, b.Denials[0]); diff != "" {
			e.Error(diff)
		}
	})
}

// TestARateThatWasSmallerRefillsOnceItIsWhole leaves a rate alone after trouble, and
// another one after its override: each has its whole burst when it had the time.
func TestARateThatWasSmallerRefillsOnceItIsWhole(t *testing.T) {
	t.Run("by its upstream", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			l := limitOf(book.Rate, book.Requests, 1000)
			l.PeriodSeconds, l.Adaptive = 3600, book.Adaptive{ErrorPercent: 50, FloorPercent: 10}
			e.started(withLimits(l))
			for range 10 {
				e.passing(25, 500)
				e.pass(time.Second)
			}
			for range 30 {
				e.pass(time.Second)
			}
			if n := e.gauge("weir.adaptive.tightened"); n != 0 {
				t.Fatalf("%d limits are tightened, want none", n)
			}
			e.pass(time.Hour)
			if n := e.passing(1100, 200); n != 1000 {
				t.Errorf("%d of 1,100 passed an hour later, want the whole burst of 1,000", n)
			}
		})
	})
	t.Run("by an override", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			l := limitOf(book.Rate, book.Requests, 1000)
			small := l
			small.Amount, small.Burst = 10, 10
			e.started(withLimits(small))
			if n := e.passing(20, 200); n != 10 {
				t.Fatalf("%d of 20 passed, want 10", n)
			}
			whole := withLimits(l)
			whole.Version++
			e.publish(whole)
			e.pass(time.Second)
			e.pass(time.Minute)
			if n := e.passing(1100, 200); n != 1000 {
				t.Errorf("%d of 1,100 passed a minute later, want the whole burst of 1,000", n)
			}
		})
	})
}

// passing sends requests that are answered with a status, and returns how many
// were let through.
func (e *emulator) passing(n, status int) (passed int) {
	for range n {
		x := e.open("GET", "/", withKey)
		e.finish(&x, status)
		if x.passed {
			passed++
		}
	}
	return passed
}

func TestAdaptive(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		l := limitOf(book.Rate, book.Requests, 1000)
		l.Adaptive = book.Adaptive{ErrorPercent: 50, FloorPercent: 10}
		e.started(withLimits(l))
		for range 10 {
			e.passing(25, 500)
			e.pass(time.Second)
		}
		if n := e.gauge("weir.adaptive.tightened"); n != 1 {
			e.Errorf("%d limits are tightened, want 1", n)
		}
		if n := e.passing(500, 200); n > 100 {
			e.Errorf("%d of 500 passed, want at most 100 in trouble", n)
		}
		for range 60 {
			e.pass(time.Second)
			e.passing(1, 200)
		}
		if n := e.gauge("weir.adaptive.tightened"); n != 0 {
			e.Errorf("%d limits are tightened after a minute without errors, want none", n)
		}
		if n := e.passing(1100, 200); n < 700 {
			e.Errorf("%d of 1,100 passed after recovery, want at least 700, as the bucket has filled for most of that time", n)
		}
	})
}
