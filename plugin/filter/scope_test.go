package filter_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/book"
)

// scopedPolicy has a sandbox key, and one that is for reading only.
func scopedPolicy() book.Policy {
	p := testPolicy()
	p.Scopes = []book.Scope{{ID: 9, ReadsOnly: true}, {ID: 8, Endpoints: []uint64{endpointOrders}}}
	p.Keys = append(p.Keys,
		book.Key{ID: 201, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("reads"), Scope: 9},
		book.Key{ID: 202, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("orders"), Scope: 8},
		book.Key{ID: 203, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("sandbox"), Sandbox: true})
	return p
}

func TestAKeyIsRefusedOutOfItsScope(t *testing.T) {
	for name, c := range map[string]struct {
		key, method, path string
		status            int
	}{
		"a read with a key for reading":   {"reads", "GET", "/anything", 200},
		"a write with a key for reading":  {"reads", "POST", "/v1/orders/1", 403},
		"a key's endpoint":                {"orders", "POST", "/v1/orders/1", 200},
		"another path than its endpoint":  {"orders", "POST", "/v1/users", 403},
		"another method of that endpoint": {"orders", "GET", "/v1/orders/1", 403},
	} {
		t.Run(name, func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				e.started(scopedPolicy())
				x := e.send(c.method, c.path, [2]string{"x-api-key", c.key})
				if x.status != c.status {
					e.Fatalf("status %d; want %d", x.status, c.status)
				}
				if c.status == 403 {
					if p := e.problem(x); p["title"] != "Out of the key's scope" {
						e.Errorf("problem %v", p)
					}
				}
			})
		})
	}
}

func TestTheUpstreamIsToldOfASandboxKey(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(scopedPolicy())
		for key, want := range map[string]string{"sandbox": "sandbox", "active": ""} {
			x := e.send("GET", "/", [2]string{"x-api-key", key}, [2]string{"x-weir-environment", "live"}, [2]string{"x_weir_environment", "live"})
			if got := header(x.upstream, "x-weir-environment"); x.status != 200 || got != want || header(x.upstream, "x_weir_environment") != "" {
				e.Errorf("with %s: status %d, environment %q at the upstream, want %q", key, x.status, got, want)
			}
		}
	})
}

func TestAMistypedKeyIsToldFromAnUnknownOne(t *testing.T) {
	known := book.KeyText(book.LivePrefix, strings.Repeat("a", book.KeyRandom))
	for name, c := range map[string]struct {
		key    string
		detail string
	}{
		"mistyped": {known[:len(known)-1] + "!", "mistyped"},
		"unknown":  {known, "not known"},
		"foreign":  {"demo", "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				e.started(testPolicy())
				x := e.send("GET", "/", [2]string{"x-api-key", c.key})
				detail, _ := e.problem(x)["detail"].(string)
				if x.status != 401 || !strings.Contains(detail, c.detail) || strings.Contains(detail, c.key) {
					e.Errorf("status %d, detail %q", x.status, detail)
				}
			})
		})
	}
}
