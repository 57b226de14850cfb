package meter

import (
	"bytes"
	"slices"

	"github.com/weirhq/weir/plugin/wire"
)

// Bounds of the shelf, bytes.
const (
	maxShelfBytes = 20 << 20
	runBytes      = 96 // of a run itself
)

// detail is how much of its usage a run still tells apart.
type detail uint8

const (
	everything detail = iota
	noLatency
	noEndpoint // nor key
	noStatus   // nor tier
	buried     // not in a run: on the ground
)

// run is usage that awaits its freezing: the counts of a batch, encoded.
type run struct {
	body     []byte
	requests uint64
	detail   detail

	entries, meters, verdicts, bins int
}

// shelf is the runs, the oldest first. An older run tells no more apart than a
// newer one.
type shelf struct {
	runs     []run
	bytes    int
	requests uint64
	scratch  []byte
}

// encode makes a run of the lists of b, which are sorted and fit into a batch.
func (s *shelf) encode(b *wire.Batch, d detail) (run, error) {
	body, err := wire.EncodeCounts(s.scratch[:0], b)
	if err != nil {
		return run{}, err
	}
	if s.scratch = body[:0]; cap(body) > maxKeptBytes {
		s.scratch = nil
	}
	r := run{body: bytes.Clone(body), requests: requestsOf(b), detail: d,
		entries: len(b.Entries), meters: len(b.Meters), verdicts: len(b.Verdicts)}
	for i := range b.Entries {
		r.bins += len(b.Entries[i].Latency)
	}
	return r, nil
}

// insert puts a run at a position.
func (s *shelf) insert(i int, r run) {
	s.runs = slices.Insert(s.runs, i, r)
	s.bytes += len(r.body) + runBytes
	s.requests += r.requests
}

// remove takes a run off the shelf.
func (s *shelf) remove(i int) run {
	r := s.runs[i]
	s.runs = slices.Delete(s.runs, i, i+1)
	s.bytes -= len(r.body) + runBytes
	s.requests -= r.requests
	if len(s.runs) == 0 {
		*s = shelf{}
	}
	return r
}

// put encodes the lists of b as run i, together with the run before it if that
// has the same detail and both fit into a batch. It returns how many requests
// were lost, which is none unless memory was damaged.
func (s *shelf) put(i int, b *wire.Batch, d detail) (lost uint64) {
	r, err := s.encode(b, d)
	if err != nil {
		return requestsOf(b)
	}
	if i == 0 || !s.runs[i-1].joins(&r) {
		s.insert(i, r)
		return 0
	}
	before := s.remove(i - 1)
	older, err := wire.DecodeCounts(before.body, d == everything)
	if err != nil {
		s.insert(i-1, r)
		return before.requests
	}
	joined, err := s.encode(join(older, b), d)
	if err != nil { // their sums are too high for one
		s.insert(i-1, before)
		s.insert(i, r)
		return 0
	}
	s.insert(i-1, joined)
	return 0
}

// joins reports whether two runs fit into one.
func (r *run) joins(o *run) bool {
	return r.detail == o.detail && r.entries+o.entries <= maxTakenEntries && r.bins+o.bins <= maxTakenBins &&
		r.meters+o.meters <= maxTakenMeters && r.verdicts+o.verdicts <= maxTakenVerdicts
}

// fold gives up, of the oldest run with the most detail, the detail that is missed
// least. What has none left to give goes to the ground. It returns how many
// requests and how many declarations and verdicts were lost.
func (s *shelf) fold(g *ground) (lost, lostVerdicts uint64) {
	if len(s.runs) == 0 {
		return 0, 0
	}
	i := slices.IndexFunc(s.runs, func(r run) bool { return r.detail == s.runs[len(s.runs)-1].detail })
	r := s.remove(i)
	b, err := wire.DecodeCounts(r.body, false)
	if err != nil {
		return r.requests, 0
	}
	d := r.detail + 1
	if d == buried {
		return 0, g.bury(b)
	}
	coarsen(b, d)
	return s.put(i, b, d), 0
}
