package filter_test

import (
	"testing"

	"github.com/weirhq/weir/plugin/book"
)

// TestFilterInEnvoyAdaptsToTheUpstream has an upstream in trouble, in one way and
// the other, and then well again. The limits refill at once, so that what is left
// of each shows what it is scaled to.
func TestFilterInEnvoyAdaptsToTheUpstream(t *testing.T) {
	const amount, floor = 1000, 80
	failing, slow := rate(21, "failing", amount, 1, amount), rate(22, "slow", amount, 1, amount)
	failing.Adaptive = book.Adaptive{ErrorPercent: 50, FloorPercent: floor}
	slow.Adaptive = book.Adaptive{SlowMS: 30, SlowPercent: 50, FloorPercent: floor}
	_, v := inEnvoy(t, gatewayPolicy(failing, slow))

	lowest := map[string]int64{"failing": amount, "slow": amount}
	look := func(headers ...string) (left map[string]int64) {
		r, _ := get(t, v.url, "demo-basic", headers...)
		left = map[string]int64{}
		for name := range lowest {
			left[name] = remaining(t, r, name)
			lowest[name] = min(lowest[name], left[name])
		}
		return left
	}
	for name, trouble := range map[string][]string{"failing": {"Please-Status", "503"}, "slow": {"Please-Wait", "30"}} {
		until(t, name+" is at its floor", func() bool { return look(trouble...)[name] <= amount*floor/100 })
		if n := v.stat(t, "weir.adaptive.tightened"); n != 1 {
			t.Errorf("%d limits are tightened by an upstream that is %s, want 1", n, name)
		}
		// A look takes one itself, and there is one at a time.
		until(t, name+" is whole again", func() bool { return look()[name] >= amount-1 })
		if n := v.stat(t, "weir.adaptive.tightened"); n != 0 {
			t.Errorf("%d limits are tightened by an upstream that is well, want none", n)
		}
	}
	for name, left := range lowest {
		// A second's looks are refilled within it: few are missing at any time.
		if left < amount*floor/100-100 || left > amount*floor/100 {
			t.Errorf("%s went down to %d, want %d%% of %d", name, left, floor, amount)
		}
	}
}
