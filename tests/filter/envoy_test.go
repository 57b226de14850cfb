// Package filter_test tests the compiled filter in a real Envoy, with an upstream
// and an edge that the tests play.
package filter_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

const nodeToken = "node-token-of-the-tests-0123456789"

// until waits for what the test depends on, however long the machine needs.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// vms is how many VMs tell the edge about themselves: four workers and the one
// on the main thread.
const vms = 5

// inEnvoy starts an edge with this policy, an upstream and a real Envoy with
// four worker threads.
func inEnvoy(t *testing.T, p book.Policy) (*fakeEdge, *gateway) {
	t.Helper()
	return inEnvoyAs(t, p, setup{workers: 4})
}

// inEnvoyAs is inEnvoy with another setup.
func inEnvoyAs(t *testing.T, p book.Policy, s setup) (*fakeEdge, *gateway) {
	t.Helper()
	edge := newFakeEdge(t)
	edge.publish(p)
	upstream := httptest.NewServer(http.HandlerFunc(answerAsAsked))
	t.Cleanup(upstream.Close)
	v := startGateway(t, edge.address, upstream.Listener.Addr().String(), s)
	until(t, "all VMs run the first policy", func() bool { return edge.on(p.Version) == s.workers+1 })
	return edge, v
}

// answerAsAsked is the upstream: it shows what it was told of the caller, and
// answers with the delay, status, cost, declarations and size that the request
// asks for.
func answerAsAsked(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"X-Weir-Account", "X-Weir-Key", "X-Weir-Tier", "X-Weir-Priority", "X-Api-Key"} {
		w.Header()["Seen-"+name] = r.Header.Values(name)
	}
	if cost := r.Header.Get("Please-Cost"); cost != "" {
		w.Header().Set("X-Weir-Cost", cost)
	}
	for _, field := range r.Header.Values("Please-Declare") {
		name, value, _ := strings.Cut(field, "=")
		w.Header().Add(name, value)
	}
	if ms, err := strconv.Atoi(r.Header.Get("Please-Wait")); err == nil {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	if status, err := strconv.Atoi(r.Header.Get("Please-Status")); err == nil {
		w.WriteHeader(status)
	}
	if size, err := strconv.Atoi(r.Header.Get("Please-Send")); err == nil {
		w.Write(make([]byte, size))
	}
}

func gatewayPolicy(limits ...book.Limit) book.Policy {
	return book.Policy{
		Version:   1,
		Endpoints: []book.Endpoint{{ID: 3, Method: "GET", Template: "/v1/search", Cost: 1}},
		Plans:     []book.Plan{{ID: 2, Tier: 2, Name: "Basic", Limits: limits}},
		Keys: []book.Key{
			{ID: 70, Account: 7, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("demo-basic")},
			{ID: 80, Account: 8, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("demo-suspended"), AccountSuspended: true},
		},
	}
}

func perMinute(amount uint64) book.Limit { return rate(21, "per-minute", amount, 60, amount) }

// rate is a limit on all requests of an account.
func rate(id uint64, name string, amount uint64, seconds uint32, burst uint64) book.Limit {
	return book.Limit{ID: id, Name: name, Subject: book.PerAccount, Selector: book.All, Kind: book.Rate, Measure: book.Requests,
		Mode: book.Enforce, Amount: amount, PeriodSeconds: seconds, Burst: burst}
}

func get(t *testing.T, url, key string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestFilterInEnvoyIdentifiesAndThrottles(t *testing.T) {
	edge, v := inEnvoy(t, gatewayPolicy(perMinute(100)))
	for key, status := range map[string]int{"": 401, "unknown": 401, "demo-suspended": 403} {
		r, body := get(t, v.url, key)
		var problem struct{ Status int }
		if err := json.Unmarshal(body, &problem); err != nil || r.StatusCode != status || problem.Status != status {
			t.Errorf("key %q: status %d with %s, want %d", key, r.StatusCode, body, status)
		}
		if challenge := r.Header.Get("WWW-Authenticate"); (challenge != "") != (status == 401) {
			t.Errorf("key %q: challenge %q with status %d", key, challenge, status)
		}
	}
	for i := range 100 {
		r, _ := get(t, v.url+"/any?thing", "demo-basic", "X-Weir-Account", "acc_1", "X-Weir-Account", "acc_2", "X-Weir-Tier", "Enterprise")
		if r.StatusCode != 200 {
			t.Fatalf("request %d: status %d", i+1, r.StatusCode)
		}
		if got := strings.Join(r.Header["Seen-X-Weir-Account"], ",") + r.Header.Get("Seen-X-Weir-Key") + r.Header.Get("Seen-X-Weir-Tier"); got != "acc_7key_70Basic" {
			t.Fatalf("the upstream sees %s", got)
		}
		if left := remaining(t, r, "per-minute"); left < int64(99-i) {
			t.Errorf("request %d: %d remaining, want at least %d", i+1, left, 99-i)
		}
	}
	r, body := get(t, v.url, "demo-basic")
	for r.StatusCode == 200 { // the bucket fills while the test runs
		r, body = get(t, v.url, "demo-basic")
	}
	if r.StatusCode != 429 || r.Header.Get("Retry-After") != "1" || r.Header.Get("RateLimit-Policy") != `"per-minute";q=100;w=60` ||
		r.Header.Get("RateLimit") != `"per-minute";r=0;t=1` || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, header %v", r.StatusCode, r.Header)
	}
	if !strings.Contains(string(body), `"violated-policies":["per-minute"]`) || !strings.Contains(string(body), `"request-id":"`) {
		t.Errorf("body %s", body)
	}
	until(t, "all requests are counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] >= 100 && by[wire.Throttled] == 1 && by[wire.Unauthenticated] == 2 && by[wire.Forbidden] == 1
	})
	until(t, "nothing is pending", func() bool { return v.stat(t, "weir.usage.pending_requests") == 0 })
	if n := v.stat(t, "weir.decisions.throttled"); n != 1 {
		t.Errorf("weir.decisions.throttled is %d, want 1", n)
	}
}

// remaining returns r of a policy in the RateLimit field.
func remaining(t *testing.T, r *http.Response, name string) int64 {
	t.Helper()
	list, err := httpsfv.UnmarshalList(r.Header.Values("RateLimit"))
	if err != nil {
		t.Fatalf("RateLimit %q: %v", r.Header.Values("RateLimit"), err)
	}
	for _, member := range list {
		if item := member.(httpsfv.Item); item.Value == name {
			v, _ := item.Params.Get("r")
			return v.(int64)
		}
	}
	t.Fatalf("RateLimit %q doesn't name %s", r.Header.Values("RateLimit"), name)
	return 0
}

// saturation is what a number of clients got that never paused.
type saturation struct {
	admitted, refused, other int64
	// Bounds of the time between the first and the last decision.
	shortest, longest time.Duration
}

// saturate sends requests from many connections until ctx ends.
func saturate(ctx context.Context, url string, clients int) saturation {
	var s saturation
	var admitted, refused, other atomic.Int64
	var firstAnswer, lastSent atomic.Int64 // since began
	began := time.Now()
	firstAnswer.Store(int64(time.Hour))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				r, _ := http.NewRequest(http.MethodGet, url, nil)
				r.Header.Set("X-Api-Key", "demo-basic")
				sent := int64(time.Since(began))
				response, err := client.Do(r)
				if err != nil {
					other.Add(1)
					continue
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				lower(&firstAnswer, int64(time.Since(began)))
				raise(&lastSent, sent)
				switch response.StatusCode {
				case 200:
					admitted.Add(1)
				case 429:
					refused.Add(1)
				default:
					other.Add(1)
				}
			}
		})
	}
	wg.Wait()
	s.admitted, s.refused, s.other = admitted.Load(), refused.Load(), other.Load()
	s.shortest, s.longest = time.Duration(lastSent.Load()-firstAnswer.Load()), time.Since(began)
	return s
}

func raise(a *atomic.Int64, to int64) {
	for old := a.Load(); old < to && !a.CompareAndSwap(old, to); old = a.Load() {
	}
}

func lower(a *atomic.Int64, to int64) {
	for old := a.Load(); old > to && !a.CompareAndSwap(old, to); old = a.Load() {
	}
}

func TestFilterInEnvoyIsExactOverFourWorkers(t *testing.T) {
	// Slow enough that what the client's clock can't see, some milliseconds at
	// both ends, is a fraction of a request.
	const burst, perSecond = 3000, 10
	edge, v := inEnvoy(t, gatewayPolicy(rate(21, "rate", perSecond, 1, burst)))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	s := saturate(ctx, v.url, 48) // the account's first request, so a cold key too
	most := burst + perSecond*s.longest.Seconds()
	least := burst + perSecond*s.shortest.Seconds() - 1
	t.Logf("admitted %d, at most %.1f, at least %.1f; %d refused; %d swaps repeated",
		s.admitted, most, least, s.refused, v.stat(t, "weir.swap.retries"))
	if float64(s.admitted) > most || float64(s.admitted) < least || s.other != 0 {
		t.Errorf("admitted %d and %d neither admitted nor refused; want %.1f to %.1f and none", s.admitted, s.other, least, most)
	}
	until(t, "all requests are counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] == uint64(s.admitted) && by[wire.Throttled] == uint64(s.refused)
	})
}

func TestFilterInEnvoyFollowsThePolicy(t *testing.T) {
	search := rate(22, "search", 1, 86400, 1)
	search.Selector, search.Target = book.OneEndpoint, 3
	slow := rate(21, "daily", 1, 86400, 1000)
	edge, v := inEnvoy(t, gatewayPolicy(slow, search))
	for range 10 {
		get(t, v.url, "demo-basic")
	}
	get(t, v.url+"/v1/search", "demo-basic")
	if r, _ := get(t, v.url+"/v1/search", "demo-basic"); r.StatusCode != 429 {
		t.Fatalf("status %d, want 429", r.StatusCode)
	}
	for version := uint64(2); version <= 20; version++ {
		p := gatewayPolicy(slow, search)
		p.Version, p.Plans[0].Name = version, "Edit "+strconv.FormatUint(version, 10)
		began := edge.publish(p)
		until(t, "all VMs run the edit", func() bool { return edge.on(version) == vms })
		all := time.Since(began)
		edge.mu.Lock()
		first := edge.announced[version].Sub(began)
		edge.mu.Unlock()
		t.Logf("edit %d: first worker after %v, all after %v", version, first.Round(time.Millisecond), all.Round(time.Millisecond))
	}
	without := gatewayPolicy(slow)
	without.Version = 21
	edge.publish(without)
	until(t, "the limit is gone", func() bool {
		r, _ := get(t, v.url+"/v1/search", "demo-basic")
		return r.StatusCode == 200
	})
	r, _ := get(t, v.url, "demo-basic")
	until(t, "the counts say how many passed", func() bool {
		_, by := edge.total()
		return remaining(t, r, "daily") == 1000-int64(by[wire.Allowed])
	})
}

func TestFilterInEnvoyLosesNoCountWithoutItsEdge(t *testing.T) {
	edge, v := inEnvoy(t, gatewayPolicy(perMinute(1_000_000)))
	sent := uint64(0)
	send := func(n int) {
		for range n {
			if r, _ := get(t, v.url, "demo-basic"); r.StatusCode != 200 {
				t.Fatalf("status %d, want 200 whether the edge is there or not", r.StatusCode)
			}
			sent++
		}
	}
	send(50)
	for range 3 {
		edge.stop()
		send(200)
		until(t, "the filter notices", func() bool { return v.stat(t, "weir.edge.errors") > 0 })
		send(200)
		edge.start(edge.address)
		send(50)
	}
	until(t, "every request is counted", func() bool { n, _ := edge.total(); return n >= sent })
	until(t, "nothing is pending", func() bool { return v.stat(t, "weir.usage.pending_requests") == 0 })
	if n, _ := edge.total(); n != sent {
		t.Errorf("counted %d, sent %d", n, sent)
	}
}

func TestFilterInEnvoyCountsClientsThatLeave(t *testing.T) {
	edge := newFakeEdge(t)
	edge.publish(gatewayPolicy(perMinute(1000)))
	arrived := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(upstream.Close)
	v := startGateway(t, edge.address, upstream.Listener.Addr().String(), setup{workers: 1})
	until(t, "both VMs run the snapshot", func() bool { return edge.on(1) == 2 })
	for range 5 {
		ctx, leave := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, v.url, nil)
		r.Header.Set("X-Api-Key", "demo-basic")
		gone := make(chan error)
		go func() {
			_, err := http.DefaultTransport.RoundTrip(r)
			gone <- err
		}()
		<-arrived
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want that the client left", err)
		}
	}
	until(t, "each is counted", func() bool { n, _ := edge.total(); return n >= 5 })
	if n, by := edge.total(); n != 5 || by[wire.Allowed] != 5 {
		t.Errorf("counted %v, want 5 allowed", by)
	}
}
