package explore

import (
	"errors"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/zone"
	"github.com/weirhq/weir/plugin/wire"
)

// Dimension is what usage can be split by.
type Dimension int

// The dimensions.
const (
	ByAccount Dimension = iota
	ByKey
	ByEndpoint
	ByStatus
	ByDecision
	ByTier
)

// Measure is what groups can be ranked by.
type Measure int

// The measures.
const (
	Requests Measure = iota
	Allowed
	Throttled
	Shadowed
	Errors
	Cost
	BytesIn
	BytesOut
)

// Comparison is what a range is compared with.
type Comparison int

// The comparisons.
const (
	WithNothing Comparison = iota
	WithPreviousPeriod
	WithPreviousYear
)

// Question is a question about usage.
type Question struct {
	From, To    time.Time
	Granularity *controlplane.Granularity // nil: totals only
	Zone        *time.Location            // of the points
	GroupBy     []Dimension
	Filter      controlplane.UsageFilter
	OrderBy     Measure
	// OrderByMeter is one of Meters, instead of OrderBy; 0: none.
	OrderByMeter controlplane.ID
	Top          int
	After        *Place // of the group that comes before those of the answer; nil: none does
	Compare      Comparison
	Meters       []controlplane.ID
	// OwnZone says that Zone is that of every account of the filter, so that the
	// rollups in the accounts' own zones answer it too.
	OwnZone bool
	Want    Want
}

// Want says which costlier parts of an answer are of interest.
type Want struct {
	Series       bool
	Latency      bool
	GroupLatency bool // that of groups alone
	UniqueKeys   bool
}

// Bounds of one question.
const (
	MaxDimensions = 3
	MaxTop        = 100
	MaxMeters     = 10
	MaxCells      = 60_000    // points × groups of one answer
	MaxRows       = 8_000_000 // of the rollups that one question may read
	// MaxRowsWithLatency is lower because the database holds the distributions of
	// all of them in memory, some 60 bytes each.
	MaxRowsWithLatency = 4_000_000
)

// Validate returns every mistake in a question that can be seen without knowing
// what is kept.
func (q Question) Validate() error {
	var faults []error
	for i, d := range q.GroupBy {
		if slices.Contains(q.GroupBy[:i], d) {
			faults = append(faults, controlplane.Invalid("input.groupBy", "name each dimension once"))
		}
	}
	if len(q.GroupBy) > MaxDimensions {
		faults = append(faults, controlplane.Invalid("input.groupBy", "give at most %d dimensions", MaxDimensions))
	}
	if q.Top < 1 || q.Top > MaxTop {
		faults = append(faults, controlplane.Invalid("input.top", "give a number from 1 to %d", MaxTop))
	}
	return errors.Join(append(faults, q.validateMeters())...)
}

func (q Question) validateMeters() error {
	if q.OrderByMeter != 0 && !slices.Contains(q.Meters, q.OrderByMeter) {
		return controlplane.Invalid("input.orderByMeterId", "give one of `meterIds`, or leave it out")
	}
	return checkMeters("input.meterIds", q.Meters, q.GroupBy, q.Filter)
}

// checkMeters returns what is wrong with asking for meters in what splits and narrows
// so.
func checkMeters(field string, meters []controlplane.ID, groupBy []Dimension, f controlplane.UsageFilter) error {
	split := slices.Contains(groupBy, ByStatus) || slices.Contains(groupBy, ByDecision)
	switch {
	case len(meters) > MaxMeters:
		return controlplane.Invalid(field, "give at most %d meters", MaxMeters)
	case len(meters) > 0 && split:
		return controlplane.Invalid(field, "custom meters are not counted by status or decision; leave those out of groupBy, or leave the meters out")
	case len(meters) > 0 && len(f.Statuses)+len(f.Decisions) > 0:
		return controlplane.Invalid(field, "custom meters are not counted by status or decision; leave those out of the filter, or leave the meters out")
	}
	return nil
}

// Zone returns the time zone of a name. The error names field.
func Zone(field, name string) (*time.Location, error) {
	location, err := zone.Load(name)
	if err != nil {
		return nil, controlplane.Invalid(field, "%s", err)
	}
	return location, nil
}

// Decisions of usage that is no request of an Envoy's. The numbers are part of
// the database, as those of [wire.Decision] are.
const (
	Corrected wire.Decision = 6
	Imported  wire.Decision = 7
)
