package book

import (
	"strconv"
	"unsafe"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// A core is, little-endian: a header of magic (4 bytes), zero (4), the anonymous
// plan's ID (8) and the number of records of each section (4 each, in the order
// below); then the sections, one after the other; then the checksum. Records
// refer to others by index, or by ID where that is said, and to texts by offset
// and length in the last section.
type section int

const (
	groups    section = iota // by ID: id 8 · name 4+4
	endpoints                // by ID: id 8 · group's ID 8 · cost 4 · zero 4
	plans                    // by ID: id 8 · tier 8 · name 4+4 · first ref 4 · refs 4
	names                    // by name: plan 4, of the plans of tiers
	refs                     // by plan and limit's ID: limit 4
	limits                   // each once, in the order of refs: see limit.go
	nodes                    // of the trie, parents first: first edge 4 · edges 4 · param node or 0 4 · first method 4 · methods 4
	edges                    // by node, hash and label: hash 4 · label 4+4 · node 4
	methods                  // by node, hash and name:  hash 4 · name 4+4 · endpoint 4
	meters                   // by ID: id 8 · endpoint's ID 8 · header 4+4 · hidden 4 · zero 4
	scopes                   // by ID: id 8 · reads only 4 · first target 4 · endpoints 4 · groups 4
	targets                  // of scopes, endpoints and then groups by ID: id 8
	texts                    // bytes
	sections
)

var recordBytes = [sections]int{16, 24, 32, 4, 4, limitBytes, 20, branchBytes, branchBytes, meterBytes, scopeBytes, 8, 1}

var recordMaxima = [sections]uint64{
	groups:    MaxGroups,
	endpoints: MaxEndpoints,
	plans:     MaxPlans,
	names:     MaxPlans,
	refs:      MaxPlans * MaxPlanLimits,
	limits:    MaxPlans * MaxPlanLimits,
	nodes:     MaxEndpoints*MaxTemplateSegments + 1,
	edges:     MaxEndpoints * MaxTemplateSegments,
	methods:   MaxEndpoints,
	meters:    MaxMeters,
	scopes:    MaxScopes,
	targets:   MaxScopes * MaxScopeTargets,
	texts:     MaxCoreBytes,
}

// MaxCoreBytes bounds the core. With a hundred limits it has some kilobytes;
// each endpoint adds about 150 bytes and each account with overrides about 120.
const MaxCoreBytes = 64 << 20

const (
	branchBytes = 16

	magicCore   = "WCo\x04"
	anonymousAt = 8
	countsAt    = 16
	headerBytes = countsAt + 4*int(sections)
)

// absent stands for a record that isn't there.
var absent [limitBytes]byte

// Core is the policy but for the keys, searched in place. It is immutable, holds
// on to the bytes it was opened from, and none of its methods allocates or
// panics. Indexes run from 0; for one out of range the zero value is returned.
type Core struct {
	anonymous uint64
	sections  [sections][]byte
	counts    [sections]int
	text      string
}

// TrustCore opens a core that this process verified with [OpenCore] before. It
// reads the header only, and keeps b; b may not change afterwards. It fails with
// [ErrMalformed].
func TrustCore(b []byte) (*Core, error) {
	if len(b) < headerBytes+frame.SumBytes || len(b) > MaxCoreBytes {
		return nil, frame.Malformed(frame.OutOfRange("core: length in bytes", uint64(len(b)), uint64(headerBytes)+frame.SumBytes, MaxCoreBytes))
	}
	if _, err := frame.Unwrap(b, magicCore); err != nil {
		return nil, err
	}
	c := &Core{anonymous: frame.U64(b, anonymousAt)}
	if frame.U32(b, frame.MagicBytes) != 0 {
		return nil, frame.Malformed("core: header")
	}
	rest := b[headerBytes : len(b)-frame.SumBytes]
	for i := range c.sections {
		count := uint64(frame.U32(b, countsAt+4*i))
		size := count * uint64(recordBytes[i])
		if count > recordMaxima[i] || size > uint64(len(rest)) {
			return nil, frame.Malformed("core: section " + strconv.Itoa(i) + " is longer than the rest")
		}
		c.sections[i], rest = rest[:size:size], rest[size:]
		c.counts[i] = int(count)
	}
	if len(rest) != 0 {
		return nil, frame.Malformed("core: bytes after the last section")
	}
	// A string that shares the bytes is sound since they never change; a copy
	// would cost as much memory again in every worker.
	c.text = unsafe.String(unsafe.SliceData(c.sections[texts]), len(c.sections[texts]))
	return c, nil
}

// record returns a record of a section; for an index out of range, zeros.
func (c *Core) record(of section, i int) []byte {
	size := recordBytes[of]
	if uint(i) >= uint(c.counts[of]) {
		return absent[:size]
	}
	return c.sections[of][i*size:][:size]
}

// label reads a text reference; one that points outside the texts is empty.
func (c *Core) label(r []byte, at int) string {
	text, _ := c.checkedLabel(r, at)
	return text
}

// checkedLabel reads a text reference, and reports false for one that points
// outside the texts.
func (c *Core) checkedLabel(r []byte, at int) (text string, ok bool) {
	from, length := uint64(frame.U32(r, at)), uint64(frame.U32(r, at+4))
	if from+length > uint64(len(c.text)) {
		return "", false
	}
	return c.text[from : from+length], true
}
