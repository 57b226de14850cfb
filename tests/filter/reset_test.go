package filter_test

import (
	"net/http"
	"testing"

	"github.com/weirhq/weir/deploy"
	"github.com/weirhq/weir/plugin/book"
)

// A reset of an account's counters reaches those of tiers that claims named, too.
func TestFilterInEnvoyResetsTheCountersOfClaimedTiers(t *testing.T) {
	const workers = 2
	i := newIssuer(t)
	p := gatewayPolicy(rate(30, "basic", 2, 86_400, 2))
	window := rate(32, "gold-window", 3, 86_400, 0)
	window.Kind = book.Window
	ofKey := rate(33, "gold-key", 3, 86_400, 3)
	ofKey.Subject = book.PerKey
	p.Plans = append(p.Plans, book.Plan{ID: 3, Tier: 3, Name: "Gold", Limits: []book.Limit{rate(31, "gold", 3, 86_400, 3), window, ofKey}})
	p.Keys = append(p.Keys, book.Key{ID: 71, Account: 7, Plan: 2, Kind: book.JWTSubject, Digest: book.SubjectDigest("alice")})
	edge, v := inEnvoyAs(t, p, setup{workers: workers, edit: withTokens(i.keys()), envoy: deploy.Envoy{Identify: "key, jwt", JWTTierClaim: "plan"}})
	claims := map[string]map[string]any{"Basic": {"sub": "alice"}, "Gold": {"sub": "alice", "plan": "Gold"}}
	send := func(tier string) *http.Response {
		t.Helper()
		r, _ := do(t, "GET", v.url, "Authorization", "Bearer "+i.token(claims[tier]))
		return r
	}
	spend := func(round string) {
		t.Helper()
		for tier, amount := range map[string]int{"Basic": 2, "Gold": 3} {
			for n := range amount {
				if r := send(tier); r.StatusCode != 200 {
					t.Fatalf("%s, request %d of %s: status %d, header %v", round, n+1, tier, r.StatusCode, r.Header)
				}
			}
			if r := send(tier); r.StatusCode != 429 {
				t.Fatalf("%s, %s is spent: status %d", round, tier, r.StatusCode)
			}
		}
	}
	spend("at first")
	p.Version++
	keys := append([]book.Key(nil), p.Keys...)
	for k := range keys {
		if keys[k].Account == 7 {
			keys[k].Epoch++
		}
	}
	p.Keys = keys
	edge.publish(p)
	until(t, "every worker has the reset", func() bool { return edge.on(p.Version) == workers+1 })
	spend("after the reset")
}
