package book

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSegmentsAreGolden(t *testing.T) {
	s := mustCompile(t, samplePolicy(), nil)
	golden(t, "core.bin", s.Segments[0])
	golden(t, "shard.bin", s.Segments[1])
	golden(t, "empty-core.bin", mustCompile(t, Policy{Version: 1}, nil).Segments[0])
}

func TestCoreSaysWhatThePolicySays(t *testing.T) {
	p := samplePolicy()
	c := coreOf(t, p)
	if c.Plans() != len(p.Plans) {
		t.Errorf("%d plans", c.Plans())
	}
	for _, want := range p.Plans {
		got, found := c.FindPlan(want.ID)
		if !found || got.Tier != want.Tier || got.Name != want.Name || got.Limits != len(want.Limits) {
			t.Errorf("plan %d: got %+v, %v", want.ID, got, found)
		}
		var limits []Limit
		for n := range got.Limits {
			limits = append(limits, c.Limit(got.FirstLimit+n))
		}
		slices.SortFunc(want.Limits, func(a, b Limit) int { return int(a.ID) - int(b.ID) })
		if diff := cmp.Diff(want.Limits, limits); diff != "" {
			t.Errorf("limits of plan %d: %s", want.ID, diff)
		}
	}
	for _, tier := range []Plan{p.Plans[0], p.Plans[1], p.Plans[2]} {
		if got, found := c.FindPlanByName(tier.Name); !found || got.ID != tier.ID {
			t.Errorf("plan named %s: got %+v, %v", tier.Name, got, found)
		}
	}
	if got, found := c.FindPlanByName("Enterprise"); found {
		t.Errorf("a name that no tier has gives %+v", got)
	}
	if got, found := c.Anonymous(); !found || got.ID != 9 {
		t.Errorf("anonymous: got %+v, %v", got, found)
	}
	for i := range 2 {
		if got, want := c.Meter(i), p.Meters[1-i]; c.Meters() != 2 || got != want {
			t.Errorf("meter %d of %d: got %+v, want %+v", i, c.Meters(), got, want)
		}
	}
	for _, g := range p.Groups {
		if name, found := c.GroupName(g.ID); !found || name != g.Name {
			t.Errorf("group %d: got %q, %v", g.ID, name, found)
		}
	}
	if e, found := c.MatchEndpoint("POST", "/v1/users"); !found || e != (EndpointRef{2, 61, 5}) {
		t.Errorf("endpoint: got %+v, %v", e, found)
	}
}

func TestWhatIsNotThereIsZero(t *testing.T) {
	c := coreOf(t, Policy{Version: 1})
	if p, found := c.Anonymous(); found {
		t.Errorf("anonymous: got %+v", p)
	}
	c = coreOf(t, samplePolicy())
	for _, i := range []int{-1, c.Plans(), 1 << 40} {
		if p := c.Plan(i); p != (PlanRef{}) {
			t.Errorf("plan %d: got %+v", i, p)
		}
		if l := c.Limit(i + 5); i > 0 && l != (Limit{}) {
			t.Errorf("limit %d: got %+v", i+5, l)
		}
	}
	for _, id := range []uint64{0, 1, 10, 1<<64 - 1} {
		if p, found := c.FindPlan(id); found || p != (PlanRef{}) {
			t.Errorf("plan with id %d: got %+v, %v", id, p, found)
		}
		if name, found := c.GroupName(id); found || name != "" {
			t.Errorf("group with id %d: got %q, %v", id, name, found)
		}
	}
}

func TestAppliesToWhatTheLimitSelects(t *testing.T) {
	limit := func(id uint64, s Selector, target uint64) Limit {
		l := rateLimit(id, "n"+strings.Repeat("x", int(id)), 5)
		l.Selector, l.Target = s, target
		return l
	}
	p := samplePolicy()
	p.Plans[1].Limits = []Limit{limit(1, All, 0), limit(2, OneEndpoint, 2), limit(3, OneGroup, 60), limit(4, Reads, 0), limit(5, Writes, 0)}
	c := coreOf(t, p)
	plan, _ := c.FindPlan(7)
	tests := map[string]struct {
		endpoint EndpointRef
		method   string
		want     uint64
	}{
		"no endpoint, a read":        {EndpointRef{}, "GET", 0b01001},
		"no endpoint, a write":       {EndpointRef{}, "POST", 0b10001},
		"its endpoint":               {EndpointRef{ID: 2, Group: 61}, "POST", 0b10011},
		"its group":                  {EndpointRef{ID: 1, Group: 60}, "HEAD", 0b01101},
		"another group":              {EndpointRef{ID: 9, Group: 61}, "OPTIONS", 0b01001},
		"a method nobody knows":      {EndpointRef{ID: 9}, "BREW", 0b10001},
		"a method in lower case":     {EndpointRef{ID: 9}, "get", 0b10001},
		"no method writes as others": {EndpointRef{ID: 9}, "", 0b10001},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.Applies(plan, tt.endpoint, tt.method); got != tt.want {
				t.Errorf("got %05b, want %05b", got, tt.want)
			}
		})
	}
}

func TestOrderOfThePolicyDoesNotMatter(t *testing.T) {
	p := samplePolicy()
	want := mustCompile(t, p, nil)
	slices.Reverse(p.Groups)
	slices.Reverse(p.Endpoints)
	slices.Reverse(p.Meters)
	slices.Reverse(p.Plans)
	slices.Reverse(p.Keys)
	for i := range p.Plans {
		slices.Reverse(p.Plans[i].Limits)
	}
	given := slices.Clone(p.Keys)
	if list := differing(want, mustCompile(t, p, nil)); len(list) > 0 {
		t.Errorf("the same policy in another order gives other segments %v", list)
	}
	if !slices.Equal(given, p.Keys) {
		t.Error("Compile sorted the caller's list")
	}
}

func TestAnEditTouchesItsSegmentsOnly(t *testing.T) {
	p := largePolicy(20_000, 100)
	before := mustCompile(t, p, nil)
	shardOf := func(i int) int { return SegmentOf(&p.Keys[i].Digest, before.Bits) }
	tests := map[string]struct {
		edit func(p *Policy)
		want []int
	}{
		"the version":     {func(*Policy) {}, nil},
		"a key suspended": {func(p *Policy) { p.Keys[77].Suspended = true }, []int{shardOf(77)}},
		"a key removed":   {func(p *Policy) { p.Keys = p.Keys[1:] }, []int{shardOf(0)}},
		"a tier":          {func(p *Policy) { p.Plans[3].Limits[0].Amount++ }, []int{0}},
		"an endpoint":     {func(p *Policy) { p.Endpoints = p.Endpoints[1:] }, []int{0}},
		"an override": {func(p *Policy) {
			p.Plans = append(p.Plans, Plan{1 << 50, 1, "Tier 0", []Limit{rateLimit(10, "per-minute", 7)}})
			p.Keys[5].Plan = 1 << 50
		}, []int{0, shardOf(5)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			edited := p
			edited.Version++
			edited.Keys, edited.Plans = slices.Clone(p.Keys), slices.Clone(p.Plans)
			for i := range edited.Plans {
				edited.Plans[i].Limits = slices.Clone(p.Plans[i].Limits)
			}
			tt.edit(&edited)
			after := mustCompile(t, edited, before)
			if got := differing(before, after); !slices.Equal(got, tt.want) {
				t.Errorf("segments %v differ, want %v", got, tt.want)
			}
			for i := range after.Segments {
				if !slices.Contains(tt.want, i) && &after.Segments[i][0] != &before.Segments[i][0] {
					t.Fatalf("segment %d has bytes of its own", i)
				}
			}
		})
	}
}

func TestNumberOfShards(t *testing.T) {
	for n, want := range map[int]uint8{
		0: 0, 1: 0, 1024: 0, 1025: 1, 2048: 1, 2049: 2, 65_536: 6, 65_537: 7, 100_000: 7, 131_072: 7, MaxKeys: MaxBits,
	} {
		if got := bitsFor(n); got != want {
			t.Errorf("%d keys: 2^%d shards, want 2^%d", n, got, want)
		}
	}
	if _, err := OpenShard(compileShard(nil, MaxBits, 1<<MaxBits-1)); err != nil {
		t.Error(err)
	}
}

func TestTooManyKeysInOneShard(t *testing.T) {
	p := Policy{Version: 1, Plans: []Plan{{1, 1, "t", nil}}}
	for i := range MaxShardKeys + 1 {
		k := Key{ID: uint64(i + 1), Account: 1, Plan: 1, Kind: APIKey}
		k.Digest[30], k.Digest[29], k.Digest[28] = byte(i), byte(i>>8), byte(i>>16)
		p.Keys = append(p.Keys, k)
	}
	if _, err := Compile(p, nil); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "begin with the same bits") {
		t.Errorf("got %v", err)
	}
}

func TestCoreTooLarge(t *testing.T) {
	p := Policy{Version: 1}
	long := strings.Repeat("n", MaxLimitNameBytes-8)
	for i := range uint64(MaxPlans) {
		plan := Plan{ID: i + 1, Tier: MaxPlans + 1, Name: strings.Repeat(long, 4) + strconv.FormatUint(1e7+i, 10)}
		for n := range uint64(3) {
			plan.Limits = append(plan.Limits, rateLimit(n+1, long+strconv.FormatUint(1e7+3*i+n, 10), 1))
		}
		p.Plans = append(p.Plans, plan)
	}
	if _, err := Compile(p, nil); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "the policy is too large") {
		t.Errorf("got %v", err)
	}
}

func TestDigestsOfDifferentKindsDiffer(t *testing.T) {
	if SecretDigest("a") == SubjectDigest("a") || SubjectDigest("a") == CertificateDigest("a") {
		t.Error("they don't")
	}
	if IssuedSubjectDigest("a", "b") == SubjectDigest("b") || IssuedSubjectDigest("a", "b") == IssuedSubjectDigest("b", "a") ||
		SecretDigest("jwt-issued\x00a\x00b") != IssuedSubjectDigest("a", "b") {
		t.Error("an issuer's subject passes for another")
	}
	if SecretDigest("jwt\x00a") != SubjectDigest("a") || SecretDigest("cert\x00a") != CertificateDigest("a") {
		t.Error("they aren't what their comments say")
	}
}
