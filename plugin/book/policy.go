package book

import (
	"github.com/weirhq/weir/plugin/internal/frame"
)

// ErrMalformed is what every decoder of this package returns, wrapped with the
// place, for bytes that no encoder of this package could have written.
var ErrMalformed = frame.ErrMalformed

// ErrInvalid is what every encoder of this package returns, wrapped with the
// field at fault, for a value that is out of bounds or contradicts itself.
var ErrInvalid = frame.ErrInvalid

// Policy is what a [Set] is compiled from: all limits and keys of the moment.
// Identifiers are the database's, 1 to [wire.MaxNumber].
type Policy struct {
	Version   uint64 // 1 to wire.MaxNumber; a later policy has a higher one
	Anonymous uint64 // ID of the plan of callers known by their address only; 0: they have none
	Groups    []Group
	Endpoints []Endpoint
	Plans     []Plan
	Keys      []Key
	Meters    []Meter // at most MaxMeters
	Scopes    []Scope // at most MaxScopes
}

// Group is a named set of endpoints.
type Group struct {
	ID   uint64
	Name string // unique; 1 to MaxNameBytes, UTF-8, no control characters
}

// Endpoint is a method plus a path template.
type Endpoint struct {
	ID       uint64
	Method   string // 1 to wire.MaxMethodBytes upper-case letters; "*" for any
	Template string // "/v1/users/{id}": literal segments and {name} segments
	Cost     uint32 // 1 to MaxCost
	Group    uint64 // ID of a group in the same policy; 0: in none
}

// Plan is what the filter enforces for an account: its tier's limits with the
// account's overrides put in place. Accounts without overrides share their
// tier's plan, whose ID is the tier's; no other plan's ID is a tier's.
type Plan struct {
	ID     uint64
	Tier   uint64
	Name   string  // the tier's; 1 to MaxNameBytes, UTF-8, no control characters; unique among plans of tiers
	Limits []Limit // at most MaxPlanLimits, in any order: the compiled plan has them by ID
}

// Limit is one rule of a plan. The same limit may stand in many plans, also with
// other numbers.
type Limit struct {
	ID            uint64 // unique within the plan
	Name          string // as in RateLimit-Policy: 1 to MaxLimitNameBytes of a-z, 0-9 and "-", unique within the plan
	Subject       Subject
	Selector      Selector
	Target        uint64 // ID of the endpoint with OneEndpoint, of the group with OneGroup; else 0
	Kind          Kind
	Measure       Measure
	Mode          Mode
	FailOpen      bool
	Refund        bool        // give back what a request took that the upstream answered with 5xx
	Amount        uint64      // units of its measure a period, 1 to wire.MaxAmount
	Burst         uint64      // Rate: the most at once, 1 to wire.MaxAmount; else 0
	PeriodSeconds uint32      // Rate, Window: 1 to MaxPeriodSeconds; else 0
	QuotaPeriod   QuotaPeriod // Quota: which; else 0
	GracePercent  uint32      // Soft: enforce beyond so much over the amount, at most MaxGracePercent; 0: never for that
	GraceSeconds  uint32      // Soft: enforce once exceeded for so long, at most MaxGraceSeconds; 0: never for that
	Adaptive      Adaptive
	// EndsAtMS is from when on, in Unix milliseconds, the limit of the plan's tier
	// stands in its place, at most wire.MaxTimeMS; 0: that isn't known.
	EndsAtMS int64
}

// Adaptive tightens a Rate or Window while its upstream is unwell. The zero
// value stands for a limit that isn't adaptive.
type Adaptive struct {
	ErrorPercent uint32 // of answers that are 5xx, above which it tightens, at most 100; 0: errors don't count
	SlowMS       uint32 // above which an answer is slow, at most MaxSlowMS; 0: latency doesn't count
	SlowPercent  uint32 // of slow answers, above which it tightens, 1 to 100 with SlowMS; else 0
	FloorPercent uint32 // the least it tightens to, of its amount, 1 to 99
}

// Subject says whose bucket a limit is.
type Subject uint8

// The subjects.
const (
	PerAccount Subject = iota // one for all keys of the account
	PerKey                    // one for each key
	PerAddress                // one for each client address: of anonymous callers
)

// Selector says which requests a limit counts.
type Selector uint8

// The selectors.
const (
	All Selector = iota
	OneEndpoint
	OneGroup
	Reads  // GET, HEAD and OPTIONS
	Writes // every other method
)

// Kind says how a limit allows its amount. Kinds, measures and modes have the
// numbers that package limit gives them.
type Kind uint8

// The kinds.
const (
	Rate   Kind = iota // token bucket
	Window             // strict sliding window
	Quota              // budget for a calendar or billing period
)

// Measure says what a limit counts.
type Measure uint8

// The measures.
const (
	Requests Measure = iota
	Bytes            // request plus response, charged at stream end
	Cost             // cost units
)

// Mode says what happens to a request above the limit.
type Mode uint8

// The modes.
const (
	Enforce Mode = iota // denied
	Soft                // let through and marked, until a grace is used up
	Shadow              // let through and counted
)

// QuotaPeriod says for how long a quota's budget is.
type QuotaPeriod uint8

// The periods of quotas.
const (
	Hour    QuotaPeriod = 1
	Day     QuotaPeriod = 2
	Month   QuotaPeriod = 3
	Billing QuotaPeriod = 4 // from the account's anchor day to the next
)

// Key is how a caller is recognised: what it shows, hashed, and whose it is. All
// keys of an account agree on Plan, AccountSuspended and Epoch.
type Key struct {
	ID               uint64
	Account          uint64
	Plan             uint64   // ID of a plan in the same policy
	Digest           [32]byte // unique; see SecretDigest, SubjectDigest, IssuedSubjectDigest and CertificateDigest
	Kind             KeyKind
	Suspended        bool  // the key
	AccountSuspended bool  // the account with all of its keys
	ExpiresAt        int64 // Unix milliseconds, from when on it is refused, at most wire.MaxTimeMS; 0: never
	Epoch            uint32
	Sandbox          bool   // it is for trying things out; the upstream is told
	Scope            uint16 // ID of a scope in the same policy; 0: for everything
}

// Meter adds up what upstreams declare of their responses, such as tokens or rows.
type Meter struct {
	ID       uint64
	Header   string // field of the response that has the amount; see HeaderFault
	Endpoint uint64 // ID of the only endpoint whose responses count, in the same policy; 0: all do
	Hidden   bool   // the field is taken out before the client sees it
}

// KeyKind says what a key recognises a caller by.
type KeyKind uint8

// The kinds of keys.
const (
	APIKey      KeyKind = 1
	JWTSubject  KeyKind = 2
	Certificate KeyKind = 3
)

// Bounds of a policy.
const (
	MaxCost             = 1_000_000
	MaxPeriodSeconds    = 86_400
	MaxGracePercent     = 1000
	MaxGraceSeconds     = 2_592_000 // 30 days
	MaxSlowMS           = 3_600_000
	MaxPlanLimits       = 32
	MaxNameBytes        = 256
	MaxLimitNameBytes   = 64
	MaxTemplateBytes    = 512
	MaxTemplateSegments = 32
	MaxEndpoints        = 100_000
	MaxGroups           = 10_000
	MaxPlans            = 100_000
	MaxKeys             = 2_000_000
	MaxMeters           = 32
	MaxHeaderBytes      = 64 // of a meter
)
