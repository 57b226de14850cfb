package filter_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

var withKey = [2]string{"x-api-key", "active"}

func TestIdentify(t *testing.T) {
	for name, c := range map[string]struct {
		headers   [][2]string
		status    int
		challenge string
	}{
		"a known key passes":                    {[][2]string{withKey}, 200, ""},
		"a known key passes as a bearer token":  {[][2]string{{"authorization", "Bearer active"}}, 200, ""},
		"the scheme's case doesn't matter":      {[][2]string{{"authorization", "bEARER  active"}}, 200, ""},
		"the header goes before the token":      {[][2]string{withKey, {"authorization", "Bearer of the upstream"}}, 200, ""},
		"no key is refused":                     {nil, 401, `Bearer realm="weir"`},
		"another scheme is no key":              {[][2]string{{"authorization", "Basic YTpi"}}, 401, `Bearer realm="weir"`},
		"an unknown key is refused":             {[][2]string{{"x-api-key", "Active"}}, 401, `Bearer realm="weir", error="invalid_token"`},
		"an endless key is refused":             {[][2]string{{"x-api-key", string(make([]byte, 60_000))}}, 401, `Bearer realm="weir", error="invalid_token"`},
		"a suspended account's key is refused":  {[][2]string{{"x-api-key", "suspended"}}, 403, ""},
		"a suspended account isn't challenged":  {[][2]string{{"authorization", "Bearer suspended"}}, 403, ""},
		"a scheme without token counts as none": {[][2]string{{"authorization", "Bearer "}}, 401, `Bearer realm="weir"`},
	} {
		t.Run(name, func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				e.started(testPolicy())
				x := e.send("GET", "/", c.headers...)
				if x.status != c.status || header(x.headers, "www-authenticate") != c.challenge {
					e.Errorf("status %d, challenge %q; want %d, %q", x.status, header(x.headers, "www-authenticate"), c.status, c.challenge)
				}
				if x.status != 200 {
					e.problem(x)
				}
			})
		})
	}
}

func TestUpstreamGetsTheIdentityOnly(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(testPolicy())
		x := e.send("GET", "/", withKey, [2]string{"x-weir-account", "acc_1"}, [2]string{"x-weir-key", "key_1"}, [2]string{"x-weir-tier", "Enterprise"},
			[2]string{"x_weir_account", "acc_1"}, [2]string{"x-weir_key", "key_1"}, [2]string{"x_other", "stays"})
		want := map[string]string{"x-weir-account": "acc_7", "x-weir-key": "key_70", "x-weir-tier": "Basic"}
		for name, value := range want {
			if got := header(x.upstream, name); got != value {
				e.Errorf("%s: %q at the upstream, want %q", name, got, value)
			}
		}
		if header(x.upstream, "x_weir_account") != "" || header(x.upstream, "x-weir_key") != "" || header(x.upstream, "x_other") != "stays" {
			e.Errorf("upstream %v", x.upstream)
		}
	})
}

func TestThrottle(t *testing.T) {
	t.Run("the request after the last one is told when to come back", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			for i := range 100 {
				x := e.send("GET", "/anything", withKey)
				e.fields(x, policies{"per-minute": {"q": 100, "w": 60}}, policies{"per-minute": {"r": int64(99 - i), "t": 1}})
				if x.status != 200 {
					e.Fatalf("request %d: status %d", i+1, x.status)
				}
			}
			x := e.send("GET", "/anything", withKey)
			if x.status != 429 || header(x.headers, "retry-after") != "1" {
				e.Errorf("request 101: status %d, Retry-After %q; want 429, 1", x.status, header(x.headers, "retry-after"))
			}
			e.fields(x, policies{"per-minute": {"q": 100, "w": 60}}, policies{"per-minute": {"r": 0, "t": 1}})
			want := map[string]any{
				"type":              "https://iana.org/assignments/http-problem-types#quota-exceeded",
				"title":             "Rate limit exceeded",
				"status":            429.0,
				"detail":            "Limit per-minute of tier Basic allows 100 requests a minute; retry in 1 s.",
				"violated-policies": []any{"per-minute"},
				"tier":              "Basic",
				"request-id":        "req-1",
			}
			if diff := cmp.Diff(want, e.problem(x)); diff != "" {
				e.Errorf("problem (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("a retry at that time succeeds, and one before may not", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			var x exchange
			for x = e.send("POST", "/v1/orders/9", withKey); x.status == 200; {
				x = e.send("POST", "/v1/orders/9", withKey)
			}
			wait, err := strconv.Atoi(header(x.headers, "retry-after"))
			if err != nil || wait != 6 {
				e.Fatalf("Retry-After %q, want 6", header(x.headers, "retry-after"))
			}
			e.pass(time.Duration(wait)*time.Second - 1)
			if x := e.send("POST", "/v1/orders/9", withKey); x.status != 429 {
				e.Errorf("a nanosecond early: status %d, want 429", x.status)
			}
			e.pass(1)
			if x := e.send("POST", "/v1/orders/9", withKey); x.status != 200 {
				e.Errorf("in time: status %d, want 200", x.status)
			}
		})
	})
	t.Run("an endpoint's limit is for its endpoint, and a denial charges nothing", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			both := policies{"per-minute": {"q": 100, "w": 60}, "orders": {"q": 10, "w": 60, "weir-burst": 2}}
			e.fields(e.send("POST", "/v1/orders/9?a=/b", withKey), both, policies{"per-minute": {"r": 99, "t": 1}, "orders": {"r": 1, "t": 6}})
			e.fields(e.send("POST", "/v1/orders/8", withKey), both, policies{"per-minute": {"r": 98, "t": 1}, "orders": {"r": 0, "t": 6}})
			x := e.send("POST", "/v1/orders/7", withKey)
			e.fields(x, both, policies{"per-minute": {"r": 98, "t": 1}, "orders": {"r": 0, "t": 6}})
			if got := e.problem(x)["violated-policies"]; !cmp.Equal(got, []any{"orders"}) {
				e.Errorf("violated-policies %v, want orders", got)
			}
			for _, spelled := range []string{"/v1/orders/6/", "/v1/orders/6;v=1", "/v1;v=1/orders/6/;v=1", "//v1///orders/6", "/%761/%6frders/6", "/v2/../v1/./orders/6", "/x/..;/v1/orders/6"} {
				if x := e.send("POST", spelled, withKey); x.status != 429 {
					e.Errorf("%s: status %d, want 429", spelled, x.status)
				}
			}
			e.fields(e.send("GET", "/v1/orders/7", withKey), policies{"per-minute": {"q": 100, "w": 60}}, policies{"per-minute": {"r": 97, "t": 1}})
		})
	})
	t.Run("a hostile request id stays inside its string", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			x := exchange{id: e.InitializeHttpContext()}
			e.CallOnRequestHeaders(x.id, [][2]string{{":method", "GET"}, {":path", "/"}, {"x-request-id", "a\"},\\\x01\xff{"}}, true)
			x.body = e.GetSentLocalResponse(x.id).Data
			if got := e.problem(x)["request-id"]; got != "a\"},\\\ufffd\ufffd{" {
				e.Errorf("request-id %q", got)
			}
		})
	})
}

func TestUpstreamsOwnFieldsAreReplaced(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(testPolicy())
		x := e.open("GET", "/", withKey)
		e.finish(&x, 204, [2]string{"ratelimit", `"theirs";r=1`})
		e.fields(x, policies{"per-minute": {"q": 100, "w": 60}}, policies{"per-minute": {"r": 99, "t": 1}})
	})
}

func TestWithoutSnapshot(t *testing.T) {
	t.Run("requests are refused", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			x := e.send("GET", "/", withKey)
			if x.status != 503 || header(x.headers, "retry-after") != "1" {
				e.Errorf("status %d, Retry-After %q; want 503, 1", x.status, header(x.headers, "retry-after"))
			}
			e.problem(x)
		})
	})
	t.Run("they pass without identity where that is configured", func(t *testing.T) {
		onEmulator(t, `{"node":"n","unready":"allow"}`, func(e *emulator) {
			e.StartPlugin()
			x := e.send("GET", "/", withKey, [2]string{"x-weir-account", "acc_1"})
			if x.status != 200 || header(x.upstream, "x-weir-account") != "" {
				e.Errorf("status %d, account %q at the upstream; want 200 and none", x.status, header(x.upstream, "x-weir-account"))
			}
		})
	})
}

// policies is a parsed RateLimit or RateLimit-Policy field: parameters by name.
type policies map[string]map[string]int64

func (e *emulator) fields(x exchange, policy, level policies) {
	e.Helper()
	if diff := cmp.Diff(policy, e.parse(header(x.headers, "ratelimit-policy"))); policy != nil && diff != "" {
		e.Errorf("RateLimit-Policy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(level, e.parse(header(x.headers, "ratelimit"))); diff != "" {
		e.Errorf("RateLimit (-want +got):\n%s", diff)
	}
}

func (e *emulator) parse(field string) policies {
	e.Helper()
	list, err := httpsfv.UnmarshalList([]string{field})
	if err != nil {
		e.Fatalf("%q: %v", field, err)
	}
	all := policies{}
	for _, member := range list {
		item := member.(httpsfv.Item)
		parameters := map[string]int64{}
		for _, name := range item.Params.Names() {
			v, _ := item.Params.Get(name)
			if n, whole := v.(int64); whole {
				parameters[name] = n
			}
		}
		all[item.Value.(string)] = parameters
	}
	return all
}

func (e *emulator) problem(x exchange) map[string]any {
	e.Helper()
	var p map[string]any
	if err := json.Unmarshal(x.body, &p); err != nil {
		e.Fatalf("problem %q: %v", x.body, err)
	}
	if x.status != 0 && (p["status"] != float64(x.status) || header(x.headers, "content-type") != "application/problem+json") {
		e.Errorf("problem %v of type %q for status %d", p, header(x.headers, "content-type"), x.status)
	}
	return p
}

func TestLargestNumbersStayInTheField(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		p := testPolicy()
		p.Plans[0].Limits = []book.Limit{
			{ID: 1, Name: "a", Subject: book.PerAccount, Selector: book.All, Kind: book.Rate, Measure: book.Requests, Mode: book.Enforce,
				Amount: wire.MaxAmount, PeriodSeconds: 1, Burst: wire.MaxAmount},
			{ID: 2, Name: "b", Subject: book.PerAccount, Selector: book.All, Kind: book.Rate, Measure: book.Requests, Mode: book.Enforce,
				Amount: 1, PeriodSeconds: 86400, Burst: wire.MaxAmount},
		}
		e.started(p)
		const all = wire.MaxAmount
		e.fields(e.send("GET", "/", withKey),
			policies{"a": {"q": all, "w": 1}, "b": {"q": 1, "w": 86400, "weir-burst": all}},
			policies{"a": {"r": all - 1, "t": 1}, "b": {"r": all - 1, "t": 86400}})
		if all > math.MaxInt64/1000 {
			e.Error("the amounts don't leave room for their sums")
		}
	})
}
