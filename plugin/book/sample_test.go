package book

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: the format changed; raise its number, then run go test -update", path)
	}
}

func digest(b byte) (d [32]byte) {
	for i := range d {
		d[i] = b
	}
	return d
}

// rateLimit counts requests of an account.
func rateLimit(id uint64, name string, amount uint64) Limit {
	return Limit{ID: id, Name: name, Amount: amount, Burst: amount, PeriodSeconds: 60}
}

func samplePolicy() Policy {
	minute := rateLimit(11, "per-minute", 100)
	return Policy{
		Version:   42,
		Anonymous: 9,
		Groups:    []Group{{61, "Writing"}, {60, "Reading – alles"}},
		Endpoints: []Endpoint{
			{1, "GET", "/v1/users/{id}", 1, 60},
			{2, "POST", "/v1/users", 5, 61},
			{3, "*", "/v1/users/me", 2, 0},
			{4, "GET", "/", 1, 0},
		},
		Plans: []Plan{
			{8, 8, "Professional", []Limit{
				{ID: 24, Name: "month", Kind: Quota, Amount: 1e6, QuotaPeriod: Month, Mode: Soft, GracePercent: 10, GraceSeconds: 3600},
				{ID: 21, Name: "per-minute", Amount: 1000, Burst: 1200, PeriodSeconds: 60, FailOpen: true, Refund: true,
					Adaptive: Adaptive{ErrorPercent: 20, SlowMS: 900, SlowPercent: 50, FloorPercent: 10}},
				{ID: 22, Name: "bytes", Subject: PerKey, Kind: Window, Measure: Bytes, Amount: 1e9, PeriodSeconds: 3600, Selector: Reads},
				{ID: 23, Name: "cost", Measure: Cost, Mode: Shadow, Amount: 50, Burst: 60, PeriodSeconds: 1, Selector: OneGroup, Target: 61},
			}},
			{7, 7, "Basic", []Limit{
				minute,
				{ID: 12, Name: "sign-up", Selector: OneEndpoint, Target: 2, Kind: Window, Amount: 5, PeriodSeconds: 3600},
				{ID: 13, Name: "write", Selector: Writes, Amount: 5, Burst: 1, PeriodSeconds: 1},
			}},
			{9, 9, "Anonymous", []Limit{{ID: 31, Name: "address", Subject: PerAddress, Amount: 5, Burst: 5, PeriodSeconds: 1}}},
			{1 << 40, 7, "Basic", []Limit{minute}},
		},
		Meters: []Meter{{6, "x-rows", 2, true}, {5, "x-tokens", 0, false}},
		Scopes: []Scope{{3, true, nil, []uint64{61}}, {2, false, []uint64{4, 1}, []uint64{60}}},
		Keys: []Key{
			{ID: 1001, Account: 100, Plan: 8, Digest: digest(9), Kind: APIKey, ExpiresAt: 1_900_000_000_250, Epoch: 3, AccountSuspended: true},
			{ID: 1002, Account: 101, Plan: 7, Digest: digest(3), Kind: JWTSubject},
			{ID: 1003, Account: 101, Plan: 7, Digest: digest(200), Kind: Certificate, Suspended: true},
			{ID: 1004, Account: 102, Plan: 1 << 40, Digest: digest(201), Kind: APIKey, Sandbox: true, Scope: 3},
		},
	}
}

func mustCompile(t testing.TB, p Policy, previous *Set) *Set {
	t.Helper()
	s, err := Compile(p, previous)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustOpenCore(t testing.TB, b []byte) *Core {
	t.Helper()
	c, err := OpenCore(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustOpenShard(t testing.TB, b []byte) *Shard {
	t.Helper()
	s, err := OpenShard(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// coreOf opens the core of a policy.
func coreOf(t testing.TB, p Policy) *Core {
	t.Helper()
	return mustOpenCore(t, mustCompile(t, p, nil).Segments[0])
}

// find looks a digest up as the filter does.
func find(t testing.TB, s *Set, digest *[32]byte) (KeyRef, bool) {
	t.Helper()
	shard := mustOpenShard(t, s.Segments[SegmentOf(digest, s.Bits)])
	if !shard.Covers(digest) {
		t.Fatalf("the shard of digest %x doesn't cover it", *digest)
	}
	return shard.Find(digest)
}

// differing returns the indexes of the segments that differ.
func differing(a, b *Set) (list []int) {
	for i := range max(len(a.Segments), len(b.Segments)) {
		if i >= len(a.Segments) || i >= len(b.Segments) || !bytes.Equal(a.Segments[i], b.Segments[i]) {
			list = append(list, i)
		}
	}
	return list
}
