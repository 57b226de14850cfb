// Package limit decides whether a request may pass: by token buckets, strict
// sliding windows and leased quotas, in the modes enforce, soft and shadow.
//
// In come a subject's whole state as one byte value, the rules of its plan and
// the time; out go a decision and the state that follows. The package is pure:
// it keeps nothing, reads no clock and does no I/O. Its caller stores the bytes
// where all worker threads see them and replaces them by compare-and-swap, so a
// request costs one get and at most one swap, however many limits it has.
// What survives a crash is whatever holds those bytes.
//
// # What it guarantees
//
// All of it holds for what was admitted net of refunds, by the monotonic clock
// (quotas: the wall clock). Time that goes backward gives nothing.
//
//   - Rate: over every window of length t, admitted ≤ burst + amount/period·t. A
//     client that always has a request ready gets less than one token below
//     that. Refill is computed, not ticked, with integers only: the fraction of
//     a token that is left over is kept, so nothing drifts.
//   - Window: over every window of one period, admitted ≤ amount. The period is
//     counted in 32 parts and an admission counts until the part it fell into is
//     wholly a period old, so a client that always has a request ready gets
//     amount in each 33/32 of a period: it loses at most one part in 33.
//   - Quota: within one lease, admitted ≤ granted, unless the limit fails open.
//     No step of the wall clock gives a lease twice.
//   - All or nothing: a request is charged to every limit that applies or none.
//
// Bytes are known only at a stream's end, and so is a cost above the reserve.
// [Settle] charges them then; the limit may go into debt, and the next request
// waits until it is paid. The guarantees hold for what was known on admission.
//
// # Modes
//
// A soft limit lets through what an enforcing one would deny and marks it, in
// [Decision].Over. What is over is not charged to the limit itself, so the marks
// are exactly the denials of the same limit in mode Enforce. With a grace
// percentage a second, scaled limit stands behind it and does enforce; with
// grace seconds an episode begins with the first request over the limit, and
// once it has lasted that long the limit enforces. The episode ends when the
// limit has recovered: a rate is full, a window at most half used.
//
// A shadow limit is judged and charged as if it alone were added to the limits
// that enforce, and decides nothing.
//
// # Edits
//
// An edit never mints. A rate counts the time since its last use at the slower
// of both rates and under the smaller of both bursts, so for a window of time in
// which it changes the bound is the burst in force when the window begins plus
// the integral of the rate in force. A sliding window keeps its counts; after a
// change of period they count as late as they can have been. A quota keeps its
// lease. A limit that is new to the subject, or whose kind or measure changed,
// begins as new: that is what its operator asked for. A higher epoch begins all
// of them anew.
//
// Bytes that this package did not write are refused with [ErrMalformed]; no
// input panics.
package limit
