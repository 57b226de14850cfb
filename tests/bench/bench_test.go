package main

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/deploy"
)

func TestQuantilesAreThoseOfTheRequests(t *testing.T) {
	l := newLatencies()
	for i := range 1000 {
		l.add(time.Duration(i) * time.Microsecond)
	}
	l.add(3 * time.Second)
	for q, want := range map[float64]time.Duration{
		0: 0, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 0.9999: longestBucket,
	} {
		if got := l.quantile(q); got != want {
			t.Errorf("quantile %g is %v, want %v", q, got, want)
		}
	}
	if l.worst != 3*time.Second {
		t.Errorf("the worst is %v, want 3 s", l.worst)
	}
}

func TestAnswersAreWholeWithTheirBody(t *testing.T) {
	const whole = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 3\r\ndate: now\r\n\r\nabc"
	for n := range len(whole) {
		if _, ready, err := parseAnswer([]byte(whole[:n])); ready || err != nil {
			t.Errorf("%d bytes: whole %v, error %v", n, ready, err)
		}
	}
	if status, ready, err := parseAnswer([]byte(whole)); status != 429 || !ready || err != nil {
		t.Errorf("status %d, whole %v, error %v", status, ready, err)
	}
	for _, bad := range []string{"HTTP\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"} {
		if _, _, err := parseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestGatewaysDifferInTheFilterOnly(t *testing.T) {
	base := deploy.Envoy{
		Gateway: "127.0.0.1:1", Admin: "127.0.0.1:2", Upstream: "127.0.0.1:3", Edge: "127.0.0.1:4", Filter: "weir.wasm", Node: "bench",
	}
	for name, tc := range map[string]struct {
		gateway gateway
		want    []string
	}{
		"Weir's stays":   {gateway{Envoy: base, keep: true}, []string{"weir", "envoy.filters.http.router"}},
		"none":           {gateway{Envoy: base}, []string{"envoy.filters.http.router"}},
		"another's":      {gateway{Envoy: base, filter: nativeFilter()}, []string{"envoy.filters.http.local_ratelimit", "envoy.filters.http.router"}},
		"with its limit": {gateway{Envoy: base, filter: remoteFilter("c"), limits: byKey("a")}, []string{"envoy.filters.http.ratelimit", "envoy.filters.http.router"}},
	} {
		t.Run(name, func(t *testing.T) {
			rendered, err := tc.gateway.Render()
			if err != nil {
				t.Fatal(err)
			}
			var config node
			if err := yaml.Unmarshal(rendered, &config); err != nil {
				t.Fatal(err)
			}
			if err := tc.gateway.change(config); err != nil {
				t.Fatal(err)
			}
			filters, err := at[list](config, "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config", "http_filters")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i := range filters {
				n, err := at[string](filters, i, "name")
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, n)
			}
			if strings.Join(names, " ") != strings.Join(tc.want, " ") {
				t.Errorf("filters %v, want %v", names, tc.want)
			}
		})
	}
}

func TestGoalsAreMissedByOneWhoIsTooDear(t *testing.T) {
	pass := func(cpuUS, perSecond float64, ms time.Duration) []measured {
		l := newLatencies()
		l.add(ms * time.Millisecond)
		return []measured{{cpuUS, perSecond, l}}
	}
	results := map[string][]measured{
		none: pass(20, 1000, 1), empty: pass(25, 950, 1), weir: pass(30, 900, 1), remote: pass(180, 300, 4),
	}
	for _, g := range goals(results) {
		if !g.met {
			t.Errorf("%s: %s, want it met", g.text, g.measured)
		}
	}
	results[weir] = pass(36, 800, 2)
	if all := goals(results); len(all) != 4 {
		t.Errorf("%d goals, want 4", len(all))
	}
	for _, g := range goals(results) {
		if g.met {
			t.Errorf("%s: %s, want it missed", g.text, g.measured)
		}
	}
}
