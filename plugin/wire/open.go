package wire

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// Open verifies b, and keeps it; b may not change afterwards. It checks length,
// checksum, every reference, every order that a search relies on and every
// bound of a value, so that the methods of the snapshot need no check. (That
// ids of keys and names of tiers are unique is Compile's to ensure.)
// It fails with [ErrMalformed].
func Open(b []byte) (*Snapshot, error) {
	s, err := split(b)
	if err != nil {
		return nil, err
	}
	for _, verify := range []func() string{
		s.endpointsFault, s.tiersFault, s.limitsFault, s.accountsFault, s.keysFault, s.trieFault,
	} {
		if what := verify(); what != "" {
			return nil, frame.Malformed("snapshot: " + what)
		}
	}
	return s, nil
}

// split verifies frame and header and finds the sections.
func split(b []byte) (*Snapshot, error) {
	if _, err := frame.Unseal(b, magicSnapshot); err != nil {
		return nil, err
	}
	if len(b) < headerBytes+frame.SumBytes {
		return nil, frame.Malformed("snapshot: too short for a header")
	}
	s := &Snapshot{version: frame.U64(b, 8)}
	if s.version-1 >= MaxNumber || frame.U32(b, frame.MagicBytes) != 0 || frame.U32(b, headerBytes-4) != 0 {
		return nil, frame.Malformed("snapshot: header")
	}
	rest := b[headerBytes : len(b)-frame.SumBytes]
	for i := range s.sections {
		count := uint64(frame.U32(b, countsAt+4*i))
		size := count * uint64(recordBytes[i])
		if count > recordMaxima[i] || size > uint64(len(rest)) {
			return nil, frame.Malformed("snapshot: section " + strconv.Itoa(i) + " is longer than the rest")
		}
		s.sections[i], rest = rest[:size:size], rest[size:]
		s.counts[i] = int(count)
	}
	if len(rest) != 0 {
		return nil, frame.Malformed("snapshot: bytes after the last section")
	}
	s.text = string(s.sections[texts])
	return s, nil
}

// record returns a record of a section; i is below the section's count.
func (s *Snapshot) record(of section, i int) []byte {
	size := recordBytes[of]
	return s.sections[of][i*size:][:size]
}

// label reads a text reference of a verified record.
func (s *Snapshot) label(r []byte, at int) string {
	text, _ := s.checkedLabel(r, at)
	return text
}

// checkedLabel reads a text reference, and reports false for one that points
// outside the texts.
func (s *Snapshot) checkedLabel(r []byte, at int) (text string, ok bool) {
	from, length := uint64(frame.U32(r, at)), uint64(frame.U32(r, at+4))
	if from+length > uint64(len(s.text)) {
		return "", false
	}
	return s.text[from : from+length], true
}

func brokenAt(noun string, i int) string { return noun + " " + strconv.Itoa(i) + " in the list" }

// ascends reports whether id is in bounds and above the one before.
func ascends(id, before uint64) bool { return id > before && id <= MaxNumber }

func (s *Snapshot) endpointsFault() string {
	var before uint64
	for i := range s.counts[endpoints] {
		r := s.record(endpoints, i)
		id := frame.U64(r, 0)
		if !ascends(id, before) || frame.U32(r, 8)-1 >= MaxCost || frame.U32(r, 12) != 0 {
			return brokenAt("endpoint", i)
		}
		before = id
	}
	return ""
}

func (s *Snapshot) tiersFault() string {
	var before uint64
	var limit uint32
	for i := range s.counts[tiers] {
		r := s.record(tiers, i)
		id := frame.U64(r, 0)
		name, ok := s.checkedLabel(r, 8)
		if !ok || !ascends(id, before) || frame.TextFault("name", name, 1, MaxTierNameBytes) != "" ||
			frame.U32(r, 16) != limit || frame.U32(r, 20) > MaxTierLimits {
			return brokenAt("tier", i)
		}
		before = id
		limit += frame.U32(r, 20) // at most MaxTiers times MaxTierLimits
	}
	if int(limit) != s.counts[limits] {
		return "the tiers don't own all limits"
	}
	return ""
}

func (s *Snapshot) limitsFault() string {
	for i := range s.counts[tiers] {
		t := s.Tier(i)
		for n := range t.Limits {
			r := s.record(limits, t.FirstLimit+n)
			endpoint := frame.U32(r, 28)
			name, ok := s.checkedLabel(r, 32)
			l := Limit{ID: frame.U64(r, 0), Amount: frame.U64(r, 8), Burst: frame.U64(r, 16), PeriodSeconds: frame.U32(r, 24), Name: name}
			if !ok || l.fault() != "" || endpoint != none && int(endpoint) >= s.counts[endpoints] {
				return brokenAt("limit", t.FirstLimit+n)
			}
			for o := range n {
				if other := s.Limit(t.FirstLimit + o); other.ID == l.ID || other.Name == l.Name {
					return brokenAt("limit", t.FirstLimit+n)
				}
			}
		}
	}
	return ""
}

// accountsFault and keysFault walk what may be a hundred thousand records, so
// they do without a call for each.
func (s *Snapshot) accountsFault() string {
	size := recordBytes[accounts]
	last := uint64(0)
	for rest := s.sections[accounts]; len(rest) > 0; rest = rest[size:] {
		r := rest[:16]
		id := binary.LittleEndian.Uint64(r)
		tier, flags := binary.LittleEndian.Uint32(r[8:]), binary.LittleEndian.Uint32(r[12:])
		if id <= last || id > MaxNumber || int(tier) >= s.counts[tiers] || flags&^flagSuspended != 0 {
			return brokenAt("account", s.counts[accounts]-len(rest)/size)
		}
		last = id
	}
	return ""
}

func (s *Snapshot) keysFault() string {
	size := recordBytes[keys]
	var before []byte
	lastPrefix := uint64(0)
	for rest := s.sections[keys]; len(rest) > 0; rest = rest[size:] {
		r := rest[:48]
		// Nearly always the first 8 bytes tell the order of two digests.
		prefix := binary.BigEndian.Uint64(r)
		ordered := prefix > lastPrefix || before == nil ||
			prefix == lastPrefix && bytes.Compare(before, r[:32]) < 0
		id := binary.LittleEndian.Uint64(r[32:])
		account, zero := binary.LittleEndian.Uint32(r[40:]), binary.LittleEndian.Uint32(r[44:])
		if !ordered || id-1 >= MaxNumber || int(account) >= s.counts[accounts] || zero != 0 {
			return brokenAt("key", s.counts[keys]-len(rest)/size)
		}
		before, lastPrefix = r[:32], prefix
	}
	return ""
}

// trieFault checks that the nodes are in the order in which Compile writes them:
// each node's children, edges and methods follow those of the node before it.
// So it is a tree, and each node is reached in one way.
func (s *Snapshot) trieFault() string {
	if s.counts[nodes] == 0 {
		return "a trie without a root"
	}
	child, edge, method := 1, 0, 0
	for i := range s.counts[nodes] {
		r := s.record(nodes, i)
		if child <= i || int(frame.U32(r, 0)) != edge || int(frame.U32(r, 12)) != method {
			return brokenAt("node", i)
		}
		edgesFit := s.branchesFit(edges, edge, frame.U32(r, 4), func(target int) bool {
			child++
			return target == child-1
		})
		edge += int(frame.U32(r, 4))
		if param := int(frame.U32(r, 8)); param != 0 {
			if param != child {
				return brokenAt("node", i)
			}
			child++
		}
		methodsFit := s.branchesFit(methods, method, frame.U32(r, 16), func(target int) bool {
			return target < s.counts[endpoints]
		})
		method += int(frame.U32(r, 16))
		if !edgesFit || !methodsFit {
			return brokenAt("node", i)
		}
	}
	if child != s.counts[nodes] || edge != s.counts[edges] || method != s.counts[methods] {
		return "the nodes don't own all nodes, edges and methods"
	}
	return ""
}

// branchesFit checks n branches from first on: in range, sorted by label, and
// with targets that suit.
func (s *Snapshot) branchesFit(of section, first int, n uint32, suits func(target int) bool) bool {
	if uint64(first)+uint64(n) > uint64(s.counts[of]) {
		return false
	}
	before, size := "", recordBytes[of]
	rest := s.sections[of][first*size:]
	for i := range int(n) {
		r := rest[i*size:][:12]
		label, ok := s.checkedLabel(r, 0)
		if !ok || !suits(int(frame.U32(r, 8))) || i > 0 && label <= before {
			return false
		}
		before = label
	}
	return true
}
