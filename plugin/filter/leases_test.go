package filter_test

import (
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// holdingNothing has the fail mode decide where a lease is missing.
const holdingNothing = `{"node":"gateway-1","hold_ms":0}`

// leaseCall returns the lease report under way, if there is one.
func (e *emulator) leaseCall() (c proxytest.HttpCalloutAttribute, report *wire.LeaseReport) {
	e.Helper()
	for _, call := range e.calls() {
		if header(call.Headers, ":path") != "/edge/v1/leases" {
			continue
		}
		r, err := wire.DecodeLeaseReport(call.Body)
		if err != nil {
			e.Fatal(err)
		}
		c, report = call, r
	}
	return c, report
}

// lease answers a report with one grant.
func (e *emulator) lease(c proxytest.HttpCalloutAttribute, g wire.LeaseGrant) {
	e.Helper()
	body, err := wire.EncodeLeaseReply(nil, &wire.LeaseReply{TTLSeconds: 30, Leases: []wire.LeaseGrant{g}})
	if err != nil {
		e.Fatal(err)
	}
	e.answer(c, 200, body)
}

func TestQuota(t *testing.T) {
	monthly := limitOf(book.Quota, book.Requests, 1000)
	month := func(e *emulator, h wire.HeldLease, granted uint64) wire.LeaseGrant {
		now := e.system.wall / int64(time.Second)
		return wire.LeaseGrant{LeaseKey: h.LeaseKey, Born: h.Born, Revision: h.Revision + 1, Start: now - 86400, End: now + 10*86400, Granted: granted, Remaining: 1000}
	}
	t.Run("asks, spends the lease, asks for more in time, and knows when it is spent", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			x := e.send("GET", "/", withKey)
			if x.status != 503 || header(x.headers, "retry-after") != "1" {
				e.Errorf("without a lease: status %d, Retry-After %q; want 503, 1", x.status, header(x.headers, "retry-after"))
			}
			e.pass(100 * time.Millisecond)
			c, report := e.leaseCall()
			if report == nil || len(report.Held) != 1 || !report.Held[0].Asks || report.Held[0].Account != 7 || report.Held[0].Limit != 31 || report.Held[0].Granted != 0 {
				e.Fatalf("report %+v, want one that asks", report)
			}
			e.lease(c, month(e, report.Held[0], 10))
			e.pass(400 * time.Millisecond) // so long it doesn't ask again
			if got := e.statuses(10, withKey); got[200] != 10 {
				e.Errorf("statuses %v, want ten admitted", got)
			}
			x = e.send("GET", "/", withKey)
			if x.status != 503 {
				e.Errorf("beyond the lease: status %d, want 503", x.status)
			}
			e.pass(time.Second)
			c, report = e.leaseCall()
			if report == nil || !report.Held[0].Asks || report.Held[0].Used != 10 || report.Held[0].Granted != 10 {
				e.Fatalf("report %+v, want one that asks and used 10", report)
			}
			g := month(e, report.Held[0], 0)
			g.Spent, g.Remaining = true, 0
			e.lease(c, g)
			x = e.send("GET", "/", withKey)
			if x.status != 429 || header(x.headers, "retry-after") != "864000" {
				e.Errorf("spent: status %d, Retry-After %q; want 429, 864000", x.status, header(x.headers, "retry-after"))
			}
			if got := e.problem(x)["detail"]; got != "Limit limit of tier Basic allows 1000 requests a month; retry in 864000 s." {
				e.Errorf("detail %q", got)
			}
		})
	})
	t.Run("fails open where the limit says so, and counts it", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			open := monthly
			open.FailOpen = true
			e.started(withLimits(open))
			if got := e.statuses(3, withKey); got[200] != 3 {
				e.Errorf("statuses %v, want three admitted", got)
			}
			e.pass(time.Second)
			if n := e.counter("weir.limits.failed_open"); n != 3 {
				e.Errorf("weir.limits.failed_open is %d, want 3", n)
			}
			if _, report := e.leaseCall(); report == nil || report.Held[0].Used != 3 {
				e.Errorf("report %+v, want one with 3 used", report)
			}
		})
	})
	t.Run("a month's rest is told as an even part of an hour", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			e.send("GET", "/", withKey)
			e.pass(100 * time.Millisecond)
			c, report := e.leaseCall()
			e.lease(c, month(e, report.Held[0], 100))
			x := e.send("GET", "/", withKey)
			if got := header(x.headers, "ratelimit"); got != `"limit";r=4;t=3600;weir-left=999` {
				e.Errorf("RateLimit %s", got)
			}
			if got := header(x.headers, "ratelimit-policy"); got != `"limit";q=1000;weir-period="month"` {
				e.Errorf("RateLimit-Policy %s", got)
			}
		})
	})
	t.Run("an idle process goes on reporting, also after one that wasn't answered", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			e.send("GET", "/", withKey)
			e.pass(100 * time.Millisecond)
			c, report := e.leaseCall()
			e.lease(c, month(e, report.Held[0], 100))
			if x := e.send("GET", "/", withKey); x.status != 200 {
				e.Errorf("status %d, want 200", x.status)
			}
			e.pass(9 * time.Second) // an idle process reports too
			if c, report = e.leaseCall(); report == nil {
				e.Fatal("no report after 9 s")
			}
			e.answer(c, 503, nil)
			e.pass(20 * time.Second)
			if _, report = e.leaseCall(); report == nil {
				e.Fatal("it doesn't report any more")
			}
		})
	})
	t.Run("malformed replies change nothing", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			e.send("GET", "/", withKey)
			e.pass(100 * time.Millisecond)
			c, _ := e.leaseCall()
			e.answer(c, 200, []byte("OK"))
			if x := e.send("GET", "/", withKey); x.status != 503 {
				e.Errorf("status %d, want 503", x.status)
			}
			e.pass(time.Second)
			if _, report := e.leaseCall(); report == nil || !report.Held[0].Asks {
				e.Errorf("report %+v, want one that still asks", report)
			}
		})
	})
}

func TestRecalls(t *testing.T) {
	onEmulator(t, holdingNothing, func(e *emulator) {
		e.started(withLimits(limitOf(book.Quota, book.Requests, 1000)))
		e.send("GET", "/", withKey)
		e.pass(100 * time.Millisecond)
		c, report := e.leaseCall()
		now := e.system.wall / int64(time.Second)
		g := wire.LeaseGrant{LeaseKey: report.Held[0].LeaseKey, Born: report.Held[0].Born, Revision: 1, Start: now - 86400, End: now + 86400, Granted: 100, Remaining: 1000}
		e.lease(c, g)
		reply := func(change func(*wire.LeaseGrant)) wire.HeldLease {
			e.Helper()
			e.pass(5 * time.Second)
			e.send("GET", "/", withKey)
			e.pass(time.Second)
			c, report := e.leaseCall()
			if report == nil {
				e.Fatal("no report")
			}
			other := g
			other.Born = 0
			change(&other)
			e.lease(c, other)
			e.pass(5 * time.Second)
			e.send("GET", "/", withKey)
			e.pass(time.Second)
			c, report = e.leaseCall()
			if report == nil {
				e.Fatal("no report after the reply")
			}
			e.answer(c, 503, nil)
			return report.Held[0]
		}
		if h := reply(func(g *wire.LeaseGrant) { g.Revision, g.Granted = 2, 500 }); h.Granted != 100 {
			e.Errorf("more without being asked: %d granted, want 100", h.Granted)
		}
		if h := reply(func(g *wire.LeaseGrant) { g.Revision, g.Granted = 3, 50 }); h.Granted != 50 || h.Revision != 3 {
			e.Errorf("recalled: %d granted in revision %d, want 50 in 3", h.Granted, h.Revision)
		}
		if h := reply(func(g *wire.LeaseGrant) { g.Revision, g.Granted = 2, 20 }); h.Granted != 50 {
			e.Errorf("an older recall: %d granted, want 50", h.Granted)
		}
	})
}

func TestOthersThatWaitAreAnsweredSoon(t *testing.T) {
	month := func(e *emulator, h wire.HeldLease, revision, granted uint64) wire.LeaseGrant {
		g := e.month(h, granted)
		g.Revision, g.Start, g.End = revision, g.End-g.End%864_000-10*864_000, g.End-g.End%864_000+10*864_000
		return g
	}
	t.Run("a recall is confirmed at once", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			e.send("GET", "/", withKey)
			e.pass(100 * time.Millisecond)
			c, report := e.leaseCall()
			e.lease(c, month(e, report.Held[0], 1, 100))
			e.send("GET", "/", withKey)
			e.pass(time.Second)
			c, report = e.leaseCall()
			e.lease(c, month(e, report.Held[0], 2, 40))
			if _, report = e.leaseCall(); report == nil || report.Held[0].Granted != 40 || report.Held[0].Revision != 2 {
				e.Errorf("report %+v, want one that shows the recall, before the next tick", report)
			}
		})
	})
	t.Run("a poll that says so has what is held reported at once", func(t *testing.T) {
		onEmulator(t, holdingNothing, func(e *emulator) {
			e.started(withLimits(monthly))
			e.commit(e.takePoll())
			e.send("GET", "/", withKey)
			e.system.monotonic += int64(time.Second)
			e.answer(e.poll, 204, nil)
			c, report := e.leaseCall()
			if report == nil || len(report.Held) != 1 {
				e.Fatalf("report %+v, want one before the next tick", report)
			}
			e.lease(c, month(e, report.Held[0], 1, 100))
			if _, report = e.leaseCall(); report != nil {
				e.Errorf("report %+v, want none as nothing was recalled", report)
			}
		})
	})
}

func TestReportsSayWhatIsWanted(t *testing.T) {
	t.Run("by the requests that wait, and by those that came lately", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			if h := report.Held[0]; h.Wants != 1 || h.Recent != 0 {
				e.Errorf("report %+v, want 1 wanted", h)
			}
			for range 4 {
				y := e.open("GET", "/", withKey)
				e.wantHeld(&y)
			}
			e.lease(c, e.month(report.Held[0], 2))
			e.later(&x)
			c, report = e.leaseCall()
			if h := report.Held[0]; h.Wants != 3 || h.Recent != 2 {
				e.Errorf("report %+v, want 3 wanted and 2 used", h)
			}
			e.lease(c, e.month(report.Held[0], 100))
		})
	})
	t.Run("and what is given back", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			refunding := monthly
			refunding.Refund = true
			x := e.cold(refunding)
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 10))
			e.later(&x)
			e.finish(&x, 502)
			e.pass(time.Second)
			if _, report = e.leaseCall(); report == nil || report.Held[0].Used != 1 || report.Held[0].Refunded != 1 {
				e.Errorf("report %+v, want one used and given back", report)
			}
		})
	})
	t.Run("and once again when nothing is", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			lease := e.month(wire.HeldLease{}, 900)
			var named []uint64 // recent use in the reports that name the quota
			for range 300 {
				c, report := e.leaseCall()
				switch {
				case report == nil:
				case len(report.Held) == 0:
					e.answer(c, 200, encodeReply(e))
				default:
					h := report.Held[0]
					named = append(named, h.Recent)
					g := lease
					g.LeaseKey, g.Born, g.Revision = h.LeaseKey, h.Born, 1
					e.lease(c, g)
				}
				e.pass(100 * time.Millisecond)
			}
			e.later(&x)
			if len(named) < 2 || len(named) > 4 || named[1] != 1 || named[len(named)-1] != 0 {
				e.Errorf("recent use in half a minute's reports: %v, want 1 after the request, and 0 in the end", named)
			}
		})
	})
	t.Run("without haste where nothing waits", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 900))
			e.later(&x)
			n := 0
			for range 50 { // five seconds, in which each tenth takes the rest of a small lot
				if c, report = e.leaseCall(); report != nil {
					n++
					h := report.Held[0]
					e.lease(c, e.month(h, h.Used+30))
				}
				for range 6 {
					e.send("GET", "/", withKey)
				}
				e.pass(100 * time.Millisecond)
			}
			if n > 21 {
				e.Errorf("%d reports in five seconds, want at most four a second", n)
			}
		})
	})
}

// encodeReply is a reply that names no lease.
func encodeReply(e *emulator) []byte {
	e.Helper()
	body, err := wire.EncodeLeaseReply(nil, &wire.LeaseReply{TTLSeconds: 30})
	if err != nil {
		e.Fatal(err)
	}
	return body
}
