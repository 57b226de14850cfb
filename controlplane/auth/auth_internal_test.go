package auth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
)

// The vectors of RFC 6238, appendix B, for SHA-1; its last six digits of eight.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"} {
		step, ok, err := stepOf(secret, code, time.Unix(at, 0), 0)
		if err != nil || !ok || step != at/codeEvery {
			t.Errorf("at %d: step %d, %v, %v", at, step, ok, err)
		}
		if _, ok, err := stepOf(secret, code, time.Unix(at, 0), step); err != nil || ok {
			t.Errorf("at %d, used: %v, %v", at, ok, err)
		}
		if _, ok, err := stepOf(secret, code, time.Unix(at+3*codeEvery, 0), 0); err != nil || ok {
			t.Errorf("at %d, too late: %v, %v", at, ok, err)
		}
		if _, ok, err := stepOf(secret, code, time.Unix(at+codeEvery, 0), 0); err != nil || !ok {
			t.Errorf("at %d, by a clock that is one step off: %v, %v", at, ok, err)
		}
	}
}

func TestWhatStandsForNobodyTakesAsLongAsAPassword(t *testing.T) {
	params, _, _, err := argon2id.DecodeHash(nobodysDigest)
	if err != nil || params.Memory != hashing().Memory || params.Iterations != hashing().Iterations || params.Parallelism != hashing().Parallelism {
		t.Errorf("%+v, %v; hashes are made with %+v", params, err, hashing())
	}
	h := newHasher()
	if ok, _, err := h.matches(t.Context(), "", ""); ok || err != nil {
		t.Errorf("no password is nobody's: %v, %v", ok, err)
	}
}

func TestAPasswordIsTheSameHoweverAKeyboardSendsIt(t *testing.T) {
	h := newHasher()
	const composed, decomposed = "caf\u00e9 de la gare", "cafe\u0301 de la gare"
	for _, set := range []string{composed, decomposed} {
		digest, err := h.digest(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{composed, decomposed} {
			if ok, _, err := h.matches(t.Context(), typed, digest); !ok || err != nil {
				t.Errorf("%+q is not %+q: %v", typed, set, err)
			}
		}
	}
}

func TestADigestOfOtherParametersIsOutdated(t *testing.T) {
	h := newHasher()
	weak := *hashing()
	weak.Iterations = 1
	old, err := argon2id.CreateHash("the password", &weak)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := h.digest(t.Context(), "the password")
	if err != nil || !strings.HasPrefix(fresh, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", fresh, err)
	}
	for digest, want := range map[string]bool{old: true, fresh: false} {
		if ok, outdated, err := h.matches(t.Context(), "the password", digest); err != nil || !ok || outdated != want {
			t.Errorf("%s: %v, %v, %v", digest, ok, outdated, err)
		}
	}
}

func TestOnlySoManyPasswordsAreHashedAtOnce(t *testing.T) {
	h := hasher{make(chan struct{}, 1)}
	done, err := h.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.digest(gone, "the password"); !errors.Is(err, errBusy) {
		t.Errorf("got %v", err)
	}
	done()
	if _, err := h.digest(t.Context(), "the password"); err != nil {
		t.Error(err)
	}
}

func TestNetworksAreTold(t *testing.T) {
	for address, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "a pipe": "a pipe"} {
		if got := networkOf(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestOnlyTrustedProxiesSayWhereARequestCameFrom(t *testing.T) {
	a := &Auth{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for name, tc := range map[string]struct {
		from string
		said []string
		want string
	}{
		"nobody says anything":                  {"10.0.0.1:7", nil, "10.0.0.1"},
		"a proxy says it":                       {"10.0.0.1:7", []string{"192.0.2.7"}, "192.0.2.7"},
		"a client says it":                      {"192.0.2.7:7", []string{"198.51.100.9"}, "192.0.2.7"},
		"a client says it to a proxy":           {"10.0.0.1:7", []string{"198.51.100.9, 192.0.2.7"}, "192.0.2.7"},
		"a client says it is a proxy":           {"10.0.0.1:7", []string{"198.51.100.9, 10.0.0.9, 192.0.2.7"}, "192.0.2.7"},
		"two proxies say it":                    {"10.0.0.1:7", []string{"198.51.100.9", "192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
		"a proxy of IPv6, and one mapped":       {"[fd00::1]:7", []string{"2001:db8::7, ::ffff:10.0.0.2"}, "2001:db8::7"},
		"a proxy says what is no address":       {"10.0.0.1:7", []string{"198.51.100.9, unknown"}, "10.0.0.1"},
		"proxies only":                          {"10.0.0.1:7", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"more than there can be proxies":        {"10.0.0.1:7", []string{"192.0.2.7" + strings.Repeat(", 10.0.0.2", 1000)}, "10.0.0.2"},
		"whatever the trusted say, by a socket": {"@", []string{"192.0.2.7"}, "@"},
	} {
		r := &http.Request{RemoteAddr: tc.from, Header: http.Header{"X-Forwarded-For": tc.said}}
		if got := a.addressOf(r); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	plain := &Auth{}
	if got := plain.addressOf(&http.Request{RemoteAddr: "10.0.0.1:7", Header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}}); got != "10.0.0.1" {
		t.Errorf("without trusted proxies: %s", got)
	}
}
