package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/pack"
	"github.com/weirhq/weir/controlplane/usage"
)

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
