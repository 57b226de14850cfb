package wire

// Policy is what a snapshot is compiled from: all limits and keys of the
// moment. Identifiers are the database's, 1 to [MaxNumber].
type Policy struct {
	Version   uint64 // 1 to MaxNumber; a later policy has a higher one
	Endpoints []Endpoint
	Tiers     []Tier
	Accounts  []Account
	Keys      []Key
}

// Endpoint is a method plus a path template.
type Endpoint struct {
	ID       uint64
	Method   string // 1 to 20 upper-case letters; "*" for any
	Template string // "/v1/users/{id}": literal segments and {name} segments
	Cost     uint32 // 1 to MaxCost
}

// Tier is a named set of limits.
type Tier struct {
	ID     uint64
	Name   string  // unique; at most MaxTierNameBytes, UTF-8, no control characters
	Limits []Limit // at most MaxTierLimits
}

// Limit is a token-bucket rate: Amount tokens a period, at most Burst at once.
type Limit struct {
	ID            uint64
	Name          string // as in RateLimit-Policy: 1 to 64 of a-z, 0-9 and "-", unique within the tier
	Endpoint      uint64 // 0: every request of the account; else only those of this endpoint
	Amount        uint64 // tokens a period, 1 to MaxAmount
	PeriodSeconds uint32 // 1, 60, 3600 or 86400
	Burst         uint64 // 1 to MaxAmount
}

// Bounds of a policy.
const (
	MaxCost             = 1_000_000
	MaxTierLimits       = 32
	MaxTierNameBytes    = 256
	MaxLimitNameBytes   = 64
	MaxTemplateBytes    = 512
	MaxTemplateSegments = 32
	MaxEndpoints        = 100_000
	MaxTiers            = 100_000
	MaxAccounts         = 2_000_000
	MaxKeys             = 2_000_000
)

// Account is who is limited and billed.
type Account struct {
	ID        uint64
	Tier      uint64 // ID of a tier in the same policy
	Suspended bool
}

// Key is one API key of an account, known by the SHA-256 digest of its secret.
type Key struct {
	ID      uint64
	Account uint64   // ID of an account in the same policy
	Digest  [32]byte // unique
}
