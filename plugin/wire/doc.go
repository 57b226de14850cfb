// Package wire holds the two formats that the filter and the control plane
// exchange: the snapshot (policy, down) and the batch (usage, up).
//
// In comes a [Policy] or a [Batch]; out go bytes, and the other way round.
// Decoders trust nothing: any byte string either decodes into a value that the
// encoder could have written, or is refused as a whole with [ErrMalformed].
// They never panic and never allocate more than a small multiple of the input.
//
// The package is pure and is compiled into the filter, so it keeps away from
// reflection (fmt, encoding/json), which would double the module.
package wire
