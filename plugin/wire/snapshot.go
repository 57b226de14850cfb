package wire

// Snapshot is a compiled policy, searched in place. It is immutable, holds on
// to the bytes it was opened from, and none of its methods allocates or panics.
// Indexes run from 0; for an index out of range the zero value is returned.
type Snapshot struct{ b []byte }

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

// Compile turns p into a snapshot. It fails with [ErrInvalid], wrapped with what
// is wrong where, for a policy that isn't consistent or is out of bounds.
func Compile(p Policy) ([]byte, error) { return nil, ErrInvalid }

// Open verifies b, checksum and every reference, and keeps it; b may not change
// afterwards. It fails with [ErrMalformed].
func Open(b []byte) (*Snapshot, error) { return nil, ErrMalformed }

// Version returns the policy's version.
func (s *Snapshot) Version() uint64 { return 0 }

// FindKey looks up a key by the SHA-256 digest of its secret.
func (s *Snapshot) FindKey(digest *[32]byte) (KeyRef, bool) { return KeyRef{}, false }

// Accounts returns how many accounts there are; they are sorted by ID.
func (s *Snapshot) Accounts() int { return 0 }

// Account returns account i.
func (s *Snapshot) Account(i int) AccountRef { return AccountRef{} }

// Tiers returns how many tiers there are.
func (s *Snapshot) Tiers() int { return 0 }

// Tier returns tier i.
func (s *Snapshot) Tier(i int) TierRef { return TierRef{} }

// Limit returns limit i, counted over all tiers.
func (s *Snapshot) Limit(i int) LimitRef { return LimitRef{} }

// Applies returns which limits of tier i apply to a request to an endpoint: bit
// n is set for Limit(FirstLimit+n). endpoint is the endpoint's ID, 0 for none.
func (s *Snapshot) Applies(tier int, endpoint uint64) uint64 { return 0 }

// MatchEndpoint finds the endpoint of a request. path is raw, without query;
// it is compared as it stands, segment by segment, percent-encoding and trailing
// slash included. From left to right a literal segment is preferred to {param};
// for the path so found, the exact method to GET for a HEAD, and that to "*". A
// template that has none of these methods is passed over for the next best.
// A {param} matches one segment that isn't empty.
func (s *Snapshot) MatchEndpoint(method, path string) (EndpointRef, bool) {
	return EndpointRef{}, false
}
