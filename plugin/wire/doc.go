// Package wire holds the formats that the filter and the control plane exchange:
// the snapshot (policy, down), the batch (usage, up) and its receipt.
//
// In comes a [Policy], a [Batch] or a [Receipt]; out go bytes, and the other way
// round. Decoders trust nothing: bytes are refused as a whole with
// [ErrMalformed] when a bit of them was damaged, or when they say something that
// the encoder would not have written ([Open] names two things that it leaves to
// [Compile]). Batches and receipts are canonical: whatever decodes, encodes to
// the same bytes again. Nothing panics or allocates more than a small multiple
// of the input; a snapshot is used in place.
//
// Encoders refuse values out of bounds with [ErrInvalid], which names the field.
//
// The package is pure and keeps nothing, so a crash loses nothing of it. It is
// compiled into the filter and therefore keeps away from reflection (fmt,
// encoding/json), which would double the module.
package wire
