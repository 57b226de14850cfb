// Package wire holds the formats that the filter and the control plane exchange
// about usage: the batch (counts, custom meters, levels, verdicts, samples of
// denials and of requests that no endpoint matched, up) and its receipt, the report of the leases that an Envoy holds on quotas (up)
// and the ledger's reply. Policy travels in package book's formats.
//
// In comes a [Batch], a [Receipt], a [LeaseReport] or a [LeaseReply]; out go
// bytes, and the other way round. Decoders trust nothing: bytes are refused as a
// whole with [ErrMalformed] when a bit of them was damaged, or when they say
// something that the encoder would not have written. What decodes, encodes to
// the same bytes again. Nothing panics or allocates more than a small multiple
// of the input.
//
// Encoders refuse values out of bounds with [ErrInvalid], which names the field.
//
// The package is pure and keeps nothing, so a crash loses nothing of it. It is
// compiled into the filter and therefore keeps away from reflection (fmt,
// encoding/json), which would double the module.
package wire
