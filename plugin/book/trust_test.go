package book

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// exerciseCore calls every method of a core on everything and beyond. It
// returns how many limits it saw.
func exerciseCore(c *Core) (seen int) {
	digits := strings.Repeat("9", 300)
	for _, method := range []string{"GET", "HEAD", "POST", "*", ""} {
		for _, path := range []string{"/", "", "/v1/users", "/v1/users/me", "/v1/users/1", "/v1/users/1/2", "/" + digits + digits, strings.Repeat("/a", 40)} {
			e, _ := c.MatchEndpoint(method, path)
			for _, i := range []int{-1, 0, 1, 2, 3, 4, c.Plans(), 1 << 40} {
				p := c.Plan(i)
				c.Applies(p, e, method)
				c.FindPlanByName(p.Name)
				c.FindPlan(p.ID)
				for n := range p.Limits {
					if l := c.Limit(p.FirstLimit + n); l.ID != 0 {
						seen++
					}
				}
			}
		}
	}
	c.Anonymous()
	for _, i := range []int{-1, 0, 1, c.Meters(), 1 << 40} {
		c.Meter(i)
	}
	for id := range uint64(70) {
		c.GroupName(id)
	}
	return seen
}

func exerciseShard(s *Shard) {
	for b := range 256 {
		d := digest(byte(b))
		s.Find(&d)
		s.Covers(&d)
	}
	for at := 0; at+32 <= len(s.keys); at += keyBytes {
		s.Find((*[32]byte)(s.keys[at:]))
	}
	s.Bits()
	s.Keys()
}

// checkOpened checks what an opened core promises beyond not panicking.
func checkOpened(t *testing.T, c *Core) {
	t.Helper()
	for i := range c.Plans() {
		p := c.Plan(i)
		if got, found := c.FindPlan(p.ID); !found || got != p {
			t.Fatalf("plan %d: got %+v, %v", i, got, found)
		}
		if got, found := c.FindPlanByName(p.Name); p.ID == p.Tier && (!found || got != p) {
			t.Fatalf("plan %d by name: got %+v, %v", i, got, found)
		}
		for n := range p.Limits {
			l := c.Limit(p.FirstLimit + n)
			if what := l.fault(); what != "" {
				t.Fatalf("plan %d: limit %d: %s", i, n, what)
			}
		}
	}
}

// exercise opens b in every way. It fails for a panic, for an error that isn't
// ErrMalformed and for a segment that is opened and yet not sound.
func exercise(t *testing.T, b []byte) {
	t.Helper()
	core, err := OpenCore(b)
	if err == nil {
		checkOpened(t, core)
	} else if !errors.Is(err, ErrMalformed) || core != nil {
		t.Fatalf("got %v, %v", core, err)
	}
	shard, err := OpenShard(b)
	if err == nil {
		for at := 0; at < len(shard.keys); at += keyBytes {
			d := (*[32]byte)(shard.keys[at:])
			if k, found := shard.Find(d); !found || !shard.Covers(d) || k.ID == 0 || k.Plan == 0 {
				t.Fatalf("key at %d: %+v, %v", at, k, found)
			}
		}
	} else if !errors.Is(err, ErrMalformed) || shard != nil {
		t.Fatalf("got %v, %v", shard, err)
	}
	if core, err := TrustCore(b); err == nil {
		exerciseCore(core)
	}
	if shard, err := TrustShard(b); err == nil {
		exerciseShard(shard)
	}
}

func TestDamagedSegmentIsRefused(t *testing.T) {
	s := mustCompile(t, samplePolicy(), nil)
	openCore := func(b []byte) error { _, err := OpenCore(b); return err }
	openShard := func(b []byte) error { _, err := OpenShard(b); return err }
	for i, open := range []func([]byte) error{openCore, openShard} {
		data := s.Segments[i]
		if err := open(data); err != nil {
			t.Fatal(err)
		}
		for bit := range len(data) * 8 {
			damaged := bytes.Clone(data)
			damaged[bit/8] ^= 1 << (bit % 8)
			if err := open(damaged); !errors.Is(err, ErrMalformed) {
				t.Fatalf("segment %d, bit %d: got %v", i, bit, err)
			}
		}
		for n := range data {
			if err := open(data[:n]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("segment %d, %d bytes: got %v", i, n, err)
			}
			if n < frame.MagicBytes || n >= len(data)-frame.SumBytes {
				continue
			}
			if err := open(frame.Seal(bytes.Clone(data[:n]), 0)); !errors.Is(err, ErrMalformed) {
				t.Fatalf("segment %d, %d bytes and a new checksum: got %v", i, n, err)
			}
		}
	}
}

func TestAnyNumberReplacedIsSafe(t *testing.T) {
	for _, data := range mustCompile(t, samplePolicy(), nil).Segments {
		for at := frame.MagicBytes; at+4 <= len(data)-frame.SumBytes; at += 4 {
			for _, n := range []uint32{0, 1, 2, 3, 7, 100, 1 << 31, 1<<32 - 1} {
				forged := bytes.Clone(data[:len(data)-frame.SumBytes])
				binary.LittleEndian.PutUint32(forged[at:], n)
				exercise(t, frame.Seal(forged, 0))
			}
		}
	}
}

// A record that changed while every length stayed is seen by a pass over it, and
// by that only.
func TestForgedRecordsAreRefused(t *testing.T) {
	put32 := binary.LittleEndian.PutUint32
	put64 := binary.LittleEndian.PutUint64
	tests := map[string]func(c *Core){
		"no such anonymous plan":        func(c *Core) { c.anonymous = 5 },
		"groups out of order":           func(c *Core) { put64(c.record(groups, 0), 62) },
		"a group without a name":        func(c *Core) { put32(c.record(groups, 0)[12:], 0) },
		"an endpoint of no group":       func(c *Core) { put64(c.record(endpoints, 0)[8:], 5) },
		"an endpoint of no cost":        func(c *Core) { put32(c.record(endpoints, 0)[16:], 0) },
		"plans out of order":            func(c *Core) { put64(c.record(plans, 0), 8) },
		"a plan of no tier":             func(c *Core) { put64(c.record(plans, 3)[8:], 0) },
		"two plans with one limit":      func(c *Core) { put32(c.record(plans, 1)[24:], 0) },
		"a plan with a limit less":      func(c *Core) { put32(c.record(plans, 3)[28:], 0) },
		"a name of another plan":        func(c *Core) { put32(c.record(names, 0), 3) },
		"names out of order":            func(c *Core) { put32(c.record(names, 0), frame.U32(c.record(names, 1), 0)) },
		"a limit out of range":          func(c *Core) { put32(c.record(refs, 0), 99) },
		"limits not as they are used":   func(c *Core) { put32(c.record(refs, 0), 1) },
		"one limit twice in a plan":     func(c *Core) { put32(c.record(refs, 1), 0) },
		"two limits of a plan, one id":  func(c *Core) { put64(c.record(limits, 1), 11) },
		"two limits of a plan, a name":  func(c *Core) { copy(c.record(limits, 1)[nameAt:], c.record(limits, 0)[nameAt:nameAt+8]) },
		"a limit of no amount":          func(c *Core) { put64(c.record(limits, 0)[16:], 0) },
		"a limit of no endpoint":        func(c *Core) { put64(c.record(limits, 1)[targetAt:], 77) },
		"a limit of no group":           func(c *Core) { put64(c.record(limits, 5)[targetAt:], 77) },
		"a limit with an unknown flag":  func(c *Core) { c.record(limits, 0)[57] = 4 },
		"a limit with something unused": func(c *Core) { c.record(limits, 0)[zeroAt] = 1 },
		"an edge with another hash":     func(c *Core) { c.record(edges, 0)[0] ^= 1 },
		"meters out of order":           func(c *Core) { put64(c.record(meters, 0), 6) },
		"a meter of no endpoint":        func(c *Core) { put64(c.record(meters, 1)[8:], 77) },
		"a meter of a header of Weir's": func(c *Core) { put32(c.record(meters, 0)[20:], 0) },
		"a meter that is half hidden":   func(c *Core) { put32(c.record(meters, 0)[24:], 2) },
		"a meter with something unused": func(c *Core) { put32(c.record(meters, 0)[28:], 1) },
		"a scope with an unknown flag":  func(c *Core) { put32(c.record(scopes, 0)[8:], 2) },
		"a scope of others' targets":    func(c *Core) { put32(c.record(scopes, 1)[12:], 0) },
		"a target in no scope":          func(c *Core) { put32(c.record(scopes, 1)[20:], 0) },
		"a method of no endpoint":       func(c *Core) { put32(c.record(methods, 0)[12:], 99) },
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(mustCompile(t, samplePolicy(), nil).Segments[0])
			c := mustOpenCore(t, data)
			forge(c)
			binary.LittleEndian.PutUint64(data[anonymousAt:], c.anonymous)
			forged := frame.Seal(data[:len(data)-frame.SumBytes:len(data)-frame.SumBytes], 0)
			if _, err := OpenCore(forged); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
			if _, err := TrustCore(forged); err != nil {
				t.Errorf("the header was refused: %v", err)
			}
		})
	}
}

func TestForgedKeysAreRefused(t *testing.T) {
	tests := map[string]func(keys []byte){
		"two keys with one digest": func(b []byte) { copy(b[keyBytes:], b[:32]) },
		"keys out of order after the first 8 bytes": func(b []byte) {
			copy(b[keyBytes:], b[:31])
			b[keyBytes+31] = b[31] - 1
		},
		"a key of another shard":   func(b []byte) { b[0] = 0xff },
		"no id":                    func(b []byte) { clear(b[32:40]) },
		"no account":               func(b []byte) { clear(b[40:48]) },
		"no plan":                  func(b []byte) { clear(b[48:56]) },
		"expires beyond all years": func(b []byte) { b[63] = 0x7f },
		"no kind":                  func(b []byte) { b[68] = 0 },
		"an unknown flag":          func(b []byte) { b[69] |= 8 },
	}
	keys := []Key{{ID: 1, Account: 1, Plan: 1, Digest: digest(1), Kind: 1}, {ID: 2, Account: 1, Plan: 1, Digest: digest(2), Kind: 1}}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			data := compileShard(keys, 1, 0)
			mustOpenShard(t, data)
			forge(data[shardHeaderBytes:])
			forged := frame.Seal(data[:len(data)-frame.SumBytes:len(data)-frame.SumBytes], 0)
			if _, err := OpenShard(forged); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
			if _, err := TrustShard(forged); err != nil {
				t.Errorf("the header was refused: %v", err)
			}
		})
	}
}

func TestTrieHasNoCycle(t *testing.T) {
	data := mustCompile(t, samplePolicy(), nil).Segments[0]
	c := mustOpenCore(t, data)
	for i := range c.counts[nodes] {
		for of, at := range map[section]int{nodes: 8, edges: 12} {
			if i >= c.counts[of] {
				continue
			}
			for target := range uint32(c.counts[nodes]) {
				forged := bytes.Clone(data)
				trusted, err := TrustCore(forged)
				if err != nil {
					t.Fatal(err)
				}
				field := trusted.record(of, i)[at:]
				if binary.LittleEndian.Uint32(field) == target {
					continue
				}
				binary.LittleEndian.PutUint32(field, target)
				if _, err := OpenCore(frame.Seal(forged[:len(forged)-frame.SumBytes], 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("record %d of section %d leads to node %d: got %v", i, of, target, err)
				}
				exerciseCore(trusted)
			}
		}
	}
}

func FuzzSegments(f *testing.F) {
	for _, b := range mustCompile(f, samplePolicy(), nil).Segments {
		f.Add(b)
	}
	f.Add(mustCompile(f, Policy{Version: 1}, nil).Segments[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		exercise(t, data)
		if len(data) >= frame.SumBytes {
			exercise(t, frame.Seal(bytes.Clone(data[:len(data)-frame.SumBytes]), 0))
		}
	})
}
