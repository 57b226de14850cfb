package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Dimensions lists them all.
var Dimensions = [...]Dimension{ByAccount, ByKey, ByEndpoint, ByStatus, ByDecision, ByTier}

// Export is a question whose whole answer is read row by row, however large it
// is.
type Export struct {
	From, To    time.Time
	Granularity *controlplane.Granularity // nil: one row for each group
	Zone        *time.Location
	GroupBy     []Dimension
	Filter      controlplane.UsageFilter
	Meters      []controlplane.ID // each once
	OwnZone     bool              // see Question
}

// ExportRow is what a group used in one bucket.
type ExportRow struct {
	At     time.Time // when the bucket begins, or the range
	Values []int64   // of the dimensions
	Names  []string  // of what those name; empty for none, and for what was deleted
	// Identity says that the value of ByKey is that of an identity, not of a key.
	Identity bool
	Totals   controlplane.Totals
	Meters   []MeterAmount // in the order of the export
}

// maxExportPoints bounds the points that don't begin with a bucket of the rollup
// that they are read from: a year of hours.
const maxExportPoints = 366 * 24

// Plan returns what answers an export. Its points are nil when the buckets that
// are read are the points.
func (e Export) Plan(kept Kept) (Plan, error) {
	for i, d := range e.GroupBy {
		if slices.Contains(e.GroupBy[:i], d) {
			return Plan{}, controlplane.Invalid("input.groupBy", "name each dimension once")
		}
	}
	for i, id := range e.Meters {
		if slices.Contains(e.Meters[:i], id) {
			return Plan{}, controlplane.Invalid("meters", "name each meter once")
		}
	}
	if err := checkMeters("meters", e.Meters, e.GroupBy, e.Filter); err != nil {
		return Plan{}, err
	}
	q := Question{From: e.From, To: e.To, Granularity: e.Granularity, Zone: e.Zone, Filter: e.Filter, Meters: e.Meters, OwnZone: e.OwnZone}
	r, err := widen(controlplane.Range{From: e.From, To: e.To}, q.step(), e.Zone)
	if err != nil {
		return Plan{}, err
	}
	if e.Granularity == nil || *e.Granularity != controlplane.ByMinute && e.Zone != time.UTC {
		return q.coverUpTo(r, kept, maxExportPoints)
	}
	if r.From.Before(kept[*e.Granularity]) {
		return Plan{}, q.gone(controlplane.Stretch{Granularity: *e.Granularity, Range: r}, kept)
	}
	return Plan{Range: r, Parts: []Part{{Level: *e.Granularity, Range: r}}}, nil
}

// Pieces cuts the plan of an export into stretches of whole points, in their order:
// first a single one, so that its rows come soon, and each next one of twice as
// many.
func (e Export) Pieces(p Plan) (pieces []Plan) {
	if e.Granularity == nil {
		return []Plan{p}
	}
	starts := p.Points
	switch {
	case p.Dates != nil:
		starts = p.Dates
	case starts == nil:
		for t := p.From; t.Before(p.To); t = e.Granularity.Next(t) {
			starts = append(starts, t)
		}
	}
	for i, n := 0, 1; i < len(starts); i, n = i+n, 2*n {
		piece := controlplane.Range{From: starts[i], To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
		if i+n < len(starts) {
			piece.To = starts[i+n]
		}
		pieces = append(pieces, p.within(piece))
	}
	return pieces
}

// within returns the parts of a plan in a range that ends with buckets of them.
func (p Plan) within(r controlplane.Range) Plan {
	parts := p.Parts
	p.Parts = nil
	for _, part := range parts {
		if part.From.Before(r.From) {
			part.From = r.From
		}
		if r.To.Before(part.To) {
			part.To = r.To
		}
		if part.From.Before(part.To) {
			p.Parts = append(p.Parts, part)
		}
	}
	return p
}

// OnRollups reads from the rollups themselves what of a plan is read from cubes at
// their levels: custom meters are in no cube.
func (p Plan) OnRollups() Plan {
	parts := p.Parts
	p.Parts = nil
	for _, part := range parts {
		part.Cube, part.Tabled = NoCube, false
		p.Parts = join(p.Parts, part)
	}
	return p
}
