// Package limit decides whether a request may pass, by exact token buckets.
//
// In come an account's whole state as one byte value, the rules of its tier and
// the time; out go a decision and the state that follows. The package is pure:
// it keeps nothing, reads no clock and does no I/O. Its caller stores the bytes
// where all worker threads see them and replaces them by compare-and-swap, so a
// request costs one get and at most one swap, however many limits it has.
// What survives a crash is whatever holds those bytes.
//
// What it guarantees for each limit, over every window of length t by the
// monotonic clock: admitted cost ≤ burst + amount/period·t, and a client that
// always has a request ready gets less than one token below that. (With a burst
// of 1 it loses, besides, what is left of the nanosecond in which each token
// comes.) Refill is computed, not ticked, with integers only: the fraction of a
// token that is left over is kept, so nothing drifts. Time that goes backward
// gives nothing.
//
// An edit of a limit never mints tokens. For a window in which the policy
// changes the guarantee becomes: burst of the policy in force when the window
// begins, plus the integral of the rate in force. A limit that is new to the
// account begins full.
//
// Bytes that this package did not write are refused with [ErrMalformed]; no
// input panics.
package limit
