package book

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// publisher is one of several that read the same policy.
type publisher struct {
	set     *Set
	changes Changes
}

// A filter that follows whichever publisher answers ends up with exactly the
// segments of the version that it was told last.
func TestFilterFollowsAnyPublisher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := samplePolicy()
		p.Version = 0
		publishers := []*publisher{{}, {}}
		held := map[int][]byte{}
		m := new(Manifest)
		for range rapid.IntRange(1, 12).Draw(t, "edits") {
			edit(t, &p)
			for _, pub := range publishers {
				// A publisher may skip versions, when edits follow fast.
				if pub.set != nil && rapid.IntRange(0, 2).Draw(t, "skips") == 0 {
					continue
				}
				pub.set = mustCompile(&testing.T{}, p, pub.set)
				pub.changes.Add(pub.set)
			}
			pub := rapid.SampledFrom(publishers).Draw(t, "asked")
			if pub.set.Version <= m.Version {
				continue // holds the poll
			}
			u, ok := pub.changes.Since(m.Version)
			if !ok {
				u = pub.set.Update()
			}
			u, err := DecodeUpdate(mustEncode(&testing.T{}, u))
			if err != nil {
				t.Fatal(err)
			}
			next, changed, err := m.Apply(u)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range changed {
				held[s.Index] = s.Bytes
			}
			m = next
			if m.Version != pub.set.Version || m.Bits != pub.set.Bits {
				t.Fatalf("version %d, 2^%d shards; want %d, 2^%d", m.Version, m.Bits, pub.set.Version, pub.set.Bits)
			}
			for i, want := range pub.set.Segments {
				if !bytes.Equal(held[i], want) {
					t.Fatalf("version %d: segment %d differs", m.Version, i)
				}
			}
		}
	})
}

// edit changes the policy, sometimes to what it was, and now and then so much
// that the number of shards changes.
func edit(t *rapid.T, p *Policy) {
	p.Version += rapid.Uint64Range(1, 3).Draw(t, "step")
	p.Keys, p.Plans = slices.Clone(p.Keys), slices.Clone(p.Plans)
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0, 1:
		k := rapid.IntRange(0, min(len(p.Keys), 4)-1).Draw(t, "key")
		p.Keys[k].Suspended = !p.Keys[k].Suspended
	case 2:
		p.Plans[2].Limits = []Limit{rateLimit(31, "address", rapid.Uint64Range(1, 2).Draw(t, "amount"))}
	case 3:
		p.Keys = p.Keys[:4]
	case 4:
		more := largePolicy(rapid.SampledFrom([]int{10, 1100, 2100}).Draw(t, "keys"), 0).Keys
		for i := range more {
			more[i].ID, more[i].Account, more[i].Plan = uint64(10_000+i), uint64(10_000+i), 7
		}
		p.Keys = append(p.Keys[:4:4], more...)
	}
}

func TestChanges(t *testing.T) {
	p := samplePolicy()
	at := func(version uint64, suspended bool) *Set {
		p.Version = version
		p.Keys[0].Suspended = suspended
		return mustCompile(t, p, nil)
	}
	indexes := func(u Update) (list []int) {
		for _, s := range u.Segments {
			list = append(list, s.Index)
		}
		return list
	}
	var c Changes
	if _, ok := c.Since(0); ok {
		t.Error("an empty history knows version 0")
	}
	c.Add(at(5, false))
	c.Add(at(7, true))
	c.Add(at(9, false))
	t.Run("what changed and changed back is sent", func(t *testing.T) {
		u, ok := c.Since(5)
		if !ok || u.Base != 5 || u.Version != 9 || !slices.Equal(indexes(u), []int{1}) {
			t.Errorf("got %v, segments %v, %v", u.Base, indexes(u), ok)
		}
	})
	t.Run("versions of others, later ones and the latest aren't known", func(t *testing.T) {
		for _, version := range []uint64{0, 4, 6, 8, 9, 10} {
			if u, ok := c.Since(version); ok {
				t.Errorf("version %d: got %v", version, indexes(u))
			}
		}
	})
	t.Run("the same set again changes nothing", func(t *testing.T) {
		c.Add(at(9, false))
		if _, ok := c.Since(7); !ok {
			t.Error("the history is gone")
		}
	})
	t.Run("a version that says something else begins anew", func(t *testing.T) {
		again := c
		again.Add(at(9, true))
		if _, ok := again.Since(7); ok || again.Latest().Version != 9 {
			t.Error("the history is still there")
		}
	})
	t.Run("the history is bounded", func(t *testing.T) {
		s := *at(9, false)
		for i := range uint64(MaxHistory) {
			next := s
			next.Version = 10 + i
			c.Add(&next)
		}
		if _, ok := c.Since(9); ok || len(c.versions) != MaxHistory {
			t.Errorf("%d versions are remembered", len(c.versions))
		}
		u, ok := c.Since(10)
		if !ok || len(u.Segments) != 0 {
			t.Errorf("the oldest one: got %v, %v", indexes(u), ok)
		}
	})
}
