package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/internal/frame"
)

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
			c.sections[edges] = frame.AppendU32(nil, 0, 1, 1)
			c.sections[methods] = nil
			c.sections[nodes] = frame.AppendU32(nil, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
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
	body := data[:len(data)-frame.SumBytes]
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
				if _, err := Open(frame.Seal(forged, 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("record %d of section %d leads to node %d: got %v", i, of, target, err)
				}
			}
		}
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
			if n >= frame.MagicBytes && n < len(data)-frame.SumBytes {
				if _, err := Open(frame.Seal(bytes.Clone(data[:n]), 0)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%d bytes and a new checksum: got %v", n, err)
				}
			}
		}
	})
	t.Run("any number replaced and sealed again is safe", func(t *testing.T) {
		for at := frame.MagicBytes; at+4 <= len(data)-frame.SumBytes; at += 4 {
			for _, n := range []uint32{0, 1, 2, 3, 7, 100, 1 << 31, 1<<32 - 1} {
				forged := bytes.Clone(data[:len(data)-frame.SumBytes])
				binary.LittleEndian.PutUint32(forged[at:], n)
				exercise(t, frame.Seal(forged, 0))
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
			whole := Limit(l)
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
		if len(data) >= frame.SumBytes {
			exercise(t, frame.Seal(bytes.Clone(data[:len(data)-frame.SumBytes]), 0))
		}
	})
}
