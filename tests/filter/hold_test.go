package filter_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// monthlyOf is a policy with a quota that fails closed.
func monthlyOf(amount uint64) book.Policy {
	return gatewayPolicy(limitOf(21, "monthly", book.Quota, book.Requests, amount))
}

// leases has the edge lease a quota in parts.
func (e *fakeEdge) leases(amount, part uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now().Unix()
	e.ledger.quotas = map[uint64]*quota{21: {start: now - 3600, end: now + 864_000, amount: amount, part: part}}
}

// holdFor sets hold_ms.
func holdFor(ms string) func(string) string {
	return func(config string) string {
		return strings.Replace(config, `{\"node\":`, `{\"hold_ms\":`+ms+`,\"node\":`, 1)
	}
}

func TestFilterInEnvoyHoldsAFirstRequestUntilItsLeaseIsThere(t *testing.T) {
	for _, c := range []struct {
		name, holdMS string
		status       int
	}{{"held", "5000", 200}, {"not held", "0", 503}} {
		t.Run(c.name, func(t *testing.T) {
			edge, v := inEnvoyAs(t, monthlyOf(1000), setup{workers: 1, edit: holdFor(c.holdMS)})
			edge.leases(1000, 100)
			r, body := get(t, v.url, "demo-basic", "X-Weir-Account", "acc_1")
			if r.StatusCode != c.status {
				t.Fatalf("status %d with %s, want %d", r.StatusCode, body, c.status)
			}
			if c.status != 200 {
				return
			}
			if got := strings.Join(r.Header["Seen-X-Weir-Account"], ",") + r.Header.Get("Seen-X-Weir-Key") + r.Header.Get("Seen-X-Weir-Tier"); got != "acc_7key_70Basic" {
				t.Errorf("the upstream sees %s", got)
			}
			if !strings.Contains(r.Header.Get("RateLimit"), "weir-left=999") {
				t.Errorf("RateLimit %q", r.Header.Get("RateLimit"))
			}
			until(t, "it is shown", func() bool { return v.stat(t, "weir.held.requests") == 1 })
		})
	}
}

func TestFilterInEnvoyHoldsManyAndStaysExact(t *testing.T) {
	const amount = 3000
	edge, v := inEnvoyAs(t, monthlyOf(amount), setup{workers: 4, edit: holdFor("5000")})
	edge.leases(amount, 200)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		until(t, "the quota is spent", func() bool {
			edge.mu.Lock()
			defer edge.mu.Unlock()
			return edge.ledger.quotas[21].used >= amount
		})
		_, before := edge.total()
		until(t, "more are refused", func() bool {
			_, by := edge.total()
			return by[wire.Throttled] >= before[wire.Throttled]+200
		})
		cancel()
	}()
	began := time.Now()
	s := saturate(ctx, v.url, 48)
	edge.mu.Lock()
	reports := edge.ledger.reports
	edge.mu.Unlock()
	held := v.stat(t, "weir.held.requests")
	t.Logf("admitted %d, refused %d, neither %d; %d held; %d reports in %v", s.admitted, s.refused, s.other, held, reports, time.Since(began).Round(time.Millisecond))
	if s.admitted != amount || held == 0 {
		t.Errorf("admitted %d, want %d; %d held", s.admitted, amount, held)
	}
	until(t, "all requests are counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] == amount && by[wire.Throttled] == uint64(s.refused)
	})
	if _, by := edge.total(); by[wire.Unready] != uint64(s.other) || s.other > 48 { // those are cut off in the end
		t.Errorf("%d were answered 503, %d got no answer", by[wire.Unready], s.other)
	}
	until(t, "none is held", func() bool { return v.stat(t, "weir.held.waiting") == 0 })
	if n := v.stat(t, "weir.held.timed_out"); n != 0 {
		t.Errorf("%d waited in vain", n)
	}
}

// slowly has the edge answer reports only when told to.
func (e *fakeEdge) slowly() (answer func()) {
	gate := make(chan struct{})
	e.mu.Lock()
	e.ledger.gate = gate
	e.mu.Unlock()
	once := sync.OnceFunc(func() {
		e.mu.Lock()
		e.ledger.gate = nil
		e.mu.Unlock()
		close(gate)
	})
	e.Cleanup(once)
	return once
}

func TestFilterInEnvoyHoldsBodies(t *testing.T) {
	edge := newFakeEdge(t)
	edge.publish(monthlyOf(1000))
	edge.leases(1000, 100)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	t.Cleanup(upstream.Close)
	v := startGateway(t, edge.address, upstream.Listener.Addr().String(), setup{workers: 1, edit: holdFor("5000")})
	until(t, "both VMs run the policy", func() bool { return edge.on(1) == 2 })
	answer := edge.slowly()
	go func() {
		until(t, "it is held", func() bool { return v.stat(t, "weir.held.waiting") == 1 })
		answer()
	}()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // more than Envoy keeps of a paused stream
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.url, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "demo-basic")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); response.StatusCode != 200 || err != nil || !bytes.Equal(got, sent) {
		t.Errorf("status %d with %d bytes (%v), want 200 with the %d that were sent", response.StatusCode, len(got), err, len(sent))
	}
}

func TestFilterInEnvoyRefusesEachClientItsWayAfterAHold(t *testing.T) {
	edge, v := inEnvoyAs(t, monthlyOf(1000), setup{workers: 1, edit: holdFor("5000")})
	edge.leases(0, 0)
	answer := edge.slowly()
	type exchange struct {
		r    *http.Response
		body []byte
	}
	results := map[string]chan exchange{"GET": make(chan exchange, 1), "HEAD": make(chan exchange, 1), "gRPC": make(chan exchange, 1), "POST": make(chan exchange, 1)}
	for what, result := range results {
		go func() {
			method, headers := what, []string{"X-Api-Key", "demo-basic"}
			if what == "gRPC" {
				method, headers = "POST", append(headers, "Content-Type", "application/grpc", "TE", "trailers")
			}
			r, body := do(t, method, v.url, headers...)
			result <- exchange{r, body}
		}()
	}
	until(t, "all are held", func() bool { return v.stat(t, "weir.held.waiting") == 4 })
	answer()
	for what, result := range results {
		x := <-result
		status, hasBody := 429, what != "HEAD"
		if what == "gRPC" {
			status, hasBody = 200, false
		}
		if x.r.StatusCode != status || hasBody != (len(x.body) > 0) || x.r.Header.Get("Retry-After") == "" || x.r.Header.Get("RateLimit") == "" {
			t.Errorf("%s: status %d, header %v, body %q", what, x.r.StatusCode, x.r.Header, x.body)
		}
		if what == "gRPC" && x.r.Header.Get("Grpc-Status") != "8" {
			t.Errorf("gRPC: header %v", x.r.Header)
		}
	}
	// What came after those is handled as ever.
	if r, _ := get(t, v.url, "nobody"); r.StatusCode != 401 {
		t.Errorf("status %d, want 401", r.StatusCode)
	}
	until(t, "all are counted", func() bool {
		_, by := edge.total()
		return by[wire.Throttled] == 4 && by[wire.Unauthenticated] == 1
	})
}

func TestFilterInEnvoyForgetsHeldClientsThatLeave(t *testing.T) {
	edge, v := inEnvoyAs(t, monthlyOf(1000), setup{workers: 1, edit: holdFor("5000")})
	edge.leases(1000, 100)
	answer := edge.slowly()
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	send := func(ctx context.Context, want int) {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("X-Api-Key", "demo-basic")
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				if want != 0 {
					t.Error(err)
				}
				return
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("status %d, want %d", response.StatusCode, want)
			}
		})
	}
	for range 10 {
		send(ctx, 0)
		send(t.Context(), 200)
	}
	until(t, "all are held", func() bool { return v.stat(t, "weir.held.waiting") == 20 })
	leave()
	until(t, "half of them are gone", func() bool { return v.stat(t, "weir.held.waiting") == 10 })
	for range 5 {
		send(t.Context(), 200)
	}
	until(t, "more are held", func() bool { return v.stat(t, "weir.held.waiting") == 15 })
	answer()
	wg.Wait()
	until(t, "each is counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] == 15 && by[wire.Unready] == 10
	})
	until(t, "none is held", func() bool { return v.stat(t, "weir.held.waiting") == 0 })
}

func TestFilterInEnvoyHoldsNothingWithoutItsEdge(t *testing.T) {
	p := monthlyOf(1000)
	p.Keys = append(p.Keys, book.Key{ID: 90, Account: 9, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("demo-other")})
	edge, v := inEnvoyAs(t, p, setup{workers: 1, edit: holdFor("5000")})
	edge.stop()
	before := time.Now()
	for range 20 {
		if r, _ := get(t, v.url, "demo-basic"); r.StatusCode != 503 || r.Header.Get("Retry-After") != "1" {
			t.Errorf("status %d, Retry-After %q; want 503, 1", r.StatusCode, r.Header.Get("Retry-After"))
		}
	}
	if took := time.Since(before); took >= 5*time.Second { // one that was held to the end takes as long
		t.Errorf("20 requests took %v", took)
	}
	edge.leases(1000, 100)
	edge.start(edge.address)
	until(t, "it has heard of the edge again", func() bool { r, _ := get(t, v.url, "demo-basic"); return r.StatusCode == 200 })
	if r, _ := get(t, v.url, "demo-other"); r.StatusCode != 200 {
		t.Errorf("status %d of another account's first request, want 200", r.StatusCode)
	}
}
