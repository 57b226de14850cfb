package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Snapshot is a compiled policy, searched in place. It is immutable, holds on
// to the bytes it was opened from, and none of its methods allocates or panics.
// Indexes run from 0; for an index out of range the zero value is returned.
type Snapshot struct {
	version  uint64
	sections [sections][]byte
	counts   [sections]int
	text     string
}

// KeyRef is what the snapshot says of a key.
type KeyRef struct {
	ID      uint64
	Account int // index, for Account
}

// AccountRef is what the snapshot says of an account.
type AccountRef struct {
	ID        uint64
	Tier      int // index, for Tier
	Suspended bool
}

// TierRef is what the snapshot says of a tier. Its limits are Limit(FirstLimit)
// to Limit(FirstLimit+Limits-1), in the policy's order.
type TierRef struct {
	ID         uint64
	Name       string
	FirstLimit int
	Limits     int
}

// LimitRef is what the snapshot says of a limit; see [Limit].
type LimitRef struct {
	ID            uint64
	Name          string
	Endpoint      uint64 // 0: every request of the account
	Amount        uint64
	PeriodSeconds uint32
	Burst         uint64
}

// EndpointRef is what the snapshot says of an endpoint.
type EndpointRef struct {
	ID   uint64
	Cost uint32
}

// Version returns the policy's version.
func (s *Snapshot) Version() uint64 { return s.version }

// FindKey looks up a key by the SHA-256 digest of its secret.
func (s *Snapshot) FindKey(digest *[32]byte) (KeyRef, bool) {
	section, size := s.sections[keys], recordBytes[keys]
	prefix := binary.BigEndian.Uint64(digest[:])
	lo, hi := 0, s.counts[keys]
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		r := section[mid*size:][:48]
		at := binary.BigEndian.Uint64(r)
		order := 0
		if at == prefix { // seldom, but for the key itself
			if order = bytes.Compare(r[:len(digest)], digest[:]); order == 0 {
				return KeyRef{ID: frame.U64(r, 32), Account: int(frame.U32(r, 40))}, true
			}
		}
		if at < prefix || order < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return KeyRef{}, false
}

// Keys returns how many keys there are.
func (s *Snapshot) Keys() int { return s.counts[keys] }

// Accounts returns how many accounts there are; they are sorted by ID.
func (s *Snapshot) Accounts() int { return s.counts[accounts] }

// Account returns account i.
func (s *Snapshot) Account(i int) AccountRef {
	if uint(i) >= uint(s.counts[accounts]) {
		return AccountRef{}
	}
	r := s.record(accounts, i)
	return AccountRef{ID: frame.U64(r, 0), Tier: int(frame.U32(r, 8)), Suspended: frame.U32(r, 12)&flagSuspended != 0}
}

// Tiers returns how many tiers there are; they are sorted by ID.
func (s *Snapshot) Tiers() int { return s.counts[tiers] }

// Tier returns tier i.
func (s *Snapshot) Tier(i int) TierRef {
	if uint(i) >= uint(s.counts[tiers]) {
		return TierRef{}
	}
	r := s.record(tiers, i)
	return TierRef{ID: frame.U64(r, 0), Name: s.label(r, 8), FirstLimit: int(frame.U32(r, 16)), Limits: int(frame.U32(r, 20))}
}

// Limit returns limit i, counted over all tiers.
func (s *Snapshot) Limit(i int) LimitRef {
	if uint(i) >= uint(s.counts[limits]) {
		return LimitRef{}
	}
	r := s.record(limits, i)
	return LimitRef{
		ID: frame.U64(r, 0), Name: s.label(r, 32), Endpoint: s.endpointOf(r),
		Amount: frame.U64(r, 8), Burst: frame.U64(r, 16), PeriodSeconds: frame.U32(r, 24),
	}
}

// endpointOf returns the ID of the endpoint that a limit's record names, or 0.
func (s *Snapshot) endpointOf(limit []byte) uint64 {
	endpoint := int(frame.U32(limit, 28))
	if endpoint >= s.counts[endpoints] {
		return 0
	}
	return frame.U64(s.record(endpoints, endpoint), 0)
}

// Applies returns which limits of tier i apply to a request to an endpoint: bit
// n is set for Limit(FirstLimit+n). endpoint is the endpoint's ID, 0 for none.
func (s *Snapshot) Applies(tier int, endpoint uint64) uint64 {
	t := s.Tier(tier)
	var set uint64
	for n := range t.Limits {
		if of := s.endpointOf(s.record(limits, t.FirstLimit+n)); of == 0 || of == endpoint {
			set |= 1 << n
		}
	}
	return set
}
