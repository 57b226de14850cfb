// Package book holds the policy as the filter uses it: compiled, cut into
// segments, and searched in place.
//
// In comes a [Policy]; out goes a [Set] of segments: the core (endpoints, groups,
// plans, limits, custom meters) and the shards, which hold the keys by the first bits of their
// digests. A segment holds no version and refers to others by id only, so what
// doesn't change keeps its bytes from version to version, and segments of
// different versions never misread each other: an edit of a key travels as one
// shard, of a tier as the core.
//
//	Policy ─ Compile ─▶ Set ─ Changes ─▶ EncodeUpdate ─▶ DecodeUpdate ─▶ OpenCore, OpenShard ─▶ shared data
//	                                                                                  │
//	            MatchEndpoint, Applies, Find ◀─ TrustCore, TrustShard ◀─ Manifest ◀───┘
//
// [OpenCore] and [OpenShard] trust nothing: they refuse bytes as a whole with
// [ErrMalformed] when a bit of them was damaged or when they say something that
// Compile would not have written. [TrustCore] and [TrustShard] open what this
// process has verified before, without a pass over it, and yet nothing that they
// return panics or searches for long, whatever the bytes.
//
// The package is pure and keeps nothing, so a crash loses nothing of it: the
// publisher compiles again, and segments and manifest survive in shared data.
// It is compiled into the filter and keeps away from reflection.
package book
