package wire

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

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
