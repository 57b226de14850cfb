package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func digest(b byte) (d [32]byte) {
	for i := range d {
		d[i] = b
	}
	return d
}

func samplePolicy() Policy {
	return Policy{
		Version: 42,
		Endpoints: []Endpoint{
			{1, "GET", "/v1/users/{id}", 1},
			{2, "POST", "/v1/users", 5},
			{3, "*", "/v1/users/me", 2},
			{4, "GET", "/", 1},
		},
		Tiers: []Tier{
			{8, "Professional", []Limit{{21, "per-minute", 0, 1000, 60, 1000}}},
			{7, "Basic – für alle", []Limit{
				{11, "per-minute", 0, 100, 60, 100},
				{12, "sign-up", 2, 5, 3600, 1},
			}},
		},
		Accounts: []Account{{101, 7, false}, {100, 8, true}},
		Keys:     []Key{{1001, 100, digest(9)}, {1002, 101, digest(3)}, {1003, 101, digest(200)}},
	}
}

func mustCompile(t testing.TB, p Policy) []byte {
	t.Helper()
	b, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustOpen(t testing.TB, b []byte) *Snapshot {
	t.Helper()
	s, err := Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshotBytesAreGolden(t *testing.T) {
	golden(t, "snapshot.bin", mustCompile(t, samplePolicy()))
	golden(t, "empty-snapshot.bin", mustCompile(t, Policy{Version: 1}))
}

func TestSnapshotSaysWhatThePolicySays(t *testing.T) {
	s := mustOpen(t, mustCompile(t, samplePolicy()))
	if s.Version() != 42 || s.Accounts() != 2 || s.Tiers() != 2 || s.Keys() != 3 {
		t.Errorf("version %d, %d accounts, %d tiers, %d keys", s.Version(), s.Accounts(), s.Tiers(), s.Keys())
	}
	wantAccounts := []AccountRef{{100, 1, true}, {101, 0, false}}
	wantTiers := []TierRef{{7, "Basic – für alle", 0, 2}, {8, "Professional", 2, 1}}
	wantLimits := []LimitRef{
		{11, "per-minute", 0, 100, 60, 100},
		{12, "sign-up", 2, 5, 3600, 1},
		{21, "per-minute", 0, 1000, 60, 1000},
	}
	gotAccounts := []AccountRef{s.Account(0), s.Account(1)}
	gotTiers := []TierRef{s.Tier(0), s.Tier(1)}
	gotLimits := []LimitRef{s.Limit(0), s.Limit(1), s.Limit(2)}
	if diff := cmp.Diff(wantAccounts, gotAccounts) + cmp.Diff(wantTiers, gotTiers) + cmp.Diff(wantLimits, gotLimits); diff != "" {
		t.Error(diff)
	}
	d := digest(3)
	if k, found := s.FindKey(&d); !found || k != (KeyRef{1002, 1}) {
		t.Errorf("key: got %+v, %v", k, found)
	}
	if all, signUp := s.Applies(0, 1), s.Applies(0, 2); all != 0b01 || signUp != 0b11 {
		t.Errorf("applies: got %b and %b", all, signUp)
	}
	for _, i := range []int{-1, 2, 1 << 40} {
		if s.Account(i) != (AccountRef{}) || s.Tier(i) != (TierRef{}) || s.Applies(i, 2) != 0 {
			t.Errorf("index %d isn't answered with the zero value", i)
		}
	}
	if s.Limit(-1) != (LimitRef{}) || s.Limit(3) != (LimitRef{}) {
		t.Error("a limit out of range isn't the zero value")
	}
}

func TestOrderOfThePolicyDoesNotMatter(t *testing.T) {
	p := samplePolicy()
	want := mustCompile(t, p)
	slices.Reverse(p.Endpoints)
	slices.Reverse(p.Tiers)
	slices.Reverse(p.Accounts)
	slices.Reverse(p.Keys)
	given := slices.Clone(p.Keys)
	if !bytes.Equal(mustCompile(t, p), want) {
		t.Error("the same policy in another order gives other bytes")
	}
	if !slices.Equal(given, p.Keys) {
		t.Error("Compile sorted the caller's list")
	}
}

func TestFindKeyEqualsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Version: 1, Tiers: []Tier{{ID: 1, Name: "t"}}, Accounts: []Account{{ID: 1, Tier: 1}, {ID: 2, Tier: 1}}}
		want := map[[32]byte]Key{}
		for i := range rapid.IntRange(0, 50).Draw(t, "keys") {
			var d [32]byte
			// Few values, so that digests share prefixes.
			for j := range d {
				d[j] = byte(rapid.IntRange(0, 1).Draw(t, "bit")) * 0xff
			}
			if _, taken := want[d]; taken {
				continue
			}
			k := Key{uint64(i + 1), uint64(1 + i%2), d}
			want[d] = k
			p.Keys = append(p.Keys, k)
		}
		s := mustOpen(&testing.T{}, mustCompile(&testing.T{}, p))
		for d, k := range want {
			got, found := s.FindKey(&d)
			if !found || got.ID != k.ID || s.Account(got.Account).ID != k.Account {
				t.Fatalf("key %d: got %+v, %v", k.ID, got, found)
			}
			d[31] ^= 1
			if got, found := s.FindKey(&d); found {
				t.Fatalf("a digest that no key has gives %+v", got)
			}
		}
	})
}

func TestCompileNamesWhatIsWrong(t *testing.T) {
	tests := map[string]func(p *Policy){
		"version: 0":                       func(p *Policy) { p.Version = 0 },
		"endpoint: id: 0":                  func(p *Policy) { p.Endpoints[0].ID = 0 },
		"endpoint 1: its id occurs twice":  func(p *Policy) { p.Endpoints[1].ID = 1 },
		"endpoint 1: method":               func(p *Policy) { p.Endpoints[0].Method = "get" },
		"endpoint 1: cost: 0":              func(p *Policy) { p.Endpoints[0].Cost = 0 },
		"endpoint 1: cost: 1000001":        func(p *Policy) { p.Endpoints[0].Cost = MaxCost + 1 },
		"endpoint 1: template: it has":     func(p *Policy) { p.Endpoints[0].Template = "v1" },
		"endpoint 1: template: an empty":   func(p *Policy) { p.Endpoints[0].Template = "/v1//x" },
		"endpoint 1: template: segment":    func(p *Policy) { p.Endpoints[0].Template = "/v1/{a}b" },
		"endpoint 1: template: segments":   func(p *Policy) { p.Endpoints[0].Template = strings.Repeat("/a", 33) },
		"endpoint 4: matches the same":     func(p *Policy) { p.Endpoints[3] = Endpoint{4, "GET", "/v1/users/{other}", 1} },
		"tier: id":                         func(p *Policy) { p.Tiers[0].ID = MaxNumber + 1 },
		"tier 8: its id occurs twice":      func(p *Policy) { p.Tiers[1].ID = 8 },
		"tier 8: has the name of tier 7":   func(p *Policy) { p.Tiers[0].Name = p.Tiers[1].Name },
		"tier 8: name: length":             func(p *Policy) { p.Tiers[0].Name = "" },
		"tier 8: name: a control":          func(p *Policy) { p.Tiers[0].Name = "a\r\nb" },
		"tier 8: limits: 33":               func(p *Policy) { p.Tiers[0].Limits = make([]Limit, 33) },
		"tier 8: limit 0: id":              func(p *Policy) { p.Tiers[0].Limits[0].ID = 0 },
		"tier 8: limit 21: name":           func(p *Policy) { p.Tiers[0].Limits[0].Name = "per minute" },
		"tier 8: limit 21: amount: 0":      func(p *Policy) { p.Tiers[0].Limits[0].Amount = 0 },
		"tier 8: limit 21: burst: 0":       func(p *Policy) { p.Tiers[0].Limits[0].Burst = 0 },
		"tier 8: limit 21: burst: 1000":    func(p *Policy) { p.Tiers[0].Limits[0].Burst = MaxAmount + 1 },
		"tier 8: limit 21: period: 61 s":   func(p *Policy) { p.Tiers[0].Limits[0].PeriodSeconds = 61 },
		"tier 7: limit 12: its id or its":  func(p *Policy) { p.Tiers[1].Limits[1].Name = "per-minute" },
		"tier 8: limit 11: is also in":     func(p *Policy) { p.Tiers[0].Limits[0].ID = 11 },
		"tier 7: limit 12: there is no":    func(p *Policy) { p.Tiers[1].Limits[1].Endpoint = 77 },
		"account: id":                      func(p *Policy) { p.Accounts[0].ID = 0 },
		"account 100: its id occurs twice": func(p *Policy) { p.Accounts[0].ID = 100 },
		"account 101: there is no tier 9":  func(p *Policy) { p.Accounts[0].Tier = 9 },
		"key: id":                          func(p *Policy) { p.Keys[0].ID = 0 },
		"key 1003: its id occurs twice":    func(p *Policy) { p.Keys[1].ID = 1003 },
		"key 1003: has the digest":         func(p *Policy) { p.Keys[1].Digest, p.Keys[1].ID = p.Keys[2].Digest, 999 },
		"key 1001: there is no account":    func(p *Policy) { p.Keys[0].Account = 7 },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			p := samplePolicy()
			change(&p)
			_, err := Compile(p)
			if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
