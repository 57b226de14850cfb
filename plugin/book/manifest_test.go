package book

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// applied applies u and returns the indexes of the changed segments.
func applied(t testing.TB, m *Manifest, u Update) (changed []int, next *Manifest) {
	t.Helper()
	next, segments, err := m.Apply(u)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		changed = append(changed, s.Index)
	}
	return changed, next
}

func TestManifest(t *testing.T) {
	p := largePolicy(2000, 10)
	first := mustCompile(t, p, nil)
	changed, m := applied(t, &Manifest{}, first.Update())
	if diff := cmp.Diff([]int{0, 1, 2}, changed); diff != "" {
		t.Fatal(diff)
	}
	p.Version = 7
	p.Keys[3].Suspended = true
	second := mustCompile(t, p, first)
	edited := SegmentOf(&p.Keys[3].Digest, second.Bits)
	delta := Update{Version: 7, Base: 1, Bits: second.Bits, Segments: []Segment{{edited, second.Segments[edited]}}}

	t.Run("a delta changes what it holds", func(t *testing.T) {
		changed, next := applied(t, m, delta)
		want := *m
		want.Version = 7
		want.Segments = append([]SegmentState(nil), m.Segments...)
		want.Segments[edited] = SegmentState{7, frame.Sum(second.Segments[edited])}
		if diff := cmp.Diff(&want, next) + cmp.Diff([]int{edited}, changed); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a full update changes only what differs", func(t *testing.T) {
		changed, next := applied(t, m, second.Update())
		if len(changed) != 1 || changed[0] != edited || next.Segments[0].Changed != 1 || next.Segments[edited].Changed != 7 {
			t.Errorf("changed %v: %+v", changed, next)
		}
	})
	t.Run("a delta on another base is refused", func(t *testing.T) {
		delta.Base = 2
		if _, _, err := m.Apply(delta); !errors.Is(err, ErrBase) {
			t.Errorf("got %v", err)
		}
		if _, _, err := new(Manifest).Apply(delta); !errors.Is(err, ErrBase) {
			t.Errorf("onto nothing: got %v", err)
		}
	})
	t.Run("another number of shards comes with all of them", func(t *testing.T) {
		p.Keys = p.Keys[:1]
		p.Version = 8
		third := mustCompile(t, p, second)
		u := third.Update()
		u.Base, u.Segments = 1, u.Segments[1:]
		changed, next := applied(t, m, u)
		if len(next.Segments) != 2 || next.Segments[0].Changed != 1 || next.Segments[1].Changed != 8 || len(changed) != 1 {
			t.Errorf("changed %v: %+v", changed, next)
		}
		u.Segments = nil
		if _, _, err := m.Apply(u); !errors.Is(err, ErrBase) {
			t.Errorf("none of them: got %v", err)
		}
	})
	t.Run("a policy that was set back begins anew", func(t *testing.T) {
		m.Version = 50
		_, next := applied(t, m, second.Update())
		if next.Version != 7 || next.Segments[0].Changed != 7 {
			t.Errorf("got %+v", next)
		}
	})
}

func TestManifestCodec(t *testing.T) {
	_, m := applied(t, &Manifest{}, mustCompile(t, largePolicy(5000, 10), nil).Update())
	b, err := EncodeManifest([]byte("prefix"), m)
	if err != nil {
		t.Fatal(err)
	}
	b = b[len("prefix"):]
	got, err := DecodeManifest(b)
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for n := range b {
		if _, err := DecodeManifest(b[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes: got %v", n, err)
		}
		damaged := bytes.Clone(b)
		damaged[n] ^= 0x10
		if _, err := DecodeManifest(damaged); !errors.Is(err, ErrMalformed) {
			t.Fatalf("byte %d damaged: got %v", n, err)
		}
	}
	forged := bytes.Clone(b[:len(b)-frame.SumBytes])
	binary.LittleEndian.PutUint64(forged[manifestHeaderBytes:], m.Version+1)
	if _, err := DecodeManifest(frame.Seal(forged, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("changed after its version: got %v", err)
	}
	for want, m := range map[string]Manifest{
		"version: 0":             {Segments: make([]SegmentState, 2)},
		"bits: 12":               {Version: 1, Bits: 12},
		"segments: 1 is not 1":   {Version: 1, Segments: make([]SegmentState, 1)},
		"segments[0].changed: 0": {Version: 1, Segments: make([]SegmentState, 2)},
	} {
		if _, err := EncodeManifest(nil, &m); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "invalid: "+want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	_, m := applied(f, &Manifest{}, mustCompile(f, samplePolicy(), nil).Update())
	b, err := EncodeManifest(nil, m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= frame.SumBytes {
			b = frame.Seal(b[:len(b)-frame.SumBytes:len(b)-frame.SumBytes], 0)
		}
		m, err := DecodeManifest(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := EncodeManifest(nil, m); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encodes to other bytes: %v\n%x\n%x", err, b, again)
		}
	})
}
