package filter

import (
	"encoding/binary"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/book"
)

// countingHost is a proxy that counts its calls, and allocates nothing itself.
type countingHost struct {
	stubHost
	response []byte
	size     [8]byte
	calls    int
}

func (h *countingHost) getShared(key []byte) ([]byte, uint32, bool) {
	h.calls++
	return h.stubHost.getShared(key)
}

func (h *countingHost) setShared(key, value []byte, cas uint32) bool {
	h.calls++
	return h.stubHost.setShared(key, value, cas)
}

func (h *countingHost) requestHeaders() []byte                { h.calls++; return h.headers }
func (h *countingHost) responseHeaders() []byte               { h.calls++; return h.response }
func (h *countingHost) addRequestHeader(_, _ string) bool     { h.calls++; return true }
func (h *countingHost) setRequestHeader(_, _ string) bool     { h.calls++; return true }
func (h *countingHost) removeRequestHeader(string) bool       { h.calls++; return true }
func (h *countingHost) addResponseHeader(_, _ string) bool    { h.calls++; return true }
func (h *countingHost) setResponseHeader(_, _ string) bool    { h.calls++; return true }
func (h *countingHost) removeResponseHeader(name string) bool { h.calls++; return true }

func (h *countingHost) property(*property) []byte {
	h.calls++
	return h.size[:]
}

// countingSystem counts readings of its clock as calls of the proxy, as they are.
type countingSystem struct {
	stubSystem
	host *countingHost
}

func (s *countingSystem) MonotonicNS() int64 { s.host.calls++; return s.stubSystem.MonotonicNS() }

// benchmarked is a plugin with the policy of the side-by-side benchmark.
func benchmarked(t testing.TB) (*plugin, *countingHost) {
	rate := func(id uint64, name string, s book.Selector, target uint64, seconds uint32) book.Limit {
		const plenty = 1_000_000_000
		return book.Limit{ID: id, Name: name, Subject: book.PerAccount, Selector: s, Target: target, Kind: book.Rate,
			Measure: book.Requests, Mode: book.Enforce, Amount: plenty, Burst: plenty, PeriodSeconds: seconds}
	}
	p, stub := stubbed(t, book.Policy{
		Version:   1,
		Endpoints: []book.Endpoint{{ID: 1, Method: "GET", Template: "/v1/items", Cost: 1}},
		Plans: []book.Plan{{ID: 1, Tier: 1, Name: "Professional", Limits: []book.Limit{
			rate(1, "per-second", book.All, 0, 1), rate(2, "per-minute", book.All, 0, 60), rate(3, "items-per-hour", book.OneEndpoint, 1, 3600),
		}}},
		Keys: []book.Key{{ID: 1, Account: 1, Plan: 1, Kind: book.APIKey, Digest: book.SecretDigest("key-1")}},
	})
	host := &countingHost{stubHost: *stub, response: packed([][2]string{
		{":status", "200"}, {"content-type", "application/json"}, {"content-length", "13"}, {"date", "Sat, 21 Nov 2026 12:00:00 GMT"}, {"x-envoy-upstream-service-time", "0"},
	}, nil)}
	binary.LittleEndian.PutUint64(host.size[:], 340)
	host.send([2]string{":authority", "127.0.0.1:10000"}, [2]string{":path", "/v1/items"}, [2]string{":method", "GET"}, [2]string{":scheme", "http"},
		[2]string{"user-agent", "bench"}, [2]string{"x-api-key", "key-1"}, [2]string{"x-forwarded-proto", "http"}, [2]string{"x-request-id", "62ff9a2d-ffbd-9f29-8feb-c1ee68a31b46"})
	p.host, p.system = host, &countingSystem{host: host, stubSystem: stubSystem{now: p.system.MonotonicNS()}}
	return p, host
}

// whole is a request from its first callback to its last.
func whole(t testing.TB, r *request) {
	*r = request{plugin: r.plugin}
	if r.OnHttpRequestHeaders(8, true) != types.ActionContinue {
		t.Fatal("the request was refused")
	}
	r.OnHttpResponseHeaders(5, false)
	r.OnHttpStreamDone()
}

// TestRequestCostsFewCallsAndNoMemory holds on to what a request costs: a call of
// the proxy takes longer than all that the filter itself computes.
func TestRequestCostsFewCallsAndNoMemory(t *testing.T) {
	p, host := benchmarked(t)
	r := &request{plugin: p}
	whole(t, r) // the first one is new
	host.calls = 0
	whole(t, r)
	// 2 of the clock, the fields of request and response, get and set of the
	// state, 3 fields for the upstream and 2 for the client, bytes out.
	if host.calls > 12 {
		t.Errorf("%d calls of the proxy, want at most 12", host.calls)
	}
	if n := testing.AllocsPerRun(1000, func() { whole(t, r) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	p, _ := benchmarked(b)
	r := &request{plugin: p}
	for b.Loop() {
		whole(b, r)
	}
}
