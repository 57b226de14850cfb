package controlplane_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// TestWhatIsValidCompiles holds the two sets of rules against each other: a
// change that was accepted must never keep the next snapshot from being made.
func TestWhatIsValidCompiles(t *testing.T) {
	name := rapid.OneOf(rapid.StringN(1, 70, -1), rapid.StringMatching(`[a-z0-9-]{1,70}`), rapid.StringMatching(`[a-z0-9]{1,64}`), rapid.StringMatching(`[🌊ü一]{60,64}`))
	template := rapid.StringMatching(`(/(\{[a-zA-Z_][a-z0-9_]{0,9}\}|[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,12}|%[0-9a-fA-F]{2})){1,40}/?`)
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		policy := book.Policy{Version: 1, Groups: []book.Group{{ID: 8, Name: "group"}}, Endpoints: []book.Endpoint{{ID: 9, Method: "PUT", Template: "/", Cost: 1}}}
		group := name.Draw(t, "group")
		if controlplane.ValidateEndpointGroup(&group) == nil {
			policy.Groups[0].Name = group
		}
		endpoint := controlplane.Endpoint{
			Method:   rapid.SampledFrom([]string{"GET", "*", "get", "", "ABCDEFGHIJKLMNOPQRSTU"}).Draw(t, "method"),
			Template: book.PlainPath(template.Draw(t, "template")), Cost: rapid.IntRange(0, 2).Draw(t, "cost"),
		}
		if controlplane.ValidateEndpoint(endpoint) == nil {
			policy.Endpoints = append(policy.Endpoints, book.Endpoint{ID: 1, Method: endpoint.Method, Template: endpoint.Template, Cost: uint32(endpoint.Cost), Group: 8})
		}
		tier := name.Draw(t, "tier")
		limits := []controlplane.Limit{drawLimit(t, name.Draw(t, "limit"))}
		if controlplane.ValidateTier(&tier, &limits) == nil {
			seen++
			plan := book.Plan{ID: 1, Tier: 1, Name: tier, Limits: []book.Limit{limits[0].Compiled()}}
			own := plan
			own.ID, own.Limits = 2, nil
			override := drawOverride(t)
			if override.Validate(time.Time{}) == nil && override.Fits(limits[0]) == nil {
				own.Limits = []book.Limit{override.Apply(limits[0]).Compiled()}
			}
			policy.Plans = []book.Plan{plan, own}
		}
		if _, err := book.Compile(policy, nil); err != nil {
			t.Fatalf("%+v: %v", policy, err)
		}
	})
	if seen < 3 {
		t.Errorf("%d of the limits were valid; the test proves nothing", seen)
	}
}

// drawLimit draws a valid limit, and then may change some of it to anything.
func drawLimit(t *rapid.T, name string) controlplane.Limit {
	type limit = controlplane.Limit
	amount := rapid.OneOf(rapid.Int64Range(-1, 3), rapid.Int64Range(wire.MaxAmount-1, wire.MaxAmount+1))
	percent := rapid.SampledFrom([]int{0, -1, 1, 99, 100, 101, 1000, 1001, 600_000, 600_001, 2_592_000, 2_592_001})
	changes := []func(*limit){
		func(l *limit) { l.Name = name },
		func(l *limit) { l.Amount = amount.Draw(t, "amount") },
		func(l *limit) { l.Burst = amount.Draw(t, "burst") },
		func(l *limit) { l.Subject = controlplane.SubjectKey },
		func(l *limit) { l.Subject = controlplane.SubjectAddress },
		func(l *limit) { l.Selector = controlplane.SelectReads },
		func(l *limit) { l.Selector, l.Endpoint = controlplane.SelectEndpoint, 9 },
		func(l *limit) { l.Selector, l.Group = controlplane.SelectGroup, 8 },
		func(l *limit) { l.Group = 8 },
		func(l *limit) { l.Measure = controlplane.MeasureBytes },
		func(l *limit) { l.Kind, l.Burst = controlplane.Window, 0 },
		quota,
		func(l *limit) {
			l.Period = rapid.SampledFrom([]controlplane.Period{controlplane.Day, controlplane.Billing}).Draw(t, "period")
		},
		func(l *limit) { l.Mode = controlplane.Shadow },
		func(l *limit) { l.Mode, l.GracePercent = controlplane.Soft, percent.Draw(t, "grace percent") },
		func(l *limit) { l.GraceSeconds = percent.Draw(t, "grace seconds") },
		func(l *limit) { l.Adaptive.ErrorPercent, l.Adaptive.FloorPercent = percent.Draw(t, "errors"), 50 },
		func(l *limit) {
			l.Adaptive.SlowMS, l.Adaptive.SlowPercent = percent.Draw(t, "slow"), percent.Draw(t, "slow percent")
		},
		func(l *limit) { l.Adaptive.FloorPercent = percent.Draw(t, "floor") },
	}
	l := perMinute()
	l.ID = 1
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(changes)-1), 0, 5).Draw(t, "changes") {
		changes[i](&l)
	}
	return l
}

func drawOverride(t *rapid.T) controlplane.Override {
	return controlplane.Override{
		Amount: rapid.Int64Range(0, 2).Draw(t, "override's amount"),
		Burst:  rapid.Int64Range(0, 2).Draw(t, "override's burst"),
		Mode:   rapid.SampledFrom([]controlplane.LimitMode{"", controlplane.Enforce, controlplane.Soft, controlplane.Shadow}).Draw(t, "override's mode"),
	}
}
