package filter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// overridden is the policy of a tier with an override of the account that ends
// after a time, and what it is then.
func overridden(tier, override book.Limit, endsAfter time.Duration) (now, then book.Policy) {
	const begin = 1795262430 // the tests' wall clock when they begin
	const own = 1 << 48
	now, then = withLimits(tier), withLimits(tier)
	then.Version = 2
	override.EndsAtMS = begin*1000 + endsAfter.Milliseconds()
	now.Plans = append(now.Plans, book.Plan{ID: own, Tier: 2, Name: "Basic", Limits: []book.Limit{override}})
	now.Keys[0].Plan = own
	return now, then
}

func TestRetryAfterKnowsWhenOverridesEnd(t *testing.T) {
	rate := func(amount, burst uint64) book.Limit {
		l := limitOf(book.Rate, book.Requests, amount)
		l.Burst = burst
		return l
	}
	// refused sends until a request is refused, and returns after how long it may
	// come again.
	refused := func(e *emulator) (after time.Duration) {
		e.Helper()
		for range 100 {
			if x := e.send("GET", "/", withKey); x.status == 429 {
				var seconds int64
				if _, err := fmt.Sscan(header(x.headers, "retry-after"), &seconds); err != nil {
					e.Fatalf("Retry-After %q", header(x.headers, "retry-after"))
				}
				return time.Duration(seconds) * time.Second
			}
		}
		e.Fatal("nothing was refused")
		return 0
	}
	for name, c := range map[string]struct {
		tier, override book.Limit
		endsAfter      time.Duration
		want           time.Duration
	}{
		"a smaller rate comes back before":     {rate(6, 6), rate(600, 60), time.Second, 10 * time.Second},
		"a smaller rate comes back just after": {rate(6, 6), rate(600, 60), 2 * time.Second, 10 * time.Second},
		"a smaller window comes back":          {limitOf(book.Window, book.Requests, 2), limitOf(book.Window, book.Requests, 40), 10 * time.Second, 120 * time.Second},
		"a larger rate comes back":             {rate(600, 60), rate(6, 6), 3 * time.Second, 10 * time.Second},
		"a smaller rate comes back much later": {rate(6, 6), rate(600, 60), time.Hour, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				now, then := overridden(c.tier, c.override, c.endsAfter)
				e.started(now)
				e.commit(e.takePoll())
				after := refused(e)
				if after > c.want {
					e.Errorf("Retry-After %v, want at most %v", after, c.want)
				}
				if c.endsAfter <= after+2*time.Second {
					e.answer(e.poll, 200, compile(e.T, then))
				}
				e.pass(after)
				if x := e.send("GET", "/", withKey); x.status != 200 {
					e.Errorf("after %v: status %d, want 200", after, x.status)
				}
			})
		})
	}
	t.Run("what the tier never allows is not to be retried", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			tier, override := limitOf(book.Rate, book.Cost, 3), limitOf(book.Rate, book.Cost, 60)
			now, _ := overridden(tier, override, time.Second)
			e.started(now)
			for range 12 {
				e.send("POST", "/v1/orders/1", withKey) // costs 5
			}
			x := e.send("POST", "/v1/orders/1", withKey)
			if got := header(x.headers, "retry-after"); x.status != 429 || got != "" {
				e.Errorf("status %d, Retry-After %q; want 429 and none", x.status, got)
			}
		})
	})
}
