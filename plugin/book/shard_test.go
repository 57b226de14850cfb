package book

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/wire"
)

func TestFindEqualsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Version: 1, Plans: []Plan{{ID: 1, Tier: 1, Name: "t"}}}
		want := map[[32]byte]Key{}
		for i := range rapid.IntRange(0, 50).Draw(t, "keys") {
			var d [32]byte
			// Few values, so that digests share prefixes.
			for j := range d {
				d[j] = byte(rapid.IntRange(0, 1).Draw(t, "bit")) * 0xff
			}
			if _, taken := want[d]; taken {
				continue
			}
			k := Key{
				ID: uint64(i + 1), Account: uint64(i + 1), Plan: 1, Digest: d, Kind: KeyKind(1 + i%3),
				ExpiresAt: rapid.Int64Range(0, wire.MaxTimeMS).Draw(t, "expires"), Epoch: rapid.Uint32().Draw(t, "epoch"),
				Suspended: rapid.Bool().Draw(t, "suspended"), AccountSuspended: rapid.Bool().Draw(t, "account suspended"),
			}
			want[d] = k
			p.Keys = append(p.Keys, k)
		}
		s := mustCompile(&testing.T{}, p, nil)
		for d, k := range want {
			got, found := find(&testing.T{}, s, &d)
			if !found || got != (KeyRef{k.ID, k.Account, 1, k.ExpiresAt, k.Epoch, k.Kind, k.Suspended, k.AccountSuspended, k.Sandbox, k.Scope}) {
				t.Fatalf("key %d: got %+v, %v", k.ID, got, found)
			}
			d[31] ^= 1
			if got, found := find(&testing.T{}, s, &d); found {
				t.Fatalf("a digest that no key has gives %+v", got)
			}
		}
	})
}

func TestEveryKeyIsInTheShardOfItsDigest(t *testing.T) {
	p := largePolicy(5000, 0)
	s := mustCompile(t, p, nil)
	keys := 0
	for i := range p.Keys {
		k := &p.Keys[i]
		if got, found := find(t, s, &k.Digest); !found || got.ID != k.ID {
			t.Fatalf("key %d: got %+v, %v", k.ID, got, found)
		}
	}
	for i, b := range s.Segments[1:] {
		shard := mustOpenShard(t, b)
		keys += shard.Keys()
		other := digest(byte(i+1) << (8 - s.Bits))
		if shard.Bits() != s.Bits || len(s.Segments) > 2 && shard.Covers(&other) {
			t.Errorf("shard %d covers a digest of another", i)
		}
	}
	if keys != len(p.Keys) {
		t.Errorf("%d keys in all, want %d", keys, len(p.Keys))
	}
}
