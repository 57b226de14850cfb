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
	Meters                                                  []MeterColumns
}

// MeterColumns is what was counted with a custom meter along points.
type MeterColumns struct {
	MeterID          controlplane.ID
	Requests, Amount []int64
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
	// PreviousSeries is along the points of what is compared with; nil when nothing
	// is, and when there are no points.
	PreviousSeries *Columns
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
	More        bool   // whether there are groups after these
	EndCursor   string // where the last group stands; empty without one
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

// columnsOf turns points into columns.
func columnsOf(points []controlplane.Totals, meters [][]MeterAmount) *Columns {
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
	for _, along := range meters {
		m := MeterColumns{MeterID: along[0].MeterID, Requests: make([]int64, n), Amount: make([]int64, n)}
		for i := range along {
			m.Requests[i], m.Amount[i] = along[i].Requests, along[i].Amount
		}
		c.Meters = append(c.Meters, m)
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
		r.Series = columnsOf(now.all, now.allMeters())
	}
	for i, key := range keys {
		g := q.group(now.groups[i], i+1, r.Totals, now)
		g.Dimensions, g.Key = q.GroupBy, key
		if before != nil {
			q.compare(&g, before.groups[i], i+1, before)
		}
		r.Groups = append(r.Groups, g)
		r.EndCursor = q.Cursor(Place{Value: q.ranked(&g.Totals), Key: key})
	}
	if count > len(keys) {
		other := q.group(now.rest(), 0, r.Totals, now)
		if before != nil {
			q.compare(&other, before.rest(), 0, before)
		}
		r.Other = &other
	}
	if before != nil {
		r.Previous = &Previous{Range: previousPlan.Range, Points: previousPlan.Points, Totals: before.everything()}
		if q.Want.Series {
			r.Previous.Series = columnsOf(before.all, before.allMeters())
		}
	}
	return r
}

func (q Question) group(points []controlplane.Totals, rank int, all Figures, s *Sums) Group {
	g := Group{Totals: sum(points, s.Unique[rank], s.Meters[rank])}
	if whole := q.ranked(&all); whole != 0 {
		g.Share = min(1, max(0, float64(q.ranked(&g.Totals))/float64(whole)))
	}
	if q.Want.Series {
		g.Series = columnsOf(points, s.Meters[rank])
	}
	return g
}

// compare gives a group what it had in the range that is compared with.
func (q Question) compare(g *Group, points []controlplane.Totals, rank int, before *Sums) {
	previous := sum(points, before.Unique[rank], before.Meters[rank])
	g.Previous = &previous
	if q.Want.Series {
		g.PreviousSeries = columnsOf(points, before.Meters[rank])
	}
}

// ranked returns what groups are ranked by.
func (q Question) ranked(f *Figures) int64 {
	for _, m := range f.Meters {
		if m.MeterID == q.OrderByMeter {
			return m.Amount
		}
	}
	return q.OrderBy.Of(&f.Totals)
}
