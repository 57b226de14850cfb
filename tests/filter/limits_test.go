package filter_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// limitOf is an enforcing limit for all requests of an account.
func limitOf(id uint64, name string, kind book.Kind, measure book.Measure, amount uint64) book.Limit {
	l := book.Limit{ID: id, Name: name, Subject: book.PerAccount, Selector: book.All, Kind: kind, Measure: measure, Mode: book.Enforce, Amount: amount}
	switch kind {
	case book.Rate:
		l.PeriodSeconds, l.Burst = 86400, amount
	case book.Window:
		l.PeriodSeconds = 86400
	case book.Quota:
		l.QuotaPeriod = book.Month
	}
	return l
}

// do sends a request.
func do(t *testing.T, method, url string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
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

func TestFilterInEnvoyIsExactForAllKindsTogether(t *testing.T) {
	// The quota is the tightest, and its leases come in parts while the workers
	// run; the window and the rate of the key come next.
	const quotaAmount, windowAmount, rateAmount = 3000, 5000, 6000
	perKey := limitOf(23, "per-key", book.Rate, book.Requests, rateAmount)
	perKey.Subject = book.PerKey
	p := gatewayPolicy(limitOf(21, "monthly", book.Quota, book.Requests, quotaAmount), limitOf(22, "daily", book.Window, book.Requests, windowAmount), perKey)
	edge, v := inEnvoy(t, p)
	now := time.Now().Unix()
	edge.mu.Lock()
	edge.ledger.quotas = map[uint64]*quota{21: {start: now - 3600, end: now + 864_000, amount: quotaAmount, part: 1000}}
	edge.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		until(t, "the quota is spent", func() bool {
			edge.mu.Lock()
			defer edge.mu.Unlock()
			return edge.ledger.quotas[21].used >= quotaAmount
		})
		_, before := edge.total()
		until(t, "more are refused", func() bool {
			_, by := edge.total()
			return by[wire.Throttled] >= before[wire.Throttled]+200
		})
		cancel()
	}()
	s := saturate(ctx, v.url, 16)
	t.Logf("admitted %d, refused %d, unknown %d", s.admitted, s.refused, s.other)
	if s.admitted != quotaAmount {
		t.Errorf("admitted %d, want %d", s.admitted, quotaAmount)
	}
	until(t, "all requests are counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] == quotaAmount && by[wire.Throttled] == uint64(s.refused)
	})
	raised := p
	raised.Version = 2
	raised.Plans = []book.Plan{{ID: 2, Tier: 2, Name: "Basic", Limits: p.Plans[0].Limits[1:]}}
	edge.publish(raised)
	until(t, "all VMs run the edit", func() bool { return edge.on(2) == vms })
	ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if s := saturate(ctx, v.url, 16); s.admitted != windowAmount-quotaAmount {
		t.Errorf("without the quota %d more were admitted, want the window's %d", s.admitted, windowAmount-quotaAmount)
	}
}

func TestFilterInEnvoySettles(t *testing.T) {
	bytes, cost := limitOf(21, "bytes", book.Rate, book.Bytes, 1_000_000), limitOf(22, "cost", book.Rate, book.Cost, 100)
	refunds := limitOf(23, "refunds", book.Rate, book.Requests, 100)
	refunds.Refund = true
	_, v := inEnvoy(t, gatewayPolicy(bytes, cost, refunds))
	left := func(name string) int64 {
		r, _ := get(t, v.url, "demo-basic")
		return remaining(t, r, name)
	}
	// Each look takes one unit itself, and is settled when its stream has ended.
	if r, _ := get(t, v.url, "demo-basic", "Please-Cost", "40"); r.Header.Get("X-Weir-Cost") != "" {
		t.Errorf("the client sees the cost %q", r.Header.Get("X-Weir-Cost"))
	}
	until(t, "the declared cost is charged", func() bool { return left("cost") <= 60 })
	before := left("refunds")
	for range 10 {
		get(t, v.url, "demo-basic", "Please-Status", "503")
	}
	until(t, "what failed is given back", func() bool { before--; return left("refunds") == before })
	get(t, v.url, "demo-basic", "Please-Send", "2000000")
	until(t, "the debt is waited for", func() bool {
		r, body := get(t, v.url, "demo-basic")
		return r.StatusCode == 429 && strings.Contains(string(body), `"violated-policies":["bytes"]`)
	})
}

func TestFilterInEnvoySaysWhatIsSoft(t *testing.T) {
	soft, shadow := limitOf(21, "soft", book.Rate, book.Requests, 2), limitOf(22, "shadow", book.Window, book.Requests, 1)
	graced := limitOf(23, "monthly", book.Quota, book.Requests, 2)
	soft.Mode, shadow.Mode, graced.Mode, graced.GraceSeconds = book.Soft, book.Shadow, book.Soft, 3600
	edge, v := inEnvoy(t, gatewayPolicy(soft, shadow, graced))
	now := time.Now().Unix()
	edge.mu.Lock()
	edge.ledger.quotas = map[uint64]*quota{23: {start: now - 3600, end: now + 864_000, amount: 2, part: 2, graced: true}}
	edge.mu.Unlock()
	for i := range 4 {
		priority, mark := "normal", ""
		if i >= 2 {
			priority, mark = "low", `"soft";mode=soft, "monthly";mode=soft`
		}
		r, _ := get(t, v.url, "demo-basic", "X-Weir-Priority", "high")
		if r.StatusCode != 200 || r.Header.Get("Seen-X-Weir-Priority") != priority || r.Header.Get("Weir-Limited") != mark ||
			strings.Contains(r.Header.Get("RateLimit"), "shadow") {
			t.Errorf("request %d: status %d, header %v", i+1, r.StatusCode, r.Header)
		}
	}
	until(t, "verdicts are counted", func() bool {
		by := edge.verdicts()
		return by[wire.Over] == 4 && by[wire.Shadowed] == 3
	})
	if n := edge.verdicts()[wire.FailedOpen]; n != 0 {
		t.Errorf("%d failed open, want none: what is over in its time of grace needs no lease", n)
	}
}

func TestFilterInEnvoyAnswersEachClientItsWay(t *testing.T) {
	edge, v := inEnvoyAs(t, gatewayPolicy(limitOf(21, "daily", book.Rate, book.Requests, 1)), setup{workers: 2})
	get(t, v.url, "demo-basic")
	t.Run("gRPC", func(t *testing.T) {
		for key, want := range map[string]string{"demo-basic": "8", "nobody": "16", "demo-suspended": "7"} {
			r, body := do(t, "POST", v.url+"/pkg.Service/Method", "Content-Type", "application/grpc", "TE", "trailers", "X-Api-Key", key)
			status, message := r.Header.Get("Grpc-Status"), r.Header.Get("Grpc-Message")
			if r.StatusCode != 200 || status != want || len(body) != 0 || message == "" || strings.HasPrefix(message, "{") ||
				!strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
				t.Errorf("%s: status %d, header %v, trailer %v, body %q; want grpc-status %s", key, r.StatusCode, r.Header, r.Trailer, body, want)
			}
			if key == "demo-basic" && (r.Header.Get("Retry-After") == "" || r.Header.Get("RateLimit") == "") {
				t.Errorf("no Retry-After or RateLimit in %v", r.Header)
			}
		}
	})
	t.Run("gRPC-Web", func(t *testing.T) {
		for _, kind := range []string{"application/grpc-web+proto", "application/grpc-web-text+proto"} {
			r, body := do(t, "POST", v.url+"/pkg.Service/Method", "Content-Type", kind, "X-Api-Key", "demo-basic")
			if r.StatusCode != 200 || r.Header.Get("Grpc-Status") != "8" || r.Header.Get("Grpc-Message") == "" || len(body) == 0 ||
				r.Header.Get("Content-Type") != kind || r.Header.Get("Retry-After") == "" {
				t.Errorf("status %d, header %v, body %q; want grpc-status 8", r.StatusCode, r.Header, body)
			}
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		r, body := do(t, "HEAD", v.url, "X-Api-Key", "demo-basic")
		if r.StatusCode != 429 || len(body) != 0 || r.Header.Get("Retry-After") == "" || r.Header.Get("RateLimit") == "" ||
			r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("status %d, header %v, body %q", r.StatusCode, r.Header, body)
		}
	})
	t.Run("preflight", func(t *testing.T) {
		r, _ := do(t, "OPTIONS", v.url, "Origin", "https://a.test", "Access-Control-Request-Method", "PUT", "X-Weir-Account", "acc_1")
		if r.StatusCode != 200 || r.Header.Get("Seen-X-Weir-Account") != "" {
			t.Errorf("status %d, header %v", r.StatusCode, r.Header)
		}
	})
	t.Run("malformed header fields", func(t *testing.T) {
		for _, h := range []string{"X-Api-Key", "Authorization", "Cookie", "X-Request-Id", "Content-Type"} {
			if r, _ := do(t, "GET", v.url, h, strings.Repeat("\xff", 20_000)); r.StatusCode != 401 {
				t.Errorf("%s: status %d, want 401", h, r.StatusCode)
			}
		}
	})
	until(t, "denials are kept", func() bool { return edge.denied(7) >= 2 })
	if n := v.stat(t, "weir.panics"); n != 0 {
		t.Errorf("weir.panics is %d, want 0", n)
	}
}

func TestFilterInEnvoyTakesChangesOfKeys(t *testing.T) {
	p := gatewayPolicy(perMinute(100_000))
	edge, v := inEnvoy(t, p)
	expect := func(what string, status int) {
		t.Helper()
		began := time.Now()
		until(t, what, func() bool { r, _ := get(t, v.url, "demo-basic"); return r.StatusCode == status })
		t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
	}
	edit := func(change func(k *book.Key)) {
		p.Version++
		keys := append([]book.Key(nil), p.Keys...)
		change(&keys[0])
		next := p
		next.Keys = keys
		edge.publish(next)
	}
	expect("known", 200)
	edit(func(k *book.Key) { k.Suspended = true })
	expect("suspended", 403)
	edit(func(k *book.Key) {})
	expect("unsuspended", 200)
	edit(func(k *book.Key) { k.ExpiresAt = time.Now().UnixMilli() + 700 })
	expect("expired", 401)
	edit(func(k *book.Key) {})
	expect("without an end", 200)
	edit(func(k *book.Key) { k.Digest = book.SecretDigest("another") })
	expect("revoked", 401)
	edit(func(k *book.Key) { k.Epoch = 1 })
	expect("back, with counters reset", 200)
	edge.mu.Lock()
	defer edge.mu.Unlock()
	if edge.full != 1 {
		t.Errorf("%d polls were answered with the whole policy, want the first only", edge.full)
	}
}

func TestFilterInEnvoyRefusesMalformedUpdates(t *testing.T) {
	edge, v := inEnvoy(t, gatewayPolicy(perMinute(100)))
	p := gatewayPolicy()
	p.Version = 2
	edge.spoil(true)
	edge.publish(p)
	until(t, "it is refused", func() bool { return v.stat(t, "weir.snapshot.refused") > 0 })
	if r, _ := get(t, v.url, "demo-basic"); r.StatusCode != 200 || !strings.Contains(r.Header.Get("RateLimit"), "per-minute") {
		t.Errorf("status %d, header %v; want the last policy's", r.StatusCode, r.Header)
	}
	edge.spoil(false)
	until(t, "a sound one is taken", func() bool { return edge.on(2) == vms })
}
