package book

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// largePolicy has as many keys as said, of an account each, and endpoints.
func largePolicy(keys, endpoints int) Policy {
	random := rand.NewChaCha8([32]byte{1})
	p := Policy{Version: 1, Groups: []Group{{1, "first"}}}
	for i := range endpoints {
		id := strconv.Itoa(i / 4)
		p.Endpoints = append(p.Endpoints, Endpoint{uint64(i + 1), []string{"GET", "POST"}[i&1],
			[]string{"/v1/service-" + id + "/items", "/v1/service-" + id + "/items/{id}"}[i>>1&1], 1, uint64(i & 1)})
	}
	for i := range 10 {
		id := uint64(i + 1)
		p.Plans = append(p.Plans, Plan{id, id, "Tier " + strconv.Itoa(i), []Limit{
			rateLimit(id*10, "per-minute", 100),
			{ID: id*10 + 1, Name: "per-day", Kind: Window, Amount: 10_000, PeriodSeconds: 86_400},
			{ID: id*10 + 2, Name: "writes", Amount: 10, PeriodSeconds: 1, Burst: 20, Selector: Writes},
		}})
	}
	for i := range keys {
		k := Key{ID: uint64(i + 1), Account: uint64(i + 1), Plan: uint64(i%10 + 1), Kind: APIKey}
		random.Read(k.Digest[:])
		p.Keys = append(p.Keys, k)
	}
	return p
}

func TestLookupsAllocateNothing(t *testing.T) {
	p := largePolicy(1000, 10_000)
	s := mustCompile(t, p, nil)
	c, shard := mustOpenCore(t, s.Segments[0]), mustOpenShard(t, s.Segments[1])
	path := "/v1/service-2000/items/" + strconv.Itoa(len(p.Keys))
	if n := testing.AllocsPerRun(100, func() {
		k, found := shard.Find(&p.Keys[7].Digest)
		e, matched := c.MatchEndpoint("HEAD", path)
		plan, planned := c.FindPlan(k.Plan)
		named, _ := c.FindPlanByName(plan.Name)
		set := c.Applies(named, e, "HEAD")
		name, _ := c.GroupName(1)
		if !found || !matched || !planned || set != 0b011 || c.Limit(plan.FirstLimit).Name == "" || name == "" {
			t.Fatal(k, e, plan, set)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What a worker does for a segment may not grow with the segment.
func TestOpeningAllocatesTheSameWhateverTheSize(t *testing.T) {
	s := mustCompile(t, largePolicy(1000, 10_000), nil)
	for name, open := range map[string]func() error{
		"OpenCore":   func() error { _, err := OpenCore(s.Segments[0]); return err },
		"TrustCore":  func() error { _, err := TrustCore(s.Segments[0]); return err },
		"OpenShard":  func() error { _, err := OpenShard(s.Segments[1]); return err },
		"TrustShard": func() error { _, err := TrustShard(s.Segments[1]); return err },
	} {
		if n := testing.AllocsPerRun(10, func() {
			if err := open(); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestSizesOfAHundredThousandKeys(t *testing.T) {
	s := mustCompile(t, largePolicy(100_000, 10_000), nil)
	largest, all := 0, len(s.Segments[0])
	for _, b := range s.Segments[1:] {
		largest, all = max(largest, len(b)), all+len(b)
	}
	t.Logf("core %d bytes; %d shards, the largest %d bytes; %d bytes in all", len(s.Segments[0]), len(s.Segments)-1, largest, all)
	if len(s.Segments) != 1+128 || largest > 1000*keyBytes || len(s.Segments[0]) > 2<<20 {
		t.Errorf("%d segments, core %d bytes, largest shard %d bytes", len(s.Segments), len(s.Segments[0]), largest)
	}
}

func BenchmarkBook(b *testing.B) {
	p := largePolicy(100_000, 10_000)
	s := mustCompile(b, p, nil)
	c, shards := mustOpenCore(b, s.Segments[0]), make([]*Shard, 1<<s.Bits)
	for i := range shards {
		shards[i] = mustOpenShard(b, s.Segments[1+i])
	}
	bench := func(name string, f func() bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f() {
					b.Fatal(name)
				}
			}
		})
	}
	bench("open core", func() bool { _, err := OpenCore(s.Segments[0]); return err == nil })
	bench("trust core", func() bool { _, err := TrustCore(s.Segments[0]); return err == nil })
	bench("open shard", func() bool { _, err := OpenShard(s.Segments[1]); return err == nil })
	bench("trust shard", func() bool { _, err := TrustShard(s.Segments[1]); return err == nil })
	i := 0
	first := shards[0]
	bench("find key in one shard", func() bool {
		i = (i + 7919) % first.Keys()
		d := (*[32]byte)(first.keys[i*keyBytes:])
		_, found := first.Find(d)
		return found
	})
	bench("find key in all", func() bool {
		i = (i + 7919) % len(p.Keys)
		d := &p.Keys[i].Digest
		_, found := shards[SegmentOf(d, s.Bits)-1].Find(d)
		return found
	})
	bench("match endpoint", func() bool {
		_, found := c.MatchEndpoint("GET", "/v1/service-2000/items/8a7b6c5d")
		return found
	})
	plan, _ := c.FindPlan(3)
	bench("find plan", func() bool { _, found := c.FindPlan(3); return found })
	bench("applies", func() bool { return c.Applies(plan, EndpointRef{}, "POST") == 0b111 })
	bench("limit", func() bool { return c.Limit(plan.FirstLimit).ID != 0 })
	benchUpdates(b, s, bench)
	p.Version++
	bench("compile again", func() bool { _, err := Compile(p, s); return err == nil })
}

func benchUpdates(b *testing.B, s *Set, bench func(string, func() bool)) {
	full, err := EncodeUpdate(nil, s.Update())
	if err != nil {
		b.Fatal(err)
	}
	u, err := DecodeUpdate(full)
	if err != nil {
		b.Fatal(err)
	}
	m, _, err := new(Manifest).Apply(u)
	if err != nil {
		b.Fatal(err)
	}
	manifest, err := EncodeManifest(nil, m)
	if err != nil {
		b.Fatal(err)
	}
	bench("decode full update", func() bool { _, err := DecodeUpdate(full); return err == nil })
	bench("apply full update", func() bool { _, _, err := m.Apply(u); return err == nil })
	bench("decode manifest", func() bool { _, err := DecodeManifest(manifest); return err == nil })
}
