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
	OwnZone     bool // see Question
}

// ExportRow is what a group used in one bucket.
type ExportRow struct {
	At     time.Time // when the bucket begins, or the range
	Values []int64   // of the dimensions
	Names  []string  // of what those name; empty for none, and for what was deleted
	// Identity says that the value of ByKey is that of an identity, not of a key.
	Identity bool
	Totals   controlplane.Totals
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
	q := Question{From: e.From, To: e.To, Granularity: e.Granularity, Zone: e.Zone, Filter: e.Filter, OwnZone: e.OwnZone}
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
