package wire

// SourceID names one worker's VM for its lifetime. It is random, so that a VM
// that is started anew after a crash can never be taken for the one before it.
type SourceID [16]byte

// Decision is what the filter said of one request.
type Decision uint8

// The decisions. The numbers are part of the format and of the database: they
// are never reused.
const (
	Allowed         Decision = 1 // passed to the upstream
	Throttled       Decision = 2 // refused with 429 by a limit
	Unauthenticated Decision = 3 // refused with 401: no key, or one nobody knows
	Forbidden       Decision = 4 // refused with 403: the account is suspended
	Unready         Decision = 5 // refused with 503: the filter has no snapshot yet
)

// EntryKey is the set of dimensions that usage is counted by.
// Zero stands for "none": no account (nobody identified), no endpoint (the path
// matched no template), no status (the client left before there was one).
type EntryKey struct {
	Minute   int64 // minutes since the Unix epoch, by the filter's clock at stream end
	Account  uint64
	Key      uint64
	Endpoint uint64
	Tier     uint64 // that the request was decided under; 0: none, or refused before a tier was known
	Status   uint16 // HTTP status code, 0 or 100 to 599
	Decision Decision
}

// Entry is what was counted for one key since the source's last batch.
type Entry struct {
	EntryKey
	Requests   uint64    // at least 1
	Shadowed   uint64    // of the requests: those that a shadow limit would have refused
	Cost       uint64    // sum of the endpoints' costs
	BytesIn    uint64    // request headers and body
	BytesOut   uint64    // response headers and body
	DurationUS uint64    // sum of the stream durations, microseconds
	Latency    Histogram // of at most Requests durations
}

// MeterKey is the set of dimensions that custom meters are counted by. Zero stands
// for "none", as in [EntryKey]; a meter there always is.
type MeterKey struct {
	Minute   int64 // minutes since the Unix epoch, by the filter's clock at stream end
	Account  uint64
	Key      uint64
	Endpoint uint64
	Tier     uint64
	Meter    uint64 // at least 1
}

// MeterEntry is what upstreams declared for one key since the source's last batch.
type MeterEntry struct {
	MeterKey
	Requests uint64 // that declared an amount, be it 0; at least 1
	Amount   uint64 // sum of what they declared, in the meter's unit
}

// Level is how much was left of a limit when the worker last decided by it.
type Level struct {
	Account   uint64
	Limit     uint64
	Key       uint64 // of a limit that each key has to itself; 0 for one that the account's keys share
	Remaining int64  // whole units of its measure; negative while in debt
	AtMS      int64  // wall clock of the filter, Unix milliseconds
}

// Verdict is what one limit said of a request when that wasn't a plain yes.
type Verdict uint8

// The verdicts. The numbers are part of the format and of the database: they are
// never reused.
const (
	Denied     Verdict = 1 // it decided the denial
	Over       Verdict = 2 // a soft limit was exceeded, and let the request through
	Shadowed   Verdict = 3 // a shadow limit would have denied
	FailedOpen Verdict = 4 // its state was unknown, and it let the request through
)

// VerdictKey is the set of dimensions that verdicts are counted by.
type VerdictKey struct {
	Minute  int64  // minutes since the Unix epoch, by the filter's clock at stream end
	Account uint64 // 0 for callers known by their address only
	Limit   uint64
	Verdict Verdict
}

// VerdictEntry counts a limit's verdicts of one sort since the source's last batch.
type VerdictEntry struct {
	VerdictKey
	Requests uint64 // at least 1
	Amount   uint64 // units of the limit's measure: refused, let through above the limit, or taken unchecked
}

// Denial is one request that was refused, kept so that its request id answers
// why. Denials are a sample: at most [MaxBatchDenials] a batch.
type Denial struct {
	AtMS         int64  // wall clock of the filter, Unix milliseconds
	RequestID    string // as in x-request-id: 1 to MaxRequestIDBytes; see Printable
	Account      uint64 // 0: nobody identified
	Key          uint64 // 0: none
	Endpoint     uint64 // 0: the path matched no template
	Limit        uint64 // the one that decided; 0 where none did
	Decision     Decision
	Method       string // at most MaxMethodBytes; see Printable
	Path         string // without query, at most MaxDenialPathBytes; see Printable
	RetryAfterMS uint64 // 0: none was given; at most MaxTimeMS
	Levels       []DenialLevel
}

// DenialLevel is where a limit that applied to a refused request stood.
type DenialLevel struct {
	Limit     uint64
	Remaining int64  // whole units of its measure; negative while in debt
	Amount    uint64 // the most it can have left: its burst, window or quota; at most MaxAmount
}

// Unmatched is one request of a known account to a path that no endpoint's template
// matched, and that the upstream answered, kept so that endpoints can be made of what
// is there. They are a sample: at most [MaxBatchUnmatched] a batch, and each such
// request since the batch before is as likely to be in it. All are among the entries
// without an endpoint, which alone count.
type Unmatched struct {
	Method string // 1 to MaxMethodBytes upper-case letters
	Path   string // without query; see PlainRequest
}

// Batch is the counts of one worker since its last flush. A batch that has been
// sent is frozen: the same source and sequence always carry the same content.
//
// A batch with Sequence 0 has empty lists. It is a heartbeat: it tells which
// snapshot the worker runs and how much it has counted, and asks what has been
// committed.
type Batch struct {
	Source   SourceID
	Sequence uint64 // from 1, without gaps
	Node     string // name of the Envoy, from the plugin's configuration; at most 255 bytes, UTF-8, no control characters
	Snapshot uint64 // version of the snapshot that the worker ran when it sent this
	SentMS   int64  // wall clock of the filter when the batch was frozen, Unix milliseconds
	BeganMS  int64  // wall clock of the filter when the source began, Unix milliseconds
	// Counted is how many requests the source has counted since it began: those in
	// the batches up to and with this one; in a heartbeat all, also those that are
	// in no batch yet. What was counted and never arrives, is missing. At most
	// MaxNumber, where it stays.
	Counted  uint64
	Entries  []Entry
	Meters   []MeterEntry
	Levels   []Level
	Verdicts []VerdictEntry
	Denials  []Denial // in any order

	Unmatched []Unmatched // in any order
}

// Bounds that an encoder keeps and a decoder enforces.
const (
	MaxBatchBytes   = 4 << 20
	MaxBatchEntries = 65_536
	MaxBatchLevels  = 65_536
	MaxBatchMeters  = 16_384

	MaxBatchVerdicts   = 16_384
	MaxBatchDenials    = 256
	MaxDenialLevels    = 32
	MaxRequestIDBytes  = 64
	MaxMethodBytes     = 20
	MaxDenialPathBytes = 256

	MaxBatchUnmatched     = 8
	MaxUnmatchedPathBytes = 256

	MaxNodeBytes = 255
	// MaxAmount bounds what a limit allows, in units of its measure.
	MaxAmount = 1_000_000_000_000

	// MaxDeclared bounds what an upstream declares for a custom meter with one
	// response. With it, a filter that keeps an hour of 20,000 such responses a
	// second in one sum stays within MaxBatchTotal.
	MaxDeclared = 1_000_000_000
	// MaxFrozen is how many batches of a source may await their commit: it makes
	// batch s only once it was told that all up to s-MaxFrozen are committed.
	MaxFrozen = 8
	// MaxNumber bounds identifiers, sequences and versions: they fit into the
	// database's 63 bits.
	MaxNumber = 1<<63 - 1
	// MaxBatchTotal bounds each count, summed over all entries of a batch, so
	// that no sum of a hundred batches overflows 63 bits.
	MaxBatchTotal = 1 << 56
	// MaxTimeMS is the end of the year 9999, in Unix milliseconds.
	MaxTimeMS = 253_402_300_799_999
)

// Receipt is the edge's answer to a batch, and how far the source's batches have
// got. Committed is contiguous: every sequence up to and including it. A batch
// that the database holds needs no log: Committed may be above Accepted.
type Receipt struct {
	Accepted  uint64 // the log holds the batch with this sequence
	Committed uint64 // the database holds it; the filter may forget it
}
