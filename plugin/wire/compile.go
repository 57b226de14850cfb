package wire

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Compile turns p into a snapshot, the same for the same policy whatever the
// order of its endpoints, tiers, accounts and keys. It fails with [ErrInvalid],
// wrapped with what is wrong where, for a policy that isn't consistent or is out
// of bounds.
func Compile(p Policy) ([]byte, error) {
	c := &compiler{p: p, textAt: map[string]uint32{}}
	c.p.Endpoints = sortedBy(p.Endpoints, func(e Endpoint) uint64 { return e.ID })
	c.p.Tiers = sortedBy(p.Tiers, func(t Tier) uint64 { return t.ID })
	c.p.Accounts = sortedBy(p.Accounts, func(a Account) uint64 { return a.ID })
	c.p.Keys = slices.Clone(p.Keys)
	slices.SortFunc(c.p.Keys, func(a, b Key) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
	if what := c.p.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	for _, compile := range []func() string{c.endpoints, c.tiers, c.accounts, c.keys, c.trie} {
		if what := compile(); what != "" {
			return nil, frame.Invalid(what)
		}
	}
	return c.assemble()
}

func sortedBy[T any](list []T, id func(T) uint64) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
	return list
}

// compiler holds the sections as they grow. Its policy is sorted.
type compiler struct {
	p        Policy
	sections [sections][]byte
	textAt   map[string]uint32
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

func (c *compiler) endpoints() string {
	for _, e := range c.p.Endpoints {
		b := frame.AppendU64(c.sections[endpoints], e.ID)
		c.sections[endpoints] = frame.AppendU32(b, e.Cost, 0)
	}
	return ""
}

// indexOf finds a record of a list sorted by ID.
func indexOf[T any](list []T, id uint64, idOf func(T) uint64) (uint32, bool) {
	i, found := slices.BinarySearchFunc(list, id, func(x T, id uint64) int { return cmp.Compare(idOf(x), id) })
	return uint32(i), found
}

func (c *compiler) tiers() string {
	first := 0
	for _, t := range c.p.Tiers {
		at, length := c.text(t.Name)
		b := frame.AppendU64(c.sections[tiers], t.ID)
		c.sections[tiers] = frame.AppendU32(b, at, length, uint32(first), uint32(len(t.Limits)))
		first += len(t.Limits)
		for _, l := range t.Limits {
			endpoint := uint32(none)
			if l.Endpoint != 0 {
				var found bool
				if endpoint, found = indexOf(c.p.Endpoints, l.Endpoint, func(e Endpoint) uint64 { return e.ID }); !found {
					return named("tier", t.ID) + ": " + named("limit", l.ID) + ": there is no " + named("endpoint", l.Endpoint)
				}
			}
			at, length := c.text(l.Name)
			b := frame.AppendU64(c.sections[limits], l.ID, l.Amount, l.Burst)
			c.sections[limits] = frame.AppendU32(b, l.PeriodSeconds, endpoint, at, length)
		}
	}
	return ""
}

func (c *compiler) accounts() string {
	for _, a := range c.p.Accounts {
		tier, found := indexOf(c.p.Tiers, a.Tier, func(t Tier) uint64 { return t.ID })
		if !found {
			return named("account", a.ID) + ": there is no " + named("tier", a.Tier)
		}
		flags := uint32(0)
		if a.Suspended {
			flags |= flagSuspended
		}
		b := frame.AppendU64(c.sections[accounts], a.ID)
		c.sections[accounts] = frame.AppendU32(b, tier, flags)
	}
	return ""
}

func (c *compiler) keys() string {
	for _, k := range c.p.Keys {
		account, found := indexOf(c.p.Accounts, k.Account, func(a Account) uint64 { return a.ID })
		if !found {
			return named("key", k.ID) + ": there is no " + named("account", k.Account)
		}
		b := append(c.sections[keys], k.Digest[:]...)
		b = frame.AppendU64(b, k.ID)
		c.sections[keys] = frame.AppendU32(b, account, 0)
	}
	return ""
}

func (c *compiler) assemble() ([]byte, error) {
	size := headerBytes + frame.SumBytes
	for i := range c.sections {
		size += len(c.sections[i])
	}
	b := append(make([]byte, 0, size), magicSnapshot...)
	b = frame.AppendU32(b, 0)
	b = frame.AppendU64(b, c.p.Version)
	for i, s := range c.sections {
		count := len(s) / recordBytes[i]
		if uint64(count) > recordMaxima[i] {
			return nil, frame.Invalid("the policy is too large: section " + strconv.Itoa(i) + " has " + strconv.Itoa(count) + " records")
		}
		b = frame.AppendU32(b, uint32(count))
	}
	b = append(b, make([]byte, headerBytes-len(b))...)
	for _, s := range c.sections {
		b = append(b, s...)
	}
	return frame.Seal(b, 0), nil
}
