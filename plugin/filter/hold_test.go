package filter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// monthly is a quota that fails closed.
var monthly = limitOf(book.Quota, book.Requests, 1000)

// month is a lease for what a report asks for.
func (e *emulator) month(h wire.HeldLease, granted uint64) wire.LeaseGrant {
	now := e.system.wall / int64(time.Second)
	return wire.LeaseGrant{LeaseKey: h.LeaseKey, Born: h.Born, Revision: h.Revision + 1, Start: now - 86400, End: now + 10*86400, Granted: granted, Remaining: 1000}
}

// later brings an exchange up to date that was held.
func (e *emulator) later(x *exchange) {
	x.passed = e.GetCurrentHttpStreamAction(x.id) == types.ActionContinue
	if local := e.GetSentLocalResponse(x.id); local != nil {
		x.status, x.headers, x.body = int(local.StatusCode), local.Headers, local.Data
	}
	x.upstream = e.GetCurrentRequestHeaders(x.id)
}

// isHeld reports whether an exchange was neither passed on nor answered yet.
func (e *emulator) isHeld(x *exchange) bool {
	e.later(x)
	return !x.passed && x.status == 0
}

// wantHeld fails where something else is the case.
func (e *emulator) wantHeld(x *exchange) {
	e.Helper()
	if !e.isHeld(x) {
		e.Fatalf("passed %t with status %d, want it held", x.passed, x.status)
	}
}

// cold starts a filter whose account 7 has no lease, and holds a request of it.
func (e *emulator) cold(limits ...book.Limit) exchange {
	e.Helper()
	e.started(withLimits(limits...))
	e.commit(e.takePoll())
	x := e.open("GET", "/", withKey)
	e.wantHeld(&x)
	return x
}

func TestHold(t *testing.T) {
	t.Run("a first request waits for its lease, and is asked for at once", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			if report == nil || len(report.Held) != 1 || !report.Held[0].Asks || report.Held[0].Account != 7 {
				e.Fatalf("report %+v, want one that asks, before any tick", report)
			}
			e.system.monotonic += int64(7 * time.Millisecond)
			e.system.wall += int64(7 * time.Millisecond)
			e.lease(c, e.month(report.Held[0], 10))
			e.later(&x)
			if !x.passed || header(x.upstream, "x-weir-account") != "acc_7" {
				e.Fatalf("passed %t, the upstream gets %v", x.passed, x.upstream)
			}
			e.finish(&x, 200)
			if x.status != 200 || !strings.Contains(header(x.headers, "ratelimit"), "weir-left=999") {
				e.Errorf("status %d, RateLimit %q", x.status, header(x.headers, "ratelimit"))
			}
			e.pass(time.Second)
			for _, call := range e.calls() {
				switch header(call.Headers, ":path") {
				case "/edge/v1/usage":
					b := e.commit(call)
					if len(b.Entries) != 1 || b.Entries[0].Decision != wire.Allowed || b.Entries[0].DurationUS != 7000 {
						e.Errorf("entries %+v, want one that took 7 ms, the wait included", b.Entries)
					}
				case "/edge/v1/leases":
					if r, err := wire.DecodeLeaseReport(call.Body); err != nil || r.Held[0].Used != 1 {
						e.Errorf("report %+v (%v), want one used", r, err)
					}
				}
			}
			if n := e.counter("weir.held.requests"); n != 1 {
				e.Errorf("weir.held.requests is %d, want 1", n)
			}
		})
	})
	t.Run("a soft quota's request waits too, so that it is marked when it is too much", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			soft := monthly
			soft.Mode = book.Soft
			x := e.cold(soft)
			c, report := e.leaseCall()
			g := e.month(report.Held[0], 0)
			g.Remaining = 0
			e.lease(c, g)
			e.later(&x)
			e.finish(&x, 200)
			if got := header(x.headers, "weir-limited"); x.status != 200 || got == "" {
				e.Errorf("status %d, weir-limited %q; want 200, and said", x.status, got)
			}
		})
	})
	t.Run("while the control plane is away a lease is used up, and spent stays spent", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 3))
			e.later(&x)
			e.finish(&x, 200)
			e.pass(time.Hour) // no report is answered
			if got := e.statuses(2, withKey); got[200] != 2 {
				e.Errorf("statuses %v, want what is left of the lease", got)
			}
		})
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			g := e.month(report.Held[0], 0)
			g.Spent, g.Remaining = true, 0
			e.lease(c, g)
			e.later(&x)
			e.pass(time.Hour)
			if x := e.send("GET", "/", withKey); x.status != 429 || header(x.headers, "retry-after") != "860400" {
				e.Errorf("status %d, Retry-After %q; want 429 until the period ends", x.status, header(x.headers, "retry-after"))
			}
		})
	})
	t.Run("for a shadow quota nothing waits, and nothing is guessed", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			shadow := monthly
			shadow.Mode = book.Shadow
			e.started(withLimits(shadow))
			e.commit(e.takePoll())
			if x := e.send("GET", "/", withKey); x.status != 200 {
				e.Fatalf("status %d, want 200", x.status)
			}
			e.pass(time.Second)
			var got []wire.Verdict
			for _, call := range e.calls() {
				if header(call.Headers, ":path") == "/edge/v1/usage" {
					for _, v := range e.commit(call).Verdicts {
						got = append(got, v.Verdict)
					}
				}
			}
			if len(got) != 1 || got[0] != wire.FailedOpen {
				e.Errorf("verdicts %v, want one that it wasn't known", got)
			}
		})
	})
	t.Run("an open quota's request waits too, and is charged once", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			open := monthly
			open.FailOpen = true
			x := e.cold(open)
			c, report := e.leaseCall()
			if report.Held[0].Used != 0 {
				e.Errorf("%d used while it is held", report.Held[0].Used)
			}
			g := e.month(report.Held[0], 0)
			g.Spent, g.Remaining = true, 0
			e.lease(c, g)
			e.finish(&x, 0)
			e.later(&x)
			if x.status != 429 {
				e.Errorf("status %d of a spent quota, want 429", x.status)
			}
		})
	})
	t.Run("what is spent is refused with 429 when the answer says so", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			head := e.open("HEAD", "/", withKey)
			grpc := e.open("POST", "/pkg.Service/Method", withKey, [2]string{"content-type", "application/grpc"})
			e.wantHeld(&head)
			c, report := e.leaseCall()
			g := e.month(report.Held[0], 0)
			g.Spent, g.Remaining = true, 0
			e.lease(c, g)
			for what, x := range map[string]*exchange{"GET": &x, "HEAD": &head, "gRPC": &grpc} {
				e.later(x)
				if x.passed || x.status != 429 || header(x.headers, "retry-after") != "864000" {
					e.Errorf("%s: passed %t, status %d, Retry-After %q", what, x.passed, x.status, header(x.headers, "retry-after"))
				}
			}
			if header(head.headers, "content-type") != "application/problem+json" || header(x.headers, "content-type") != "application/problem+json" || strings.HasPrefix(string(grpc.body), "{") {
				e.Errorf("fields %v and %v, gRPC message %q", head.headers, x.headers, grpc.body)
			}
			if local := e.GetSentLocalResponse(grpc.id); local.GRPCStatus != 8 {
				e.Errorf("gRPC status %d, want 8", local.GRPCStatus)
			}
			if y := e.send("GET", "/", withKey); y.status != 429 {
				e.Errorf("afterwards: status %d, want 429 at once", y.status)
			}
		})
	})
	t.Run("those that a lease is enough for pass in their order, and the rest goes on waiting", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			all := []exchange{e.cold(monthly)}
			for range 4 {
				all = append(all, e.open("GET", "/", withKey))
			}
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 2))
			for i := range all {
				if held := e.isHeld(&all[i]); held == (i < 2) {
					e.Errorf("request %d: held %t", i, held)
				}
			}
			c, report = e.leaseCall() // right after the answer
			if report == nil || !report.Held[0].Asks || report.Held[0].Used != 2 {
				e.Fatalf("report %+v, want one that asks again", report)
			}
			e.lease(c, e.month(report.Held[0], 100))
			for i := range all {
				e.later(&all[i])
				e.finish(&all[i], 200)
				if all[i].status != 200 {
					e.Errorf("request %d: status %d", i, all[i].status)
				}
			}
			e.pass(time.Second)
			if n, m := e.counter("weir.held.requests"), e.counter("weir.decisions.allowed"); n != 5 || m != 5 {
				e.Errorf("%d held and %d allowed, want 5 each", n, m)
			}
		})
	})
	t.Run("a lease that another VM brought releases it with the next tick", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			_, report := e.leaseCall()
			e.grant(accountActive, e.month(report.Held[0], 10))
			e.wantHeld(&x)
			e.pass(100 * time.Millisecond)
			if e.later(&x); !x.passed {
				e.Errorf("status %d, want it passed", x.status)
			}
		})
	})
	t.Run("a reset of the counters is waited for as the first lease is", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 10))
			e.finish(&x, 200)
			reset := withLimits(monthly)
			reset.Version, reset.Keys[0].Epoch = 2, 1
			e.answer(e.poll, 200, compile(e.T, reset))
			e.calls()
			e.system.monotonic += int64(100 * time.Millisecond)
			y := e.open("GET", "/", withKey)
			e.wantHeld(&y)
			c, report = e.leaseCall()
			if report == nil || report.Held[0].Start != 0 {
				e.Fatalf("report %+v, want one that begins anew", report)
			}
			e.lease(c, e.month(report.Held[0], 10))
			if e.later(&y); !y.passed {
				e.Errorf("status %d, want it passed", y.status)
			}
		})
	})
	t.Run("a key that was revoked meanwhile is refused", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			next := withLimits(monthly)
			next.Version, next.Keys[0].Suspended = 2, true
			e.publish(next)
			e.pass(time.Millisecond)
			if e.later(&x); x.status != 403 {
				e.Errorf("status %d, want 403", x.status)
			}
			e.lease(c, e.month(report.Held[0], 10))
		})
	})
}

// grant puts a lease into an account's state as another VM would.
func (e *emulator) grant(account uint64, g wire.LeaseGrant) {
	e.Helper()
	key := "weir/a/7"
	if account != accountActive {
		e.Fatalf("no account %d", account)
	}
	state, _, err := proxywasm.GetSharedData(key)
	if err != nil {
		e.Fatal(err)
	}
	next, changed, err := limit.Grant(nil, state, limit.Request{Version: 1, Now: e.system.monotonic, Wall: e.system.wall / int64(time.Second)},
		[]limit.Lease{{Limit: g.Limit, Born: g.Born, Revision: g.Revision, Start: g.Start, End: g.End, Granted: g.Granted, Remaining: g.Remaining}}, nil)
	if err != nil || !changed {
		e.Fatalf("changed %t: %v", changed, err)
	}
	e.write(key, next)
}

func TestHoldIsBounded(t *testing.T) {
	t.Run("after hold_ms the fail mode decides", func(t *testing.T) {
		for name, status := range map[string]int{"closed": 503, "open": 200} {
			t.Run(name, func(t *testing.T) {
				onEmulator(t, plainConfiguration, func(e *emulator) {
					l := monthly
					l.FailOpen = name == "open"
					x := e.cold(l)
					e.pass(499 * time.Millisecond)
					e.wantHeld(&x)
					if n, err := e.GetGaugeMetric("weir.held.waiting"); err != nil || n != 1 {
						e.Errorf("weir.held.waiting is %d (%v), want 1", n, err)
					}
					e.pass(time.Millisecond)
					e.later(&x)
					e.finish(&x, 200)
					if x.status != status || status == 503 && header(x.headers, "retry-after") != "1" {
						e.Errorf("status %d, Retry-After %q; want %d", x.status, header(x.headers, "retry-after"), status)
					}
					if n, err := e.GetGaugeMetric("weir.held.waiting"); err != nil || n != 0 {
						e.Errorf("weir.held.waiting is %d (%v), want 0", n, err)
					}
					e.pass(time.Millisecond)
					if n := e.counter("weir.held.timed_out"); n != 1 {
						e.Errorf("weir.held.timed_out is %d, want 1", n)
					}
					if n := e.counter("weir.limits.failed_open"); n != uint64(status/200%2) && status == 200 {
						e.Errorf("weir.limits.failed_open is %d", n)
					}
					y := e.send("GET", "/", withKey)
					if y.status != status {
						e.Errorf("while that report is under way: status %d, want %d at once", y.status, status)
					}
				})
			})
		}
	})
	t.Run("what another limit refuses, and what passes, doesn't wait", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly, perMinute(1))
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 10))
			e.later(&x)
			e.finish(&x, 200)
			if y := e.send("GET", "/", withKey); y.status != 429 {
				e.Errorf("status %d, want 429 at once", y.status)
			}
		})
	})
	t.Run("at most 1,024 wait in a VM", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.cold(monthly)
			for range 1023 {
				x := e.open("GET", "/", withKey)
				e.wantHeld(&x)
			}
			if x := e.send("GET", "/", withKey); x.status != 503 {
				e.Errorf("status %d, want 503 at once", x.status)
			}
			c, report := e.leaseCall()
			e.lease(c, e.month(report.Held[0], 900))
			e.pass(100 * time.Millisecond)
			if n, err := e.GetGaugeMetric("weir.held.waiting"); err != nil || n != 124 {
				e.Errorf("weir.held.waiting is %d (%v), want the 124 that the lease isn't enough for", n, err)
			}
		})
	})
	t.Run("at most 20 reports a second ask", func(t *testing.T) {
		onEmulator(t, `{"node":"gateway-1","hold_ms":5000,"tick_ms":10}`, func(e *emulator) {
			e.cold(monthly)
			c, report := e.leaseCall()
			n := 0
			for range 99 { // almost a second
				if report != nil {
					n++
					e.lease(c, e.month(report.Held[0], 0))
				}
				if c, report = e.leaseCall(); report == nil {
					e.pass(10 * time.Millisecond)
					c, report = e.leaseCall()
				}
			}
			if n < 15 || n > 20 {
				e.Errorf("%d reports in a second, want 15 to 20", n)
			}
		})
	})
}

// answerLeases answers every report with a lease, also those that follow at once.
func (e *emulator) answerLeases(g func(wire.HeldLease) wire.LeaseGrant) {
	e.Helper()
	for c, report := e.leaseCall(); report != nil; c, report = e.leaseCall() {
		e.lease(c, g(report.Held[0]))
	}
}

func TestHoldGivesUpOnWhatNobodyHas(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		nothing := func(h wire.HeldLease) wire.LeaseGrant { return e.month(h, 0) } // others have it all
		e.started(withLimits(monthly))
		e.commit(e.takePoll())
		for range 4 {
			x := e.open("GET", "/", withKey)
			e.wantHeld(&x)
			for range 5 {
				e.answerLeases(nothing)
				e.wantHeld(&x)
				e.pass(100 * time.Millisecond)
			}
			if e.later(&x); x.status != 503 {
				e.Errorf("status %d, want 503", x.status)
			}
		}
		e.answerLeases(nothing)
		if y := e.send("GET", "/", withKey); y.status != 503 {
			e.Errorf("status %d after two seconds without anything, want 503 at once", y.status)
		}
		e.pass(5 * time.Second)
		e.answerLeases(nothing)
		y := e.open("GET", "/", withKey)
		e.wantHeld(&y)
		e.answerLeases(func(h wire.HeldLease) wire.LeaseGrant { return e.month(h, 10) })
		if e.later(&y); !y.passed {
			e.Errorf("status %d, want it passed", y.status)
		}
	})
}

func TestHoldEnds(t *testing.T) {
	t.Run("nothing waits once a report has failed, until one is answered", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, _ := e.leaseCall()
			e.answer(c, 503, nil)
			if e.later(&x); x.status != 503 {
				e.Errorf("status %d when the report failed, want 503 at once", x.status)
			}
			if y := e.send("GET", "/", withKey); y.status != 503 {
				e.Errorf("status %d while the edge is away, want 503 at once", y.status)
			}
			e.pass(time.Second)
			c, report := e.leaseCall()
			if y := e.send("GET", "/", withKey); y.status != 503 {
				e.Errorf("status %d during the retry, want 503 at once", y.status)
			}
			g := e.month(report.Held[0], 1)
			e.lease(c, g)
			if y := e.send("GET", "/", withKey); y.status != 200 {
				e.Errorf("status %d with a lease, want 200", y.status)
			}
			e.system.monotonic += int64(time.Second)
			y := e.open("GET", "/", withKey)
			e.wantHeld(&y)
		})
	})
	t.Run("a client that leaves is counted as one without a response", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			first := e.cold(monthly)
			second, third := e.open("GET", "/", withKey), e.open("GET", "/", withKey)
			c, report := e.leaseCall()
			e.CompleteHttpContext(second.id)
			again := e.open("GET", "/", withKey) // in the memory of the second, perhaps
			e.CompleteHttpContext(first.id)
			e.lease(c, e.month(report.Held[0], 10))
			for _, x := range []*exchange{&third, &again} {
				if e.later(x); !x.passed {
					e.Errorf("status %d, want it passed", x.status)
				}
				e.finish(x, 200)
			}
			e.pass(time.Second)
			for _, call := range e.calls() {
				switch header(call.Headers, ":path") {
				case "/edge/v1/usage":
					for _, entry := range e.commit(call).Entries {
						want := wire.Allowed
						if entry.Status == 0 {
							want = wire.Unready
						}
						if entry.Decision != want || entry.Requests != 2 {
							e.Errorf("entry %+v", entry)
						}
					}
				case "/edge/v1/leases":
					if r, err := wire.DecodeLeaseReport(call.Body); err != nil || r.Held[0].Used != 2 {
						e.Errorf("report %+v (%v), want two used", r, err)
					}
				}
			}
			if n, err := e.GetGaugeMetric("weir.held.waiting"); err != nil || n != 0 {
				e.Errorf("weir.held.waiting is %d (%v), want 0", n, err)
			}
		})
	})
	t.Run("what the proxy answered itself is left alone", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			x := e.cold(monthly)
			c, report := e.leaseCall()
			e.CallOnResponseHeaders(x.id, [][2]string{{":status", "408"}}, true)
			e.lease(c, e.month(report.Held[0], 10))
			if local := e.GetSentLocalResponse(x.id); local != nil {
				e.Errorf("it was answered %d", local.StatusCode)
			}
			e.CompleteHttpContext(x.id)
			e.pass(time.Second)
			if n := e.counter("weir.decisions.unready"); n != 1 {
				e.Errorf("weir.decisions.unready is %d, want 1", n)
			}
		})
	})
}

// TestHoldBesideAnotherConfiguration has a VM with two plugin contexts, as it is
// while a listener is exchanged for another or two have different settings.
func TestHoldBesideAnotherConfiguration(t *testing.T) {
	s := newTestSystem()
	g := newGuest(t, s)
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(g).WithPluginConfiguration([]byte(plainConfiguration)))
	defer reset()
	host.StartVM()
	e := &emulator{T: t, HostEmulator: host, system: s}
	e.started(withLimits(monthly))
	e.commit(e.takePoll())
	const other = 1000
	g.call("proxy_on_context_create", other, 0)
	if g.call("proxy_on_configure", other, uint64(len(plainConfiguration))) != 1 {
		t.Fatal("the other configuration was refused")
	}
	x := e.open("GET", "/", withKey) // of the first one
	e.wantHeld(&x)
	if _, report := e.leaseCall(); report != nil {
		t.Error("a call whose answer would come to the other configuration")
	}
	e.pass(100 * time.Millisecond)
	c, report := e.leaseCall()
	if report == nil {
		t.Fatal("no report with the next tick")
	}
	y := e.open("GET", "/", withKey)
	e.wantHeld(&y)
	e.CompleteHttpContext(y.id)
	g.call("proxy_on_delete", other)
	e.lease(c, e.month(report.Held[0], 10))
	if e.later(&x); !x.passed {
		t.Errorf("status %d, want it passed", x.status)
	}
	z := e.send("GET", "/", withKey)
	if z.status != 200 || !strings.Contains(header(z.headers, "ratelimit"), "weir-left=998") {
		t.Errorf("status %d, RateLimit %q", z.status, header(z.headers, "ratelimit"))
	}
}
