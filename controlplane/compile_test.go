package controlplane_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// TestWhatIsValidCompiles holds the two sets of rules against each other: a
// change that was accepted must never keep the next snapshot from being made.
func TestWhatIsValidCompiles(t *testing.T) {
	name := rapid.OneOf(rapid.StringN(1, 70, -1), rapid.StringMatching(`[a-z0-9-]{1,70}`), rapid.StringMatching(`[🌊ü一]{60,64}`))
	template := rapid.StringMatching(`(/(\{[a-zA-Z_][a-z0-9_]{0,9}\}|[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,12}|%[0-9a-fA-F]{2})){1,40}/?`)
	amount := rapid.OneOf(rapid.Int64Range(-1, 3), rapid.Int64Range(wire.MaxAmount-1, wire.MaxAmount+1))
	rapid.Check(t, func(t *rapid.T) {
		policy := wire.Policy{Version: 1}
		endpoint := controlplane.Endpoint{
			Method:   rapid.SampledFrom([]string{"GET", "*", "get", "", "ABCDEFGHIJKLMNOPQRSTU"}).Draw(t, "method"),
			Template: template.Draw(t, "template"), Cost: rapid.IntRange(0, 2).Draw(t, "cost"),
		}
		if controlplane.ValidateEndpoint(endpoint) == nil {
			policy.Endpoints = []wire.Endpoint{{ID: 1, Method: endpoint.Method, Template: endpoint.Template, Cost: uint32(endpoint.Cost)}}
		}
		tier := name.Draw(t, "tier")
		limits := []controlplane.Limit{{
			Name: name.Draw(t, "limit"), Amount: amount.Draw(t, "amount"), Burst: amount.Draw(t, "burst"),
			Period: rapid.SampledFrom([]controlplane.Period{controlplane.Second, controlplane.Minute, controlplane.Hour, controlplane.Day}).Draw(t, "period"),
		}}
		if controlplane.ValidateTier(&tier, &limits) == nil {
			l := limits[0]
			policy.Tiers = []wire.Tier{{ID: 1, Name: tier, Limits: []wire.Limit{{
				ID: 1, Name: l.Name, Amount: uint64(l.Amount), PeriodSeconds: uint32(l.Period.Seconds()), Burst: uint64(l.Burst),
			}}}}
		}
		if _, err := wire.Compile(policy); err != nil {
			t.Fatalf("%+v: %v", policy, err)
		}
	})
}
