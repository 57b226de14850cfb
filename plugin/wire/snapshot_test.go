package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
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

func TestMatchEndpoint(t *testing.T) {
	s := mustOpen(t, mustCompile(t, Policy{Version: 1, Endpoints: []Endpoint{
		{1, "GET", "/", 1},
		{2, "GET", "/v1/users/{id}", 1},
		{3, "POST", "/v1/users/me", 1},
		{4, "*", "/v1/users/me", 1},
		{5, "GET", "/v1/users/", 1},
		{6, "HEAD", "/v1/ping", 1},
		{7, "GET", "/v1/ping", 1},
		{8, "DELETE", "/v1/users/{id}", 1},
		{9, "GET", "/v1/{kind}/me/avatar", 1},
		{10, "POST", "/only/post", 1},
		{11, "GET", "/only/{what}", 1},
		{12, "*", "/any/{x}", 1},
		{13, "GET", "/any/{x}", 1},
		{14, "GET", "/caf%C3%A9/{x}", 1},
	}}))
	tests := map[string]struct {
		method, path string
		want         uint64
	}{
		"root":                                  {"GET", "/", 1},
		"parameter":                             {"GET", "/v1/users/7", 2},
		"literal before parameter":              {"GET", "/v1/users/me", 4},
		"exact method before any":               {"POST", "/v1/users/me", 3},
		"trailing slash is another path":        {"GET", "/v1/users/", 5},
		"trailing slash after a parameter":      {"GET", "/v1/users/7/", 0},
		"a parameter isn't empty":               {"DELETE", "/v1/users/", 0},
		"HEAD of its own":                       {"HEAD", "/v1/ping", 6},
		"HEAD falls back to GET":                {"HEAD", "/v1/users/7", 2},
		"HEAD falls back to GET before any":     {"HEAD", "/any/x", 13},
		"another method takes any":              {"PUT", "/any/x", 12},
		"backtracks from a literal":             {"GET", "/v1/users/me/avatar", 9},
		"backtracks from a method":              {"GET", "/only/post", 11},
		"no such method":                        {"PUT", "/only/post", 0},
		"methods are case sensitive":            {"get", "/v1/users/7", 0},
		"paths are case sensitive":              {"GET", "/V1/users/7", 0},
		"percent-encoding is compared as it is": {"GET", "/caf%C3%A9/1", 14},
		"other spelling of the same byte":       {"GET", "/caf%c3%a9/1", 0},
		"an encoded slash doesn't separate":     {"GET", "/v1/users/a%2Fb", 2},
		"two slashes":                           {"GET", "/v1//users", 0},
		"prefix only":                           {"GET", "/v1", 0},
		"empty":                                 {"GET", "", 0},
		"asterisk form":                         {"OPTIONS", "*", 0},
		"absolute form":                         {"GET", "http://a/v1/users/7", 0},
		"no method":                             {"", "/v1/users/7", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := s.MatchEndpoint(tt.method, tt.path)
			if got.ID != tt.want || found != (tt.want != 0) {
				t.Errorf("%s %s: got %+v, want endpoint %d", tt.method, tt.path, got, tt.want)
			}
		})
	}
}

// matchByTrying is the rule of MatchEndpoint applied to every template.
func matchByTrying(list []Endpoint, method, path string) uint64 {
	segments := strings.Split(path, "/")
	if segments[0] != "" || len(segments) < 2 || len(segments)-1 > MaxTemplateSegments {
		return 0
	}
	var best uint64
	var bestRank []int
	for _, e := range list {
		rank, ok := rankOf(e, method, segments)
		if ok && (best == 0 || slices.Compare(rank, bestRank) < 0) {
			best, bestRank = e.ID, rank
		}
	}
	return best
}

// rankOf is lower the better e suits, from the first segment to the method.
func rankOf(e Endpoint, method string, segments []string) (rank []int, ok bool) {
	template := strings.Split(e.Template, "/")
	if len(template) != len(segments) {
		return nil, false
	}
	for i, s := range template {
		switch {
		case s == segments[i]:
			rank = append(rank, 0)
		case strings.HasPrefix(s, "{") && segments[i] != "":
			rank = append(rank, 1)
		default:
			return nil, false
		}
	}
	switch {
	case e.Method == method:
		return append(rank, 0), true
	case method == "HEAD" && e.Method == "GET":
		return append(rank, 1), true
	case e.Method == "*":
		return append(rank, 2), true
	}
	return nil, false
}

func TestMatchEndpointEqualsTryingAll(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "ab", "{x}", "{y}"})
	method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "*"})
	rapid.Check(t, func(t *rapid.T) {
		var list []Endpoint
		taken := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "endpoints") {
			e := Endpoint{uint64(len(list) + 1), method.Draw(t, "method"), "", 1}
			for range rapid.IntRange(1, 6).Draw(t, "segments") {
				e.Template += "/" + segment.Draw(t, "segment")
			}
			if rapid.IntRange(0, 4).Draw(t, "slash") == 0 {
				e.Template += "/"
			}
			route := e.Method + strings.ReplaceAll(e.Template, "{y}", "{x}")
			if !taken[route] {
				list = append(list, e)
			}
			taken[route] = true
		}
		s := mustOpen(&testing.T{}, mustCompile(&testing.T{}, Policy{Version: 1, Endpoints: list}))
		for range 50 {
			path := rapid.StringMatching(`(/(a|b|ab|c|)){0,7}`).Draw(t, "path")
			m := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT"}).Draw(t, "method of the request")
			got, found := s.MatchEndpoint(m, path)
			if want := matchByTrying(list, m, path); got.ID != want || found != (want != 0) {
				t.Fatalf("%s %q: got %d, want %d among %v", m, path, got.ID, want, list)
			}
		}
	})
}

func TestHostilePathsAreBounded(t *testing.T) {
	s := mustOpen(t, mustCompile(t, Policy{Version: 1, Endpoints: overlapping(10, "/end")}))
	m := matcher{s: s, method: "GET", path: strings.Repeat("/a", 10) + "/z", steps: maxMatchSteps}
	m.split()
	if _, found := m.from(0, 0); found || m.steps < 0 {
		t.Errorf("found %v with %d steps left", found, m.steps)
	}
	for _, path := range []string{
		strings.Repeat("/a", 100_000), strings.Repeat("/", 100_000), "/" + strings.Repeat("a", 100_000),
		strings.Repeat("/a", 10) + "/" + strings.Repeat("z", 100_000),
	} {
		if got, found := s.MatchEndpoint("GET", path); found {
			t.Errorf("a path of %d bytes matched %v", len(path), got)
		}
	}
}

// overlapping has 2^levels templates, with a literal and a parameter at each level.
func overlapping(levels int, end string) (list []Endpoint) {
	for i := range 1 << levels {
		template := ""
		for bit := range levels {
			template += []string{"/a", "/{x}"}[i>>bit&1]
		}
		list = append(list, Endpoint{uint64(i + 1), "GET", template + end, 1})
	}
	return list
}

func TestOverlapBeyondTheBound(t *testing.T) {
	p := Policy{Version: 1, Endpoints: overlapping(12, "/end")}
	if _, err := Compile(p); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "overlap") {
		t.Fatalf("got %v", err)
	}
	// A snapshot that was forged to have it is matched no further than that.
	c := &compiler{p: p, textAt: map[string]uint32{}}
	c.endpoints()
	root, _ := c.grow()
	c.flatten(root)
	data, err := c.assemble()
	if err != nil {
		t.Fatal(err)
	}
	m := matcher{s: mustOpen(t, data), method: "GET", path: strings.Repeat("/a", 12) + "/z", steps: maxMatchSteps}
	m.split()
	if _, found := m.from(0, 0); found || m.steps >= 0 || m.steps < -2*MaxTemplateSegments {
		t.Errorf("found %v with %d steps left, want it to stop soon after the last", found, m.steps)
	}
}

func TestForgedRecordsAreRefused(t *testing.T) {
	tests := map[string]func(c *compiler){
		"two keys with one digest": func(c *compiler) {
			copy(c.sections[keys][recordBytes[keys]:], c.sections[keys][:32])
		},
		"keys out of order after the first 8 bytes": func(c *compiler) {
			d := c.sections[keys][:32]
			copy(c.sections[keys][recordBytes[keys]:], d[:31])
			c.sections[keys][recordBytes[keys]+31] = d[31] - 1
		},
		"a limit of no endpoint": func(c *compiler) {
			binary.LittleEndian.PutUint32(c.sections[limits][28:], uint32(len(c.p.Endpoints)))
		},
		"a node that nothing leads to": func(c *compiler) {
			c.sections[edges] = appendU32(nil, 0, 1, 1)
			c.sections[methods] = nil
			c.sections[nodes] = appendU32(nil, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
		},
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			data := mustCompile(t, samplePolicy())
			s := mustOpen(t, data)
			c := &compiler{p: samplePolicy()}
			for i := range s.sections {
				c.sections[i] = bytes.Clone(s.sections[i])
			}
			if whole, err := c.assemble(); err != nil || !bytes.Equal(whole, data) {
				t.Fatalf("the snapshot isn't what its sections assemble to: %v", err)
			}
			forge(c)
			forged, err := c.assemble()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(forged); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTrieHasNoCycle(t *testing.T) {
	data := mustCompile(t, samplePolicy())
	s := mustOpen(t, data)
	body := data[:len(data)-sumBytes]
	for i := range s.counts[nodes] {
		for of, at := range map[section]int{nodes: 8, edges: 8} {
			if i >= s.counts[of] {
				continue
			}
			for target := range uint32(s.counts[nodes]) {
				forged := bytes.Clone(body)
				start := headerBytes
				for before := range of {
					start += len(s.sections[before])
				}
				field := forged[start+i*recordBytes[of]+at:]
				if binary.LittleEndian.Uint32(field) == target {
					continue
				}
				binary.LittleEndian.PutUint32(field, target)
				if _, err := Open(seal(forged, 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("record %d of section %d leads to node %d: got %v", i, of, target, err)
				}
			}
		}
	}
}

func TestLongestTemplateMatches(t *testing.T) {
	template := strings.Repeat("/a", MaxTemplateSegments)
	s := mustOpen(t, mustCompile(t, Policy{Version: 1, Endpoints: []Endpoint{{1, "GET", template, 1}}}))
	if _, found := s.MatchEndpoint("GET", template); !found {
		t.Error("not found")
	}
	if _, found := s.MatchEndpoint("GET", template+"/a"); found {
		t.Error("one segment more was found")
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

func TestDamagedSnapshotIsRefused(t *testing.T) {
	data := mustCompile(t, samplePolicy())
	t.Run("any one bit flipped", func(t *testing.T) {
		for bit := range len(data) * 8 {
			damaged := bytes.Clone(data)
			damaged[bit/8] ^= 1 << (bit % 8)
			if _, err := Open(damaged); !errors.Is(err, ErrMalformed) {
				t.Fatalf("bit %d: got %v", bit, err)
			}
		}
	})
	t.Run("cut off anywhere", func(t *testing.T) {
		for n := range data {
			if _, err := Open(data[:n]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%d bytes: got %v", n, err)
			}
			if n >= magicBytes && n < len(data)-sumBytes {
				if _, err := Open(seal(bytes.Clone(data[:n]), 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%d bytes and a new checksum: got %v", n, err)
				}
			}
		}
	})
	t.Run("any number replaced and sealed again is safe", func(t *testing.T) {
		for at := magicBytes; at+4 <= len(data)-sumBytes; at += 4 {
			for _, n := range []uint32{0, 1, 2, 3, 7, 100, 1 << 31, 1<<32 - 1} {
				forged := bytes.Clone(data[:len(data)-sumBytes])
				binary.LittleEndian.PutUint32(forged[at:], n)
				exercise(t, seal(forged, 0))
			}
		}
	})
}

// exercise opens data and, when that succeeds, calls every method on everything.
func exercise(t *testing.T, data []byte) {
	t.Helper()
	s, err := Open(data)
	if err != nil {
		if !errors.Is(err, ErrMalformed) || s != nil {
			t.Fatalf("got %v, %v", s, err)
		}
		return
	}
	for i := range s.Accounts() {
		if a := s.Account(i); a.ID == 0 || a.Tier >= s.Tiers() {
			t.Fatalf("account %d: %+v", i, a)
		}
	}
	for i := range s.Tiers() {
		tier := s.Tier(i)
		for n := range tier.Limits {
			l := s.Limit(tier.FirstLimit + n)
			whole := Limit{l.ID, l.Name, l.Endpoint, l.Amount, l.PeriodSeconds, l.Burst}
			if what := whole.fault(); what != "" {
				t.Fatalf("limit of tier %d: %s", i, what)
			}
			s.Applies(i, l.Endpoint)
		}
	}
	for i := range s.Keys() {
		d := [32]byte(s.record(keys, i))
		if k, found := s.FindKey(&d); !found || k.Account >= s.Accounts() {
			t.Fatalf("key %d: %+v, %v", i, k, found)
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "*", ""} {
		for _, path := range []string{"/", "", "/v1/users", "/v1/users/me", "/v1/users/1", "/v1/users/1/2", strings.Repeat("/a", 40)} {
			if e, found := s.MatchEndpoint(method, path); found && (e.ID == 0 || e.Cost == 0) {
				t.Fatalf("%s %s: %+v", method, path, e)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(mustCompile(f, samplePolicy()))
	f.Add(mustCompile(f, Policy{Version: 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		exercise(t, data)
		if len(data) >= sumBytes {
			exercise(t, seal(bytes.Clone(data[:len(data)-sumBytes]), 0))
		}
	})
}

// largePolicy has as many keys and accounts as said, and 10,000 endpoints.
func largePolicy(n int) Policy {
	random := rand.NewChaCha8([32]byte{1})
	p := Policy{Version: 1}
	for i := range 10_000 {
		id := strconv.Itoa(i / 4)
		p.Endpoints = append(p.Endpoints, Endpoint{uint64(i + 1), []string{"GET", "POST"}[i&1],
			[]string{"/v1/service-" + id + "/items", "/v1/service-" + id + "/items/{id}"}[i>>1&1], 1})
	}
	for i := range 10 {
		id := uint64(i + 1)
		p.Tiers = append(p.Tiers, Tier{id, "Tier " + strconv.Itoa(i), []Limit{
			{id * 10, "per-minute", 0, 100, 60, 100}, {id*10 + 1, "items", 7, 10, 1, 20}}})
	}
	for i := range n {
		p.Accounts = append(p.Accounts, Account{uint64(i + 1), uint64(i%10 + 1), false})
		k := Key{ID: uint64(i + 1), Account: uint64(i + 1)}
		random.Read(k.Digest[:])
		p.Keys = append(p.Keys, k)
	}
	return p
}

func TestLookupsAllocateNothing(t *testing.T) {
	p := largePolicy(1000)
	s := mustOpen(t, mustCompile(t, p))
	path := "/v1/service-2000/items/" + strconv.Itoa(len(p.Keys))
	if n := testing.AllocsPerRun(100, func() {
		k, found := s.FindKey(&p.Keys[7].Digest)
		e, matched := s.MatchEndpoint("HEAD", path)
		a := s.Account(k.Account)
		tier := s.Tier(a.Tier)
		set := s.Applies(a.Tier, e.ID)
		if !found || !matched || set == 0 || s.Limit(tier.FirstLimit).Name == "" {
			t.Fatal(k, e, a, tier, set)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOpenAllocatesLittle(t *testing.T) {
	b := mustCompile(t, largePolicy(1000))
	if n := testing.AllocsPerRun(10, func() { mustOpen(t, b) }); n > 20 {
		t.Errorf("%v allocations; it should not be one for each record", n)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	p := largePolicy(100_000)
	data := mustCompile(b, p)
	s := mustOpen(b, data)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			mustOpen(b, data)
		}
	})
	b.Run("find key", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i = (i + 7919) % len(p.Keys)
			if _, found := s.FindKey(&p.Keys[i].Digest); !found {
				b.Fatal(i)
			}
		}
	})
	b.Run("match endpoint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, found := s.MatchEndpoint("GET", "/v1/service-2000/items/8a7b6c5d"); !found {
				b.Fatal("not found")
			}
		}
	})
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			mustCompile(b, p)
		}
	})
}
