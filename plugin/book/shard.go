package book

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// A shard is, little-endian: magic (4 bytes), bits (1), zero (3), its number
// from 0 (4), the number of keys (4); then the keys by digest: digest 32 · id 8 ·
// account 8 · plan 8 · expires 8 · epoch 4 · kind 1 · flags 1 · scope 2; then the
// checksum.
const (
	magicShard       = "WSh\x03"
	shardHeaderBytes = 16
	keyBytes         = 72
	maxShardBytes    = shardHeaderBytes + MaxShardKeys*keyBytes + frame.SumBytes

	flagSuspended        = 1
	flagAccountSuspended = 2
	flagSandbox          = 4
)

const (
	// MaxBits bounds the number of shards: with MaxKeys keys, 2^MaxBits of them
	// have fewer than 1,024 each.
	MaxBits = 11
	// MaxShardKeys bounds the keys of one shard. Digests are evenly spread, so
	// the shards have about 500 to 1,000 keys each.
	MaxShardKeys = 65_536

	maxGuesses = 6

	fitKeys = 1024 // on average in a shard, at most
)

// bitsFor chooses the number of shards for n keys. It depends on nothing else, so
// that all publishers agree: if they kept to what each had before, a filter that
// is served by one and then by another would need everything anew each time.
func bitsFor(n int) uint8 { return uint8(min(bits.Len(uint(max(n-1, 0))/fitKeys), MaxBits)) }

// SegmentOf returns which segment of a set of 2^bits shards has the key of a
// digest, 1 to 2^bits. bits is at most MaxBits.
func SegmentOf(digest *[32]byte, bits uint8) int {
	return 1 + int(binary.BigEndian.Uint32(digest[:])>>(32-min(bits, MaxBits)))
}

// compileShard returns a shard of keys sorted by digest.
func compileShard(keys []Key, bits uint8, index int) []byte {
	b := append(make([]byte, 0, shardHeaderBytes+keyBytes*len(keys)+frame.SumBytes), magicShard...)
	b = append(b, bits, 0, 0, 0)
	b = frame.AppendU32(b, uint32(index), uint32(len(keys)))
	for i := range keys {
		k := &keys[i]
		b = append(b, k.Digest[:]...)
		b = frame.AppendU64(b, k.ID, k.Account, k.Plan, uint64(k.ExpiresAt))
		flags := byte(0)
		if k.Suspended {
			flags |= flagSuspended
		}
		if k.AccountSuspended {
			flags |= flagAccountSuspended
		}
		if k.Sandbox {
			flags |= flagSandbox
		}
		b = append(frame.AppendU32(b, k.Epoch), byte(k.Kind), flags, byte(k.Scope), byte(k.Scope>>8))
	}
	return frame.Seal(b, 0)
}

// Shard holds keys, searched in place. It is immutable, holds on to the bytes it
// was opened from, and none of its methods allocates or panics.
type Shard struct {
	bits  uint8
	index int
	keys  []byte
}

// KeyRef is what a shard says of a key; see [Key].
type KeyRef struct {
	ID, Account, Plan           uint64
	ExpiresAt                   int64 // Unix milliseconds; 0: never
	Epoch                       uint32
	Kind                        KeyKind
	Suspended, AccountSuspended bool
	Sandbox                     bool
	Scope                       uint16 // 0: for everything
}

// TrustShard opens a shard that this process verified with [OpenShard] before.
// It reads the header only, and keeps b; b may not change afterwards. It fails
// with [ErrMalformed].
func TrustShard(b []byte) (*Shard, error) {
	s, err := parseShard(b)
	if err != nil {
		return nil, err
	}
	return &s, nil
}

func parseShard(b []byte) (Shard, error) {
	if _, err := frame.Unwrap(b, magicShard); err != nil {
		return Shard{}, err
	}
	if len(b) < shardHeaderBytes+frame.SumBytes || len(b) > maxShardBytes {
		return Shard{}, frame.Malformed("shard: too short or too long")
	}
	s := Shard{bits: b[4], index: int(frame.U32(b, 8)), keys: b[shardHeaderBytes : len(b)-frame.SumBytes]}
	count := uint64(frame.U32(b, 12))
	if s.bits > MaxBits || s.index >= 1<<s.bits || b[5]|b[6]|b[7] != 0 || count*keyBytes != uint64(len(s.keys)) {
		return Shard{}, frame.Malformed("shard: header")
	}
	return s, nil
}

// OpenShard verifies b, and keeps it; b may not change afterwards. It checks
// length, checksum, the order of the keys and every bound of a value. (That the
// ids of keys are unique, and that there are such plans, is Compile's to
// ensure.) It fails with [ErrMalformed].
func OpenShard(b []byte) (*Shard, error) {
	if _, err := frame.Unseal(b, magicShard); err != nil {
		return nil, err
	}
	s, err := TrustShard(b)
	if err != nil {
		return nil, err
	}
	var before []byte
	lastPrefix := uint64(0)
	for at := 0; at < len(s.keys); at += keyBytes {
		r := s.keys[at:][:keyBytes]
		// Nearly always the first 8 bytes tell the order of two digests.
		prefix := binary.BigEndian.Uint64(r)
		ordered := prefix > lastPrefix || before == nil ||
			prefix == lastPrefix && bytes.Compare(before, r[:32]) < 0
		if !ordered || prefix>>32>>(32-s.bits) != uint64(s.index) || !isKey(r) {
			return nil, frame.Malformed("shard: key " + strconv.Itoa(at/keyBytes) + " in the list")
		}
		before, lastPrefix = r[:32], prefix
	}
	return s, nil
}

// isKey checks the values of a key's record.
func isKey(r []byte) bool {
	id, account, plan := frame.U64(r, 32), frame.U64(r, 40), frame.U64(r, 48)
	kind, flags := KeyKind(r[68]), r[69]
	return id-1 < wire.MaxNumber && account-1 < wire.MaxNumber && plan-1 < wire.MaxNumber &&
		frame.U64(r, 56) <= wire.MaxTimeMS && kind >= APIKey && kind <= Certificate &&
		flags&^(flagSuspended|flagAccountSuspended|flagSandbox) == 0
}

// Keys returns how many keys there are.
func (s *Shard) Keys() int { return len(s.keys) / keyBytes }

// Bits returns of how many shards, 2^Bits, this is one.
func (s *Shard) Bits() uint8 { return s.bits }

// Covers says whether the key of a digest would be in this shard: only then does
// a Find without success mean that there is no such key.
func (s *Shard) Covers(digest *[32]byte) bool { return SegmentOf(digest, s.bits) == 1+s.index }

// Find looks up a key by its digest. Digests are evenly spread, so it looks where
// the key should be, then at as many keys from there as it was off, and so on;
// after a few steps that weren't enough it halves what is left.
func (s *Shard) Find(digest *[32]byte) (KeyRef, bool) {
	prefix := binary.BigEndian.Uint64(digest[:])
	lo, hi := 0, len(s.keys)/keyBytes
	scale := uint64(hi)
	guess := s.part(prefix, scale)
	for step := 0; lo < hi; step++ {
		if guess = max(lo, min(guess, hi-1)); step >= maxGuesses {
			guess = int(uint(lo+hi) >> 1)
		}
		r := s.keys[guess*keyBytes:][:keyBytes]
		at := binary.BigEndian.Uint64(r)
		order := 0
		if at == prefix { // seldom, but for the key itself
			if order = bytes.Compare(r[:len(digest)], digest[:]); order == 0 {
				return keyRef(r), true
			}
		}
		if at < prefix || order < 0 {
			lo = guess + 1
			guess = lo + s.part(prefix-at, scale)
		} else {
			hi = guess
			guess = hi - 1 - s.part(at-prefix, scale)
		}
	}
	return KeyRef{}, false
}

// part returns how many of n evenly spread keys lie below prefix in the shard.
func (s *Shard) part(prefix, n uint64) int { return int(prefix << s.bits >> 32 * n >> 32) }

func keyRef(r []byte) KeyRef {
	return KeyRef{
		ID: frame.U64(r, 32), Account: frame.U64(r, 40), Plan: frame.U64(r, 48),
		ExpiresAt: int64(frame.U64(r, 56)), Epoch: frame.U32(r, 64), Kind: KeyKind(r[68]),
		Suspended: r[69]&flagSuspended != 0, AccountSuspended: r[69]&flagAccountSuspended != 0,
		Sandbox: r[69]&flagSandbox != 0, Scope: uint16(r[70]) | uint16(r[71])<<8,
	}
}
