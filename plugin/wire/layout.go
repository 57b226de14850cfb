package wire

// A snapshot is, little-endian: a header of magic (4 bytes), zero (4), version
// (8), the number of records of each section (4 each, in the order below), and
// zero up to headerBytes; then the sections, one after the other; then the
// checksum. Records refer to others by index and to texts by offset and length
// in the last section.
// magicSnapshot begins a snapshot in one piece.
const magicSnapshot = "WSn\x01"

type section int

const (
	endpoints section = iota // by ID:     id 8 · cost 4 · zero 4
	tiers                    // by ID:     id 8 · name 4+4 · first limit 4 · limits 4
	limits                   // by tier:   id 8 · amount 8 · burst 8 · period s 4 · endpoint or none 4 · name 4+4
	accounts                 // by ID:     id 8 · tier 4 · flags 4
	keys                     // by digest: digest 32 · id 8 · account 4 · zero 4
	nodes                    // of the trie, parents first: first edge 4 · edges 4 · param node or 0 4 · first method 4 · methods 4
	edges                    // by node and label: label 4+4 · node 4
	methods                  // by node and name:  name 4+4 · endpoint 4
	texts                    // bytes
	sections
)

var recordBytes = [sections]int{16, 24, 40, 16, 48, 20, 12, 12, 1}

var recordMaxima = [sections]uint64{
	endpoints: MaxEndpoints,
	tiers:     MaxTiers,
	limits:    MaxTiers * MaxTierLimits,
	accounts:  MaxAccounts,
	keys:      MaxKeys,
	nodes:     MaxEndpoints*MaxTemplateSegments + 1,
	edges:     MaxEndpoints * MaxTemplateSegments,
	methods:   MaxEndpoints,
	texts:     1 << 28,
}

const (
	headerBytes = 56
	countsAt    = 16

	none          = 1<<32 - 1 // no endpoint
	flagSuspended = 1
)
