package wire

// Policy is what a snapshot is compiled from: all limits and keys of the
// moment. Identifiers are the database's and never zero.
type Policy struct {
	Version   uint64
	Endpoints []Endpoint
	Tiers     []Tier
	Accounts  []Account
	Keys      []Key
}

// Endpoint is a method plus a path template.
type Endpoint struct {
	ID       uint64
	Method   string // upper case; "*" for any
	Template string // "/v1/users/{id}": literal segments and {name} segments
	Cost     uint32 // default 1
}

// Tier is a named set of limits.
type Tier struct {
	ID     uint64
	Name   string
	Limits []Limit
}

// Limit is a token-bucket rate: Amount tokens a period, at most Burst at once.
type Limit struct {
	ID            uint64
	Name          string // as it stands in RateLimit-Policy; unique within the tier
	Endpoint      uint64 // 0: every request of the account; else only those of this endpoint
	Amount        uint64 // tokens a period, 1 to MaxAmount
	PeriodSeconds uint32 // 1, 60, 3600 or 86400
	Burst         uint64 // 1 to MaxAmount
}

// MaxAmount bounds Amount and Burst.
const MaxAmount = 1_000_000_000_000

// Account is who is limited and billed.
type Account struct {
	ID        uint64
	Tier      uint64 // ID of a tier in the same policy
	Suspended bool
}

// Key is one API key of an account, known by the SHA-256 digest of its secret.
type Key struct {
	ID      uint64
	Account uint64 // ID of an account in the same policy
	Digest  [32]byte
}
