package book

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Set is a compiled policy. Segment 0 is the core, segments 1 to 2^Bits are the
// shards of the keys, by the first Bits bits of the digest; see [SegmentOf].
// Its segments are never written.
type Set struct {
	Version  uint64
	Bits     uint8 // at most MaxBits
	Segments [][]byte
}

// Compile turns p into segments, the same for the same policy whatever the order
// of its lists. Segments that equal those of previous, the set compiled before or
// nil, share their bytes. It fails with [ErrInvalid], wrapped with what is wrong
// where, for a policy that isn't consistent or is out of bounds.
func Compile(p Policy, previous *Set) (*Set, error) {
	c := &compiler{p: p, textAt: map[string]uint32{}, limitAt: map[string]uint32{}}
	c.sort()
	if what := c.p.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	core, err := c.core()
	if err != nil {
		return nil, err
	}
	set := &Set{Version: p.Version, Bits: bitsFor(len(p.Keys)), Segments: [][]byte{core}}
	rest := c.p.Keys
	for i := range 1 << set.Bits {
		n := 0
		for n < len(rest) && SegmentOf(&rest[n].Digest, set.Bits) == i+1 {
			n++
		}
		if n > MaxShardKeys {
			return nil, frame.Invalid("keys: " + strconv.Itoa(n) + " digests begin with the same bits, the most is " + strconv.Itoa(MaxShardKeys))
		}
		set.Segments = append(set.Segments, compileShard(rest[:n], set.Bits, i))
		rest = rest[n:]
	}
	set.share(previous)
	return set, nil
}

// share replaces segments by those of previous that are equal.
func (s *Set) share(previous *Set) {
	if previous == nil {
		return
	}
	for i := range min(len(s.Segments), len(previous.Segments)) {
		if bytes.Equal(s.Segments[i], previous.Segments[i]) {
			s.Segments[i] = previous.Segments[i]
		}
	}
}

// compiler holds the core's sections as they grow. Its policy is sorted.
type compiler struct {
	p        Policy
	sections [sections][]byte
	textAt   map[string]uint32
	limitAt  map[string]uint32 // index by record
}

func sortedBy[T any](list []T, id func(T) uint64) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
	return list
}

// sort puts copies of the lists into the order of the core and the shards.
func (c *compiler) sort() {
	c.p.Groups = sortedBy(c.p.Groups, func(g Group) uint64 { return g.ID })
	c.p.Endpoints = sortedBy(c.p.Endpoints, func(e Endpoint) uint64 { return e.ID })
	c.p.Plans = sortedBy(c.p.Plans, func(p Plan) uint64 { return p.ID })
	for i := range c.p.Plans {
		c.p.Plans[i].Limits = sortedBy(c.p.Plans[i].Limits, func(l Limit) uint64 { return l.ID })
	}
	c.p.Meters = sortedBy(c.p.Meters, func(m Meter) uint64 { return m.ID })
	c.p.Scopes = sortedBy(c.p.Scopes, func(s Scope) uint64 { return uint64(s.ID) })
	c.p.Keys = slices.Clone(c.p.Keys)
	slices.SortFunc(c.p.Keys, func(a, b Key) int {
		return cmp.Or(bytes.Compare(a.Digest[:], b.Digest[:]), cmp.Compare(a.ID, b.ID))
	})
}

// text returns offset and length of s in the texts, each text being there once.
func (c *compiler) text(s string) (at, length uint32) {
	at, found := c.textAt[s]
	if !found {
		at = uint32(len(c.sections[texts]))
		c.sections[texts] = append(c.sections[texts], s...)
		c.textAt[s] = at
	}
	return at, uint32(len(s))
}

func (c *compiler) core() ([]byte, error) {
	for _, g := range c.p.Groups {
		at, length := c.text(g.Name)
		c.sections[groups] = frame.AppendU32(frame.AppendU64(c.sections[groups], g.ID), at, length)
	}
	for _, e := range c.p.Endpoints {
		c.sections[endpoints] = frame.AppendU32(frame.AppendU64(c.sections[endpoints], e.ID, e.Group), e.Cost, 0)
	}
	c.plans()
	c.names()
	c.meters()
	c.scopes()
	if what := c.trie(); what != "" {
		return nil, frame.Invalid(what)
	}
	return c.assemble()
}

func (c *compiler) plans() {
	first := 0
	for _, p := range c.p.Plans {
		at, length := c.text(p.Name)
		b := frame.AppendU64(c.sections[plans], p.ID, p.Tier)
		c.sections[plans] = frame.AppendU32(b, at, length, uint32(first), uint32(len(p.Limits)))
		first += len(p.Limits)
		for i := range p.Limits {
			c.sections[refs] = frame.AppendU32(c.sections[refs], c.limit(&p.Limits[i]))
		}
	}
}

// limit returns the index of l's record, each record being there once.
func (c *compiler) limit(l *Limit) uint32 {
	at, length := c.text(l.Name)
	record := string(appendLimit(nil, l, at, length))
	i, found := c.limitAt[record]
	if !found {
		i = uint32(len(c.limitAt))
		c.limitAt[record] = i
		c.sections[limits] = append(c.sections[limits], record...)
	}
	return i
}

func (c *compiler) names() {
	var tiers []uint32
	for i, p := range c.p.Plans {
		if p.ID == p.Tier {
			tiers = append(tiers, uint32(i))
		}
	}
	slices.SortFunc(tiers, func(a, b uint32) int { return strings.Compare(c.p.Plans[a].Name, c.p.Plans[b].Name) })
	c.sections[names] = frame.AppendU32(nil, tiers...)
}

func (c *compiler) assemble() ([]byte, error) {
	size := headerBytes + frame.SumBytes
	for i := range c.sections {
		size += len(c.sections[i])
	}
	if size > MaxCoreBytes {
		return nil, frame.Invalid("the policy is too large: endpoints and plans take " + strconv.Itoa(size) +
			" bytes, the most is " + strconv.Itoa(MaxCoreBytes) + "; use fewer endpoints or overrides")
	}
	b := append(make([]byte, 0, size), magicCore...)
	b = frame.AppendU64(frame.AppendU32(b, 0), c.p.Anonymous)
	for i, s := range c.sections {
		b = frame.AppendU32(b, uint32(len(s)/recordBytes[i]))
	}
	for _, s := range c.sections {
		b = append(b, s...)
	}
	return frame.Seal(b, 0), nil
}
