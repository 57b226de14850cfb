package explore

import (
	"time"

	"github.com/weirhq/weir/controlplane"
)

// longDays says whether a part is many hours whose points are days of another time
// zone than UTC: most of each such day is one in UTC.
func (p Plan) longDays(part Part) bool {
	n := len(p.Points)
	return part.Level == controlplane.ByHour && n > 2 && part.To.Sub(part.From) > 48*time.Hour &&
		p.Points[n-1].Sub(p.Points[0]) > time.Duration(n-1)*20*time.Hour
}

// packsDays says whether there are packs of days and of hours for what is needed.
func (n Need) packsDays() bool {
	packs := n.inPacks()
	return n.tables != tablesOnly && packs.cube(controlplane.ByDay) != NoCube && packs.cube(controlplane.ByHour) != NoCube
}

// inPacks leaves tables out.
func (n Need) inPacks() Need {
	n.tables = noTables
	return n
}

// useDays reads hours from the days in UTC. A day stands for the point that its
// noon is in, and those of its hours that are in another point are moved there.
func (p Plan) useDays(parts []Part, part Part, built Built, kept Kept, need Need) []Part {
	var days, hours []Part
	for begin := part.From; begin.Before(part.To); {
		end := controlplane.ByDay.Next(controlplane.ByDay.Truncate(begin))
		if part.To.Before(end) {
			end = part.To
		}
		span := controlplane.Range{From: begin, To: end}
		if moved, ok := p.movedHours(span, built); ok {
			days = join(days, Part{Level: controlplane.ByDay, Cube: need.cube(controlplane.ByDay), Noon: true, Range: span})
			for _, b := range moved {
				hours = join(hours, Part{Level: controlplane.ByHour, Cube: need.cube(controlplane.ByHour), Moved: true, Range: controlplane.Range{From: b, To: b.Add(time.Hour)}})
			}
		} else {
			for b := begin; b.Before(end); b = b.Add(time.Hour) {
				for _, of := range cubesOf(controlplane.ByHour, b, built, kept, need) {
					hours = join(hours, of)
				}
			}
		}
		begin = end
	}
	return append(append(parts, days...), hours...)
}

// movedHours lists the hours of a day in UTC that are in another point than its
// noon, if the day and these have been summed up.
func (p Plan) movedHours(span controlplane.Range, built Built) (moved []time.Time, ok bool) {
	begin := controlplane.ByDay.Truncate(span.From)
	if !begin.Equal(span.From) || !controlplane.ByDay.Next(begin).Equal(span.To) || !built.has(controlplane.ByDay, begin) {
		return nil, false
	}
	noon := p.PointOf(begin.Add(12 * time.Hour))
	for b := begin; b.Before(span.To); b = b.Add(time.Hour) {
		if p.PointOf(b) == noon {
			continue
		}
		if !built.has(controlplane.ByHour, b) {
			return nil, false
		}
		moved = append(moved, b)
	}
	return moved, noon >= 0
}

// PointOf returns the number of the point that a time is in; -1 is before the
// first. What is after the last is in it.
func (p Plan) PointOf(t time.Time) int {
	low, high := 0, len(p.Points)
	for low < high {
		if middle := (low + high) / 2; p.Points[middle].After(t) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low - 1
}
