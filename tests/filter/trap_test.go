package filter_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

func TestFilterInEnvoyRecoversFromATrap(t *testing.T) {
	module := filepath.Join(moduleDir, "trap.wasm")
	buildModule(t, "github.com/weirhq/weir/tests/filter/trap", module)
	const burst = 100
	edge, v := inEnvoyAs(t, gatewayPolicy(rate(21, "daily", 1, 86400, burst)), setup{workers: 1, module: module})
	for range 40 {
		get(t, v.url, "demo-basic")
	}
	until(t, "all are counted", func() bool { n, _ := edge.total(); return n == 40 })
	// What a VM shows as pending when it ends stays in the gauge.
	until(t, "nothing is pending", func() bool { return v.stat(t, "weir.usage.pending_requests") == 0 })
	if r, _ := get(t, v.url, "demo-basic", "X-Trap", "1"); r.StatusCode != 503 {
		t.Errorf("the request that traps: status %d, want 503", r.StatusCode)
	}
	trapped := time.Now()
	admitted, refused := 40, 0
	until(t, "the worker is back", func() bool {
		r, _ := get(t, v.url, "demo-basic")
		if r.StatusCode == 200 {
			admitted++
		}
		return r.StatusCode != 503
	})
	t.Logf("back after %v", time.Since(trapped).Round(time.Millisecond))
	for range burst {
		r, _ := get(t, v.url, "demo-basic")
		switch r.StatusCode {
		case 200:
			admitted++
		case 429:
			refused++
		default:
			t.Errorf("status %d", r.StatusCode)
		}
	}
	if admitted != burst {
		t.Errorf("%d were admitted before and after the trap, want %d", admitted, burst)
	}
	until(t, "the rest is counted", func() bool {
		_, by := edge.total()
		return by[wire.Allowed] == burst && by[wire.Throttled] == uint64(refused)
	})
}
