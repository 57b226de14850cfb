package explore

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/pack"
	"github.com/weirhq/weir/controlplane/usage"
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

// Ranking finds the largest groups.
type Ranking struct {
	reading
	figure int
	at     map[GroupKey]int32
	sums   []int64
	keys   []GroupKey
	next   []int32 // the group that followed each one in the last pack
}

// NewRanking returns one without groups.
func NewRanking(dimensions []Dimension, f controlplane.UsageFilter, by Measure) *Ranking {
	return &Ranking{reading: newReading(dimensions, f), figure: by.figure(), at: map[GroupKey]int32{}}
}

// Add adds to what a group has.
func (r *Ranking) Add(k GroupKey, n int64) error {
	i, err := r.find(k)
	if err != nil {
		return err
	}
	return r.add(i, n)
}

// find returns the number of a group, which it makes if there is none.
func (r *Ranking) find(k GroupKey) (int32, error) {
	if i, ok := r.at[k]; ok {
		return i, nil
	}
	if len(r.sums) == maxGroups {
		return 0, TooLarge("has more than " + millions(maxGroups) + " groups")
	}
	i := int32(len(r.sums))
	r.at[k] = i
	r.sums, r.keys, r.next = append(r.sums, 0), append(r.keys, k), append(r.next, 0)
	return i, nil
}

func (r *Ranking) add(i int32, n int64) error {
	sum, ok := plus(r.sums[i], n)
	if !ok {
		return errSum
	}
	r.sums[i] = sum
	return nil
}

// AddPacked adds what a pack has.
func (r *Ranking) AddPacked(packed Packed) error {
	p, err := r.open(packed.Sums)
	if err != nil {
		return err
	}
	if r.room, err = p.Column(len(Dimensions)+r.figure, r.room); err != nil {
		return err
	}
	// Packs have their rows in one order, so that a row's group mostly comes after the
	// one that it came after in the last pack; looking there is quicker than hashing.
	last := int32(-1)
	for i, n := range r.room {
		if r.slot[i] < 0 {
			continue
		}
		k := r.key(i)
		var group int32
		if last >= 0 && r.keys[r.next[last]] == k {
			group = r.next[last]
		} else if group, err = r.find(k); err != nil {
			return err
		}
		if last >= 0 {
			r.next[last] = group
		}
		last = group
		if err := r.add(group, n); err != nil {
			return err
		}
	}
	return nil
}

// Top returns the largest groups after a place, if there is one, and how many there
// are in all.
func (r *Ranking) Top(most int, after *Place) (keys []GroupKey, count int) {
	order := func(a, b GroupKey) int {
		return cmp.Or(cmp.Compare(r.sums[r.at[b]], r.sums[r.at[a]]), slices.Compare(a[:], b[:]))
	}
	for k, i := range r.at {
		if after != nil && after.Compare(Place{Value: r.sums[i], Key: k}) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(keys, k, order)
		if at == most {
			continue
		}
		if len(keys) == most {
			keys = keys[:most-1]
		}
		keys = slices.Insert(keys, at, k)
	}
	return keys, len(r.at)
}

// Fold adds packs up by the group's rank and the point; rank 0 is what is not among
// the groups.
type Fold struct {
	reading
	plan      Plan
	latencies bool
	ranks     map[GroupKey]int32
	first     []int64 // values of the first dimension that groups have
	cells     []cell  // by rank and point
	points    int
	sums      []int64 // by rank, of one pack
}

type cell struct {
	used    bool
	figures RowFigures
	latency usage.LatencySum
}

// NewFold returns an empty one.
func NewFold(p Plan, dimensions []Dimension, f controlplane.UsageFilter, keys []GroupKey, latencies bool) *Fold {
	if len(keys) == 0 {
		dimensions = nil
	}
	fold := &Fold{reading: newReading(dimensions, f), plan: p, latencies: latencies, points: max(1, len(p.Points)), ranks: map[GroupKey]int32{}}
	for i, k := range keys {
		fold.ranks[k] = int32(i + 1)
		if !slices.Contains(fold.first, k[0]) {
			fold.first = append(fold.first, k[0])
		}
	}
	fold.cells = make([]cell, (len(keys)+1)*fold.points)
	fold.sums = make([]int64, len(keys)+1)
	return fold
}

// Add adds what a pack has.
func (f *Fold) Add(packed Packed) error {
	p, err := f.open(packed.Sums)
	if err != nil {
		return err
	}
	f.rank()
	point, away := f.pointsOf(packed)
	if point == away {
		return nil
	}
	if err := f.addFigures(&p, point, away); err != nil || !f.latencies {
		return err
	}
	return f.addLatencies(&p, packed.Latency, point, away)
}

// rank has slot tell the ranks of rows.
func (f *Fold) rank() {
	if len(f.dimensions) == 0 {
		return
	}
	const few = 16 // that are compared sooner than hashed
	for i, v := range f.columns[0] {
		if f.slot[i] == 0 && (len(f.first) > few || slices.Contains(f.first, v)) {
			f.slot[i] = f.ranks[f.key(i)]
		}
	}
}

// pointsOf returns the point that a pack is added to, and the one that it is taken
// away from; -1 is none.
func (f *Fold) pointsOf(packed Packed) (point, away int) {
	noon := controlplane.ByDay.Truncate(packed.Bucket).Add(12 * time.Hour)
	switch {
	case len(f.plan.Points) == 0 && packed.Part.Moved:
		return 0, 0
	case len(f.plan.Points) == 0:
		return 0, -1
	case packed.Part.Noon:
		return f.plan.PointOf(noon), -1
	case packed.Part.Moved:
		return f.plan.PointOf(packed.Bucket), f.plan.PointOf(noon)
	}
	return f.plan.PointOf(packed.Bucket), -1
}

func (f *Fold) cell(rank, point int) *cell { return &f.cells[rank*f.points+point] }

func (f *Fold) addFigures(p *pack.Pack, point, away int) (err error) {
	for figure := range figureCount {
		if p.Zero(len(Dimensions) + figure) {
			continue
		}
		if f.room, err = p.Column(len(Dimensions)+figure, f.room); err != nil {
			return err
		}
		clear(f.sums)
		for i, n := range f.room {
			if slot := f.slot[i]; slot >= 0 {
				sum, ok := plus(f.sums[slot], n)
				if !ok {
					return errSum
				}
				f.sums[slot] = sum
			}
		}
		for rank, n := range f.sums {
			if n == 0 {
				continue
			}
			if err := f.cell(rank, point).add(figure, n); err != nil {
				return err
			}
			if away < 0 {
				continue
			}
			if err := f.cell(rank, away).add(figure, -n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cell) add(figure int, n int64) error {
	c.used = true
	sum, ok := plus(c.figures[figure], n)
	if !ok {
		return errSum
	}
	c.figures[figure] = sum
	return nil
}

func (f *Fold) addLatencies(p *pack.Pack, texts []byte, point, away int) (err error) {
	var text []byte
	for i := range p.Rows() {
		if text, texts, err = pack.NextString(texts); err != nil {
			return err
		}
		slot := int(f.slot[i])
		if len(text) == 0 || slot < 0 {
			continue
		}
		to := f.cell(slot, point)
		to.used = true
		if err := to.latency.Add(text, 1); err != nil {
			return err
		}
		if away < 0 {
			continue
		}
		if err := f.cell(slot, away).latency.Add(text, -1); err != nil {
			return err
		}
	}
	return nil
}

// Each gives what there is by rank and point.
func (f *Fold) Each(add func(rank, point int, t controlplane.Totals)) {
	for i := range f.cells {
		c := &f.cells[i]
		if !c.used {
			continue
		}
		t := c.figures.totals()
		t.Latency = c.latency.Histogram()
		add(i/f.points, i%f.points, t)
	}
}
