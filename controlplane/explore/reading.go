package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/pack"
)

// Bounds of what is read from packs for one question. Reading them takes a hundredth
// of what rows of the rollups take; what is held for each group is bounded apart.
const (
	maxPackedRows = 40_000_000
	maxGroups     = 2_000_000
)

// Packed is the packed rows of one bucket.
type Packed struct {
	Part    Part // that it belongs to
	Bucket  time.Time
	Sums    []byte
	Latency []byte // if wanted
}

// reading decodes packs one after the other, in the same room.
type reading struct {
	dimensions []Dimension
	filter     [len(Dimensions)][]int64
	read       int // rows so far
	slot       []int32
	columns    [MaxDimensions][]int64
	room       []int64
}

func newReading(dimensions []Dimension, f controlplane.UsageFilter) reading {
	r := reading{dimensions: dimensions}
	for _, id := range f.Accounts {
		r.filter[ByAccount] = append(r.filter[ByAccount], int64(id))
	}
	for _, id := range f.Keys {
		r.filter[ByKey] = append(r.filter[ByKey], int64(id))
	}
	for _, id := range f.Endpoints {
		r.filter[ByEndpoint] = append(r.filter[ByEndpoint], int64(id))
	}
	for _, id := range f.Tiers {
		r.filter[ByTier] = append(r.filter[ByTier], int64(id))
	}
	for _, n := range f.Statuses {
		r.filter[ByStatus] = append(r.filter[ByStatus], int64(n))
	}
	for _, n := range f.Decisions {
		r.filter[ByDecision] = append(r.filter[ByDecision], int64(n))
	}
	return r
}

// open reads a pack's dimensions, and has slot tell the rows that the filter leaves
// out, which are -1, from the others, which are 0.
func (r *reading) open(sums []byte) (p pack.Pack, err error) {
	if p, err = pack.Read(sums); err != nil {
		return p, err
	}
	if r.read += p.Rows(); r.read > maxPackedRows {
		return p, TooLarge("would read more than " + millions(maxPackedRows) + " sums")
	}
	r.slot = slices.Grow(r.slot[:0], p.Rows())[:p.Rows()]
	clear(r.slot)
	for d, wanted := range r.filter {
		if len(wanted) == 0 {
			continue
		}
		if r.room, err = p.Column(d, r.room); err != nil {
			return p, err
		}
		for i, v := range r.room {
			if !slices.Contains(wanted, v) {
				r.slot[i] = -1
			}
		}
	}
	for i, d := range r.dimensions {
		if r.columns[i], err = p.Column(int(d), r.columns[i]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// key returns the group of a row.
func (r *reading) key(i int) (k GroupKey) {
	for d := range r.dimensions {
		k[d] = r.columns[d][i]
	}
	return k
}
