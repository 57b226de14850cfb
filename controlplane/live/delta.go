package live

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Counts are what the store has committed.
type Counts struct {
	Requests  int64 // all of the below
	Allowed   int64
	Throttled int64
	Corrected int64 // what corrections and imports added, or took away
	BytesIn   int64
	BytesOut  int64
}

// Refused are the requests refused for another reason than a limit.
func (c Counts) Refused() int64 { return c.Requests - c.Allowed - c.Throttled - c.Corrected }

func (c *Counts) add(d Counts) {
	c.Requests += d.Requests
	c.Allowed += d.Allowed
	c.Throttled += d.Throttled
	c.Corrected += d.Corrected
	c.BytesIn += d.BytesIn
	c.BytesOut += d.BytesOut
}

// Scope says whose usage is meant; each field that is not 0 narrows it.
type Scope struct{ Account, Key, Endpoint controlplane.ID }

// Cell is what one caller used of one endpoint in one minute. The account of
// callers that nobody identified is 0, and so on.
type Cell struct {
	Scope
	Minute int64 // since the Unix epoch
	Counts
}

// BatchID names a batch.
type BatchID struct {
	Source   wire.SourceID
	Sequence uint64
}

// Delta is what some batches added, or a part of that: other deltas that name
// the same batches have the rest.
type Delta struct {
	Counts
	Batches  []BatchID
	Cells    []Cell // each scope and minute once; without counts: an account of which a limit was reported
	Accounts map[controlplane.ID]Counts
}

// DeltaOf adds up what batches count.
func DeltaOf(batches []*wire.Batch) Delta {
	d := Delta{}
	for _, b := range batches {
		d.Batches = append(d.Batches, BatchID{b.Source, b.Sequence})
		for i := range b.Entries {
			d.Cells = append(d.Cells, cellOf(&b.Entries[i]))
		}
		for i := range b.Levels {
			d.Cells = append(d.Cells, Cell{Scope: Scope{Account: controlplane.ID(b.Levels[i].Account)}})
		}
	}
	d.merge()
	d.sum()
	return d
}

func cellOf(e *wire.Entry) Cell {
	c := Cell{
		Scope:  Scope{controlplane.ID(e.Account), controlplane.ID(e.Key), controlplane.ID(e.Endpoint)},
		Minute: e.Minute,
		Counts: Counts{Requests: int64(e.Requests), BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut)},
	}
	switch e.Decision {
	case wire.Allowed:
		c.Allowed = c.Requests
	case wire.Throttled:
		c.Throttled = c.Requests
	}
	return c
}

// merge makes cells of the same scope and minute one.
func (d *Delta) merge() {
	slices.SortFunc(d.Cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Minute, b.Minute))
	})
	merged := d.Cells[:0]
	for _, c := range d.Cells {
		if n := len(merged); n > 0 && merged[n-1].Scope == c.Scope && merged[n-1].Minute == c.Minute {
			merged[n-1].add(c.Counts)
			continue
		}
		merged = append(merged, c)
	}
	d.Cells = merged
}

func (d *Delta) sum() {
	d.Accounts = map[controlplane.ID]Counts{}
	for i := range d.Cells {
		c := &d.Cells[i]
		d.add(c.Counts)
		sum := d.Accounts[c.Account]
		sum.add(c.Counts)
		d.Accounts[c.Account] = sum
	}
}

const (
	announcementFormat = 3
	// maxAnnounced is about how long an announcement may get, in bytes: what
	// carries it bounds a message.
	maxAnnounced = 512 << 10
	sourceBytes  = len(wire.SourceID{})
)

// Encode writes the delta as announcements, which add up to it.
func (d Delta) Encode() (payloads [][]byte) {
	if len(d.Cells) == 0 {
		return nil
	}
	head := binary.AppendUvarint([]byte{announcementFormat}, uint64(len(d.Batches)))
	for _, b := range d.Batches {
		head = binary.AppendUvarint(append(head, b.Source[:]...), b.Sequence)
	}
	payload := slices.Clone(head)
	for i := range d.Cells {
		if len(payload) > len(head)+maxAnnounced {
			payloads, payload = append(payloads, payload), slices.Clone(head)
		}
		payload = d.Cells[i].append(payload)
	}
	return append(payloads, payload)
}

func (c *Cell) append(p []byte) []byte {
	for _, n := range c.numbers() {
		p = binary.AppendVarint(p, n)
	}
	return p
}

func (c *Cell) numbers() [10]int64 {
	return [...]int64{int64(c.Account), int64(c.Key), int64(c.Endpoint), c.Minute, c.Requests, c.Allowed, c.Throttled, c.Corrected, c.BytesIn, c.BytesOut}
}

var errUnreadable = errors.New("read announcement: it is not one, or of another version of the control plane")

// Decode reads what Encode wrote.
func Decode(payload []byte) (Delta, error) {
	r := reader{rest: payload}
	d := Delta{}
	if r.byte() != announcementFormat {
		return Delta{}, errUnreadable
	}
	for range r.count(sourceBytes + 1) {
		d.Batches = append(d.Batches, BatchID{r.source(), r.uvarint()})
	}
	for !r.bad && len(r.rest) > 0 {
		var n [10]int64
		for i := range n {
			n[i] = r.varint()
		}
		d.Cells = append(d.Cells, Cell{
			Scope{controlplane.ID(n[0]), controlplane.ID(n[1]), controlplane.ID(n[2])}, n[3],
			Counts{n[4], n[5], n[6], n[7], n[8], n[9]},
		})
	}
	if r.bad {
		return Delta{}, errUnreadable
	}
	d.sum()
	return d, nil
}

// reader reads numbers, and remembers when there were none.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n <= 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, sourceBytes)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte            { return r.take(1)[0] }
func (r *reader) source() wire.SourceID { return wire.SourceID(r.take(sourceBytes)) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.take(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.take(n)
	return v
}

// count reads how many things follow, of so many bytes at least.
func (r *reader) count(bytes int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/bytes) {
		r.take(-1)
		return 0
	}
	return int(n)
}
