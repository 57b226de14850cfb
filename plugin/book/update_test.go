package book

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

func mustEncode(t testing.TB, u Update) []byte {
	t.Helper()
	b, err := EncodeUpdate(nil, u)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sampleDelta(t testing.TB) Update {
	s := mustCompile(t, samplePolicy(), nil)
	return Update{Version: 42, Base: 41, Bits: s.Bits, Segments: []Segment{{1, s.Segments[1]}}}
}

func TestUpdateBytesAreGolden(t *testing.T) {
	golden(t, "update.bin", mustEncode(t, sampleDelta(t)))
	m := &Manifest{Version: 42, Bits: 1, Segments: []SegmentState{{40, 7}, {42, 1<<64 - 1}, {1, 0}}}
	b, err := EncodeManifest(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "manifest.bin", b)
}

func TestDecodeUpdateInvertsEncode(t *testing.T) {
	s := mustCompile(t, largePolicy(3000, 10), nil)
	for name, u := range map[string]Update{
		"full":      s.Update(),
		"a shard":   {Version: 9, Base: 8, Bits: s.Bits, Segments: []Segment{{2, s.Segments[2]}}},
		"no change": {Version: 9, Base: 8, Bits: s.Bits, Segments: []Segment{}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := EncodeUpdate([]byte("prefix"), u)
			if err != nil {
				t.Fatal(err)
			}
			b = b[len("prefix"):]
			got, err := DecodeUpdate(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(u, got); diff != "" {
				t.Errorf("decoded update differs (-want +got):\n%s", diff)
			}
			if n := testing.AllocsPerRun(5, func() { _, err = DecodeUpdate(b) }); n > 2 {
				t.Errorf("%v allocations: the segments are to be used in place", n)
			}
			for _, s := range got.Segments {
				if cap(s.Bytes) != len(s.Bytes) {
					t.Error("appending to a segment would write into the next one")
				}
			}
		})
	}
}

func TestEncodeUpdateNamesTheField(t *testing.T) {
	s := mustCompile(t, samplePolicy(), nil)
	tests := map[string]func(u *Update){
		"version: 0":                     func(u *Update) { u.Version = 0 },
		"version: 9223372036854775808":   func(u *Update) { u.Version = wire.MaxNumber + 1 },
		"base: 42":                       func(u *Update) { u.Base = 42 },
		"bits: 12":                       func(u *Update) { u.Bits = MaxBits + 1 },
		"segments: not all":              func(u *Update) { u.Segments = u.Segments[:1] },
		"segments[1].index: not after":   func(u *Update) { u.Segments[1].Index = 0 },
		"segments[1].index":              func(u *Update) { u.Segments[1].Index = 2 },
		"segments[0].index":              func(u *Update) { u.Segments[0].Index = -1 },
		"segments[0]: not what its":      func(u *Update) { u.Segments[0].Bytes = s.Segments[1] },
		"segments[1]: not what its":      func(u *Update) { u.Segments[1].Bytes = s.Segments[0] },
		"segments[1]: not what its inde": func(u *Update) { u.Segments[1].Bytes = compileShard(nil, 1, 0) },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			u := s.Update()
			change(&u)
			if _, err := EncodeUpdate(nil, u); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Damage to the head is found at once, damage to a segment when it is opened.
func TestDamagedUpdateIsRefused(t *testing.T) {
	s := mustCompile(t, samplePolicy(), nil)
	data := mustEncode(t, s.Update())
	for bit := range len(data) * 8 {
		damaged := bytes.Clone(data)
		damaged[bit/8] ^= 1 << (bit % 8)
		u, err := DecodeUpdate(damaged)
		if err == nil {
			_, err = OpenCore(u.Segments[0].Bytes)
			if _, second := OpenShard(u.Segments[1].Bytes); err == nil {
				err = second
			}
		}
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("bit %d: got %v", bit, err)
		}
	}
	for n := range data {
		if _, err := DecodeUpdate(data[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: got %v", n, err)
		}
	}
	if _, err := DecodeUpdate(append(data, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte more: got %v", err)
	}
}

// resealUpdate gives random bytes the checksum of the head that they claim.
func resealUpdate(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < updateHeaderBytes {
		return b
	}
	end := updateHeaderBytes + int(frame.U32(b, 24)%5)*updateEntryBytes
	if end+frame.SumBytes > len(b) {
		return b
	}
	sealed := frame.Seal(bytes.Clone(b[:end]), 0)
	copy(b[end:], sealed[end:])
	return b
}

func FuzzDecodeUpdate(f *testing.F) {
	f.Add(mustEncode(f, sampleDelta(f)))
	f.Add(mustEncode(f, mustCompile(f, samplePolicy(), nil).Update()))
	check := func(t *testing.T, b []byte) {
		u, err := DecodeUpdate(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		again, err := EncodeUpdate(nil, u)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encodes to other bytes: %v\n%x\n%x", err, b, again)
		}
		for _, s := range u.Segments {
			exercise(t, s.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		check(t, b)
		check(t, resealUpdate(b))
	})
}
