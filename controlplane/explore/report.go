package explore

import (
	"math"
	"slices"
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

// Sums is what was read for one plan: what everything has at each of its points,
// and what each group has.
type Sums struct {
	points int
	all    []controlplane.Totals
	groups [][]controlplane.Totals // by the group's place and point
	Unique []int64                 // keys by rank: 0 is what is not among the groups
	Keys   int64                   // of everything
	Meters [][][]MeterAmount       // by rank, meter and point
}

// NewSums returns empty sums for a number of groups.
func NewSums(p Plan, groups int, meters []controlplane.ID) *Sums {
	s := &Sums{points: max(1, len(p.Points)), groups: make([][]controlplane.Totals, groups), Unique: make([]int64, groups+1), Meters: make([][][]MeterAmount, groups+1)}
	s.all = make([]controlplane.Totals, s.points)
	for i := range s.groups {
		s.groups[i] = make([]controlplane.Totals, s.points)
	}
	for i := range s.Meters {
		s.Meters[i] = make([][]MeterAmount, len(meters))
		for j, id := range meters {
			s.Meters[i][j] = make([]MeterAmount, s.points)
			for k := range s.points {
				s.Meters[i][j][k].MeterID = id
			}
		}
	}
	return s
}

// AddAll adds to what everything has at a point.
func (s *Sums) AddAll(point int, t controlplane.Totals) { s.all[point].Add(t) }

// AddGroup adds to what a group has at a point.
func (s *Sums) AddGroup(i, point int, t controlplane.Totals) { s.groups[i][point].Add(t) }

// AddMeter adds to what a rank has of a meter at a point; rank 0 is what is not
// among the groups. A meter that wasn't asked for is left out.
func (s *Sums) AddMeter(rank, point int, m MeterAmount) {
	for _, points := range s.Meters[rank] {
		if p := &points[point]; p.MeterID == m.MeterID {
			p.Requests += m.Requests
			p.Amount = plusCapped(p.Amount, m.Amount)
		}
	}
}

// plusCapped adds up, and stays at the largest and the smallest number there is.
func plusCapped(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}

// Points returns what everything has at each point.
func (s *Sums) Points() []controlplane.Totals { return s.all }

// rest returns what is not among the groups, at each point.
func (s *Sums) rest() []controlplane.Totals {
	rest := make([]controlplane.Totals, s.points)
	for i := range rest {
		rest[i].Add(s.all[i])
		for _, group := range s.groups {
			rest[i] = less(rest[i], group[i])
		}
	}
	return rest
}

// less takes away from totals what is a part of them.
func less(t, part controlplane.Totals) controlplane.Totals {
	return controlplane.Totals{
		Requests: t.Requests - part.Requests, Allowed: t.Allowed - part.Allowed, Throttled: t.Throttled - part.Throttled,
		Refused: t.Refused - part.Refused, Corrected: t.Corrected - part.Corrected, Imported: t.Imported - part.Imported,
		Errors: t.Errors - part.Errors, Shadowed: t.Shadowed - part.Shadowed, Late: t.Late - part.Late,
		Cost: t.Cost - part.Cost, BytesIn: t.BytesIn - part.BytesIn, BytesOut: t.BytesOut - part.BytesOut,
		AllowedDurationUS: t.AllowedDurationUS - part.AllowedDurationUS, Latency: lessLatency(t.Latency, part.Latency),
	}
}

func lessLatency(h, part wire.Histogram) (rest wire.Histogram) {
	for _, bin := range h {
		for len(part) > 0 && part[0].Index < bin.Index {
			part = part[1:]
		}
		if len(part) > 0 && part[0].Index == bin.Index {
			bin.Count -= min(bin.Count, part[0].Count)
		}
		if bin.Count > 0 {
			rest = append(rest, bin)
		}
	}
	return rest
}

// sum adds up points.
func sum(points []controlplane.Totals, unique int64, meters [][]MeterAmount) Figures {
	f := Figures{UniqueKeys: unique}
	for _, along := range meters {
		total := MeterAmount{MeterID: along[0].MeterID}
		for _, m := range along {
			total.Requests = plusCapped(total.Requests, m.Requests)
			total.Amount = plusCapped(total.Amount, m.Amount)
		}
		f.Meters = append(f.Meters, total)
	}
	for _, t := range points {
		f.Add(t)
	}
	return f
}

// everything sums up all points.
func (s *Sums) everything() Figures {
	return sum(s.all, s.Keys, s.allMeters())
}

// allMeters adds up what all ranks have of each meter at each point.
func (s *Sums) allMeters() [][]MeterAmount {
	all := make([][]MeterAmount, len(s.Meters[0]))
	for _, meters := range s.Meters {
		for i, along := range meters {
			if all[i] == nil {
				all[i] = slices.Clone(along)
				continue
			}
			for j, m := range along {
				all[i][j].Requests = plusCapped(all[i][j].Requests, m.Requests)
				all[i][j].Amount = plusCapped(all[i][j].Amount, m.Amount)
			}
		}
	}
	return all
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
