package declare

import (
	"fmt"
	"time"
)

// Document is what should be there. Objects are named by what people call them, never
// by ids, so that one document fits several control planes.
type Document struct {
	Metadata  Metadata   `yaml:"metadata,omitempty" json:"metadata,omitzero" jsonschema:"Whose document this is."`
	Groups    []Group    `yaml:"groups,omitempty" json:"groups,omitempty" jsonschema:"Groups of endpoints."`
	Endpoints []Endpoint `yaml:"endpoints,omitempty" json:"endpoints,omitempty" jsonschema:"Endpoints: a method and a path template each."`
	Meters    []Meter    `yaml:"meters,omitempty" json:"meters,omitempty" jsonschema:"Custom meters."`
	Tiers     []Tier     `yaml:"tiers,omitempty" json:"tiers,omitempty" jsonschema:"Tiers with their limits."`
	Defaults  *Defaults  `yaml:"defaults,omitempty" json:"defaults,omitempty" jsonschema:"The tiers of those that have none of their own; left out, they stay as they are."`
	Accounts  []Account  `yaml:"accounts,omitempty" json:"accounts,omitempty" jsonschema:"Accounts. They are created and changed, and never deleted."`
}

// Metadata says whose a document is.
type Metadata struct {
	Manager string `yaml:"manager,omitempty" json:"manager,omitempty" jsonschema:"Who keeps these objects in files, 1 to 64 characters; what bears that name and is not in the document any more can be pruned."`
}

// Group is a group of endpoints.
type Group struct {
	Name   string `yaml:"name" json:"name" jsonschema:"Unique, 1 to 64 characters."`
	origin origin
}

// Endpoint is a method and a path template.
type Endpoint struct {
	Method   string `yaml:"method" json:"method" jsonschema:"HTTP method, or * for any."`
	Template string `yaml:"template" json:"template" jsonschema:"Such as /v1/users/{id}."`
	Cost     int    `yaml:"cost,omitempty" json:"cost,omitempty" jsonschema:"Cost units of one request, 1 to 1000000; 1 unless given."`
	Group    string `yaml:"group,omitempty" json:"group,omitempty" jsonschema:"The name of the group that it is in."`
	origin   origin
}

// Name is what other objects call it by.
func (e Endpoint) Name() string { return e.Method + " " + e.Template }

// Meter is a custom meter.
type Meter struct {
	Name     string `yaml:"name" json:"name" jsonschema:"Unique, 1 to 64 characters."`
	Unit     string `yaml:"unit" json:"unit" jsonschema:"What the amounts are of, such as tokens."`
	Header   string `yaml:"header" json:"header" jsonschema:"The response header that has the amount, in lower case."`
	Endpoint string `yaml:"endpoint,omitempty" json:"endpoint,omitempty" jsonschema:"The only endpoint whose responses count, such as GET /v1/users/{id}."`
	Hidden   bool   `yaml:"hidden,omitempty" json:"hidden,omitempty" jsonschema:"Whether clients don't see the header."`
	origin   origin
}

// Tier is a tier with its limits.
type Tier struct {
	Name   string  `yaml:"name" json:"name" jsonschema:"Unique, 1 to 64 characters."`
	Limits []Limit `yaml:"limits" json:"limits" jsonschema:"At most 32, in order; the whole list."`
	Move   *Move   `yaml:"move,omitempty" json:"move,omitempty" jsonschema:"When its accounts come onto a version that a change of its limits makes; all at once unless given."`
	origin origin
}

// Move is when accounts move to a new version of their tier.
type Move struct {
	When        string `yaml:"when" json:"when" jsonschema:"NONE: they stay until they are moved later on. NOW: all at once. PERIOD_END: each at the end of its billing period. STEPS: so many percent of them at a time."`
	Steps       []int  `yaml:"steps,omitempty" json:"steps,omitempty" jsonschema:"With when STEPS: percentages of the accounts, each above the one before, the last 100; 1 to 20 of them."`
	StepMinutes int    `yaml:"stepMinutes,omitempty" json:"stepMinutes,omitempty" jsonschema:"With when STEPS: minutes from one step to the next, 1 to 43200. The first is taken at once."`
}

// Limit is one rule of a tier; see GraphQL's Limit for what its fields mean.
type Limit struct {
	Name         string    `yaml:"name" json:"name" jsonschema:"Unique in the tier: lower-case letters, digits and hyphens."`
	Subject      string    `yaml:"subject,omitempty" json:"subject,omitempty" jsonschema:"Whose requests it counts together; ACCOUNT unless given."`
	Selector     string    `yaml:"selector,omitempty" json:"selector,omitempty" jsonschema:"Which requests it counts; ENDPOINT or GROUP where such is named, otherwise ALL."`
	Endpoint     string    `yaml:"endpoint,omitempty" json:"endpoint,omitempty" jsonschema:"The endpoint, such as GET /v1/users/{id}."`
	Group        string    `yaml:"group,omitempty" json:"group,omitempty" jsonschema:"The name of the group."`
	Measure      string    `yaml:"measure,omitempty" json:"measure,omitempty" jsonschema:"What it measures; REQUESTS unless given."`
	Kind         string    `yaml:"kind,omitempty" json:"kind,omitempty" jsonschema:"RATE unless given."`
	Amount       int64     `yaml:"amount" json:"amount" jsonschema:"How much it allows in a period, 1 to 10^12."`
	Period       string    `yaml:"period" json:"period" jsonschema:"The period that the amount is for."`
	Burst        int64     `yaml:"burst,omitempty" json:"burst,omitempty" jsonschema:"With kind RATE: the most at once; the amount unless given."`
	Mode         string    `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"ENFORCE unless given."`
	GracePercent int       `yaml:"gracePercent,omitempty" json:"gracePercent,omitempty" jsonschema:"With mode SOFT: it enforces beyond so many percent over the amount, 1 to 1000."`
	GraceSeconds int       `yaml:"graceSeconds,omitempty" json:"graceSeconds,omitempty" jsonschema:"With mode SOFT: it enforces once it has been exceeded for so long, 1 to 2592000."`
	FailMode     string    `yaml:"failMode,omitempty" json:"failMode,omitempty" jsonschema:"What happens while its state can't be known; CLOSED for quotas and OPEN otherwise, unless given."`
	RefundErrors bool      `yaml:"refundErrors,omitempty" json:"refundErrors,omitempty" jsonschema:"Whether what a request took is given back after a 5xx."`
	Adaptive     *Adaptive `yaml:"adaptive,omitempty" json:"adaptive,omitempty" jsonschema:"The rule by which it tightens while the upstream is unwell."`
}

// Adaptive is the rule by which a limit tightens.
type Adaptive struct {
	ErrorPercent int `yaml:"errorPercent,omitempty" json:"errorPercent,omitempty" jsonschema:"Percent of 5xx above which it tightens, 1 to 100."`
	SlowMs       int `yaml:"slowMs,omitempty" json:"slowMs,omitempty" jsonschema:"Milliseconds above which an answer is slow, 1 to 600000."`
	SlowPercent  int `yaml:"slowPercent,omitempty" json:"slowPercent,omitempty" jsonschema:"With slowMs: percent of slow answers above which it tightens, 1 to 100."`
	FloorPercent int `yaml:"floorPercent" json:"floorPercent" jsonschema:"The least it tightens to, in percent of the amount, 1 to 99."`
}

// Defaults are the tiers of those that have none of their own.
type Defaults struct {
	Tier          string `yaml:"tier" json:"tier" jsonschema:"The name of the tier of accounts without one."`
	AnonymousTier string `yaml:"anonymousTier,omitempty" json:"anonymousTier,omitempty" jsonschema:"The name of the tier of callers known by their address only; left out, they are refused."`
	origin        origin
}

// Account is an account. Its keys are not here: secrets don't belong into files.
type Account struct {
	Name       string            `yaml:"name" json:"name" jsonschema:"Unique, 1 to 128 characters."`
	Tier       string            `yaml:"tier,omitempty" json:"tier,omitempty" jsonschema:"The name of its tier; the default one unless given."`
	Status     string            `yaml:"status,omitempty" json:"status,omitempty" jsonschema:"ACTIVE or SUSPENDED; left out, it stays as it is."`
	TimeZone   string            `yaml:"timeZone,omitempty" json:"timeZone,omitempty" jsonschema:"IANA time zone of its periods; UTC unless given."`
	BillingDay int               `yaml:"billingDay,omitempty" json:"billingDay,omitempty" jsonschema:"Day of the month on which its billing period begins, 1 to 31; 1 unless given."`
	Labels     map[string]string `yaml:"labels,omitempty" json:"labels,omitempty" jsonschema:"All of its labels; left out, they stay as they are."`
	Overrides  []Override        `yaml:"overrides,omitempty" json:"overrides,omitempty" jsonschema:"What it has instead of its tier's limits; the whole list. Left out, they stay as they are."`
	Identities []Identity        `yaml:"identities,omitempty" json:"identities,omitempty" jsonschema:"How it is known apart from keys; the whole list. Left out, they stay as they are."`
	origin     origin
}

// Override is what an account has instead of one limit of its tier.
type Override struct {
	Limit  string     `yaml:"limit" json:"limit" jsonschema:"The name of a limit of its tier."`
	Amount int64      `yaml:"amount" json:"amount" jsonschema:"Instead of the limit's amount."`
	Burst  int64      `yaml:"burst,omitempty" json:"burst,omitempty" jsonschema:"Instead of the limit's burst; the limit's unless given."`
	Mode   string     `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"Instead of the limit's mode; the limit's unless given."`
	Until  *time.Time `yaml:"until,omitempty" json:"until,omitempty" jsonschema:"When it ends, in RFC 3339; never unless given."`
	Note   string     `yaml:"note,omitempty" json:"note,omitempty" jsonschema:"Why it is there, at most 500 characters."`
}

// Identity is a name other than a key that stands for an account.
type Identity struct {
	Kind   string `yaml:"kind" json:"kind" jsonschema:"What it is read from."`
	Value  string `yaml:"value" json:"value" jsonschema:"The JWT's subject, or the certificate's name."`
	Issuer string `yaml:"issuer,omitempty" json:"issuer,omitempty" jsonschema:"With a JWT: who must have issued it; anybody whom Envoy trusts unless given."`
}

// origin is where an object stands.
type origin struct {
	file string
	line int
}

// FaultError is a mistake in a file, with what to do.
type FaultError struct {
	File    string
	Line    int
	Field   string // path in the object; empty for the object itself
	Message string
}

func (f FaultError) Error() string {
	text := f.Message
	if f.Field != "" {
		text = f.Field + ": " + text
	}
	if f.File == "" {
		return text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, text)
}

func (o origin) fault(format string, args ...any) FaultError {
	return FaultError{File: o.file, Line: o.line, Message: fmt.Sprintf(format, args...)}
}

// Same says whether two overrides do the same.
func (o Override) Same(other Override) bool {
	until, otherUntil := o.Until, other.Until
	o.Until, other.Until = nil, nil
	return o == other && (until == nil) == (otherUntil == nil) && (until == nil || until.Equal(*otherUntil))
}
