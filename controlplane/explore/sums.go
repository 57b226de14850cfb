package explore

import (
	"math"
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
)

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

// AddAll adds to what everything has at a point. It may keep the latencies.
func (s *Sums) AddAll(point int, t controlplane.Totals) { add(&s.all[point], t) }

// AddGroup adds to what a group has at a point. It may keep the latencies.
func (s *Sums) AddGroup(i, point int, t controlplane.Totals) { add(&s.groups[i][point], t) }

// add adds u to t. It changes no histogram, so that several sums can have the same.
func add(t *controlplane.Totals, u controlplane.Totals) {
	have, more := t.Latency, u.Latency
	t.Latency, u.Latency = nil, nil
	t.Add(u)
	switch {
	case len(more) == 0:
		t.Latency = have
	case len(have) == 0:
		t.Latency = more
	default:
		var sum usage.LatencySum
		sum.AddHistogram(have)
		sum.AddHistogram(more)
		t.Latency = sum.Histogram()
	}
}

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
	var latency usage.LatencySum
	for i := range rest {
		r, all := &rest[i], &s.all[i]
		latency.Reset()
		latency.AddHistogram(all.Latency)
		*r = *all
		for _, group := range s.groups {
			*r = less(*r, group[i])
			latency.Take(group[i].Latency)
		}
		r.Latency = latency.Histogram()
	}
	return rest
}

// less takes away from totals what is a part of them, but for latencies.
func less(t, part controlplane.Totals) controlplane.Totals {
	return controlplane.Totals{
		Requests: t.Requests - part.Requests, Allowed: t.Allowed - part.Allowed, Throttled: t.Throttled - part.Throttled,
		Refused: t.Refused - part.Refused, Corrected: t.Corrected - part.Corrected, Imported: t.Imported - part.Imported,
		Errors: t.Errors - part.Errors, Shadowed: t.Shadowed - part.Shadowed, Late: t.Late - part.Late,
		Cost: t.Cost - part.Cost, BytesIn: t.BytesIn - part.BytesIn, BytesOut: t.BytesOut - part.BytesOut,
		AllowedDurationUS: t.AllowedDurationUS - part.AllowedDurationUS,
	}
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
	var latency usage.LatencySum
	for _, t := range points {
		latency.AddHistogram(t.Latency)
		t.Latency = nil
		f.Add(t)
	}
	f.Latency = latency.Histogram()
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
