package explore

import (
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Figures are sums of usage.
type Figures struct {
	controlplane.Totals
	UniqueKeys int64         // if wanted
	Meters     []MeterAmount // in the order of the question
}

// MeterAmount is what was counted with a custom meter.
type MeterAmount struct {
	MeterID  controlplane.ID
	Requests int64
	Amount   int64
}

// Columns are numbers along points.
type Columns struct {
	Requests, Allowed, Throttled, Refused, Shadowed, Errors []int64
	Cost, BytesIn, BytesOut                                 []int64
	P50, P95, P99                                           []*float64 // milliseconds; nil where there was no request
}

// GroupKey has a group's values in the order of the question's dimensions.
type GroupKey [MaxDimensions]int64

// Group is a part of usage.
type Group struct {
	Dimensions []Dimension
	Key        GroupKey
	Totals     Figures
	Share      float64
	Previous   *Figures // nil when nothing is compared
	Series     *Columns // nil when there are no points
}

// Value returns the group's value of a dimension, and whether it was split by it.
func (g *Group) Value(d Dimension) (int64, bool) {
	for i, have := range g.Dimensions {
		if have == d {
			return g.Key[i], true
		}
	}
	return 0, false
}

// Status returns the HTTP status code that a group was split by, or nil.
func (g *Group) Status() *int {
	v, ok := g.Value(ByStatus)
	if !ok {
		return nil
	}
	status := int(v)
	return &status
}

// Decision returns the decision that a group was split by, or nil.
func (g *Group) Decision() *wire.Decision {
	v, ok := g.Value(ByDecision)
	if !ok {
		return nil
	}
	decision := wire.Decision(v)
	return &decision
}

// Report is the answer to a question.
type Report struct {
	controlplane.Range
	Granularity *controlplane.Granularity
	TimeZone    string
	Points      []time.Time
	Groups      []Group
	Other       *Group // nil when Groups have everything
	GroupCount  int
	Totals      Figures
	Series      *Columns // nil when there are no points
	Previous    *Previous
}

// Previous is what a report is compared with.
type Previous struct {
	controlplane.Range
	Points []time.Time
	Totals Figures
	Series *Columns
}

// Sums is what was read for one plan: for each of its points, and each rank of a
// group, sums. Rank 0 is what is not among the groups; the first group is 1.
type Sums struct {
	points int
	ranks  [][]controlplane.Totals // by rank and point
	Unique []int64                 // keys by rank
	All    int64                   // keys of everything
	Meters [][]MeterAmount         // by rank
}

// NewSums returns empty sums for a number of groups.
func NewSums(p Plan, groups int, meters []controlplane.ID) *Sums {
	s := &Sums{points: max(1, len(p.Points)), ranks: make([][]controlplane.Totals, groups+1), Unique: make([]int64, groups+1), Meters: make([][]MeterAmount, groups+1)}
	for i := range s.ranks {
		s.ranks[i] = make([]controlplane.Totals, s.points)
		s.Meters[i] = make([]MeterAmount, len(meters))
		for j, id := range meters {
			s.Meters[i][j].MeterID = id
		}
	}
	return s
}

// Add adds what a rank has at a point.
func (s *Sums) Add(rank, point int, t controlplane.Totals) { s.ranks[rank][point].Add(t) }

// figures sums up a rank over all points.
func (s *Sums) figures(rank int) Figures {
	f := Figures{UniqueKeys: s.Unique[rank], Meters: s.Meters[rank]}
	for _, t := range s.ranks[rank] {
		f.Totals.Add(t)
	}
	return f
}

// everything sums up all ranks over all points.
func (s *Sums) everything() Figures {
	var f Figures
	for rank := range s.ranks {
		one := s.figures(rank)
		f.Totals.Add(one.Totals)
		for i, m := range one.Meters {
			if rank == 0 {
				f.Meters = append(f.Meters, MeterAmount{MeterID: m.MeterID})
			}
			f.Meters[i].Requests += m.Requests
			f.Meters[i].Amount += m.Amount
		}
	}
	f.UniqueKeys = s.All
	return f
}

// along sums up ranks at each point.
func (s *Sums) along(ranks ...int) []controlplane.Totals {
	points := make([]controlplane.Totals, s.points)
	for _, rank := range ranks {
		for i, t := range s.ranks[rank] {
			points[i].Add(t)
		}
	}
	return points
}

func (s *Sums) all() []int {
	ranks := make([]int, len(s.ranks))
	for i := range ranks {
		ranks[i] = i
	}
	return ranks
}

// columnsOf turns points into columns.
func columnsOf(points []controlplane.Totals) *Columns {
	n := len(points)
	c := &Columns{P50: make([]*float64, n), P95: make([]*float64, n), P99: make([]*float64, n)}
	for _, column := range []struct {
		to *[]int64
		of func(*controlplane.Totals) int64
	}{
		{&c.Requests, Requests.Of}, {&c.Allowed, Allowed.Of}, {&c.Throttled, Throttled.Of}, {&c.Refused, refused},
		{&c.Shadowed, Shadowed.Of}, {&c.Errors, Errors.Of}, {&c.Cost, Cost.Of}, {&c.BytesIn, BytesIn.Of}, {&c.BytesOut, BytesOut.Of},
	} {
		*column.to = make([]int64, n)
		for i := range points {
			(*column.to)[i] = column.of(&points[i])
		}
	}
	for i := range points {
		c.P50[i], c.P95[i], c.P99[i] = quantile(&points[i], 0.5), quantile(&points[i], 0.95), quantile(&points[i], 0.99)
	}
	return c
}

func refused(t *controlplane.Totals) int64 { return t.Refused }

// quantile returns a percentile in milliseconds, nil when nothing was measured.
func quantile(t *controlplane.Totals, q float64) *float64 {
	us, ok := t.Latency.Quantile(q)
	if !ok {
		return nil
	}
	ms := us / 1000
	return &ms
}

// Of returns a measure of totals.
func (m Measure) Of(t *controlplane.Totals) int64 {
	return [...]int64{t.Requests, t.Allowed, t.Throttled, t.Shadowed, t.Errors, t.Cost, t.BytesIn, t.BytesOut}[m]
}

// Report puts an answer together: what was read for the question's own range, and
// nil or what was read for the one it is compared with.
func (q Question) Report(p Plan, keys []GroupKey, count int, now *Sums, previousPlan Plan, before *Sums) *Report {
	r := &Report{
		Range: p.Range, Granularity: q.Granularity, TimeZone: q.Zone.String(), Points: p.Points,
		Totals: now.everything(), GroupCount: count,
	}
	if q.Want.Series {
		r.Series = columnsOf(now.along(now.all()...))
	}
	for i, key := range keys {
		r.Groups = append(r.Groups, q.group(i+1, key, r.Totals, now, before))
	}
	if count > len(keys) {
		other := q.group(0, GroupKey{}, r.Totals, now, before)
		other.Dimensions = nil
		r.Other = &other
	}
	if before != nil {
		r.Previous = &Previous{Range: previousPlan.Range, Points: previousPlan.Points, Totals: before.everything()}
		if q.Want.Series {
			r.Previous.Series = columnsOf(before.along(before.all()...))
		}
	}
	return r
}

func (q Question) group(rank int, key GroupKey, all Figures, now, before *Sums) Group {
	g := Group{Dimensions: q.GroupBy, Key: key, Totals: now.figures(rank)}
	if whole := q.OrderBy.Of(&all.Totals); whole != 0 {
		g.Share = min(1, max(0, float64(q.OrderBy.Of(&g.Totals.Totals))/float64(whole)))
	}
	if q.Want.Series {
		g.Series = columnsOf(now.along(rank))
	}
	if before != nil {
		previous := before.figures(rank)
		g.Previous = &previous
	}
	return g
}
