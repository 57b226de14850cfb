package explore

import (
	"errors"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Kept says from when on each rollup has everything; the zero time is for ever.
type Kept [len(controlplane.Granularities)]time.Time

// Part is a stretch of one rollup.
type Part struct {
	Level controlplane.Granularity // ByDay or ByMonth when Local
	// Local is the rollup in the accounts' own time zones. Its buckets are dates,
	// as midnights in UTC, and so are the ends of Range.
	Local bool
	Cube  Cube // what the rollup is summed up over
	// Tabled says that the cube is read from its table, and not from packs.
	Tabled bool
	// Noon says that each bucket, a day, counts for the point that its noon is in;
	// Moved, that each counts for its own point, and is taken away from that which
	// the noon of its day in UTC is in.
	Noon, Moved bool
	controlplane.Range
}

// Packed says whether a part is read from packs.
func (p Part) Packed() bool { return p.Cube != NoCube && !p.Tabled }

// Split tells the parts of a plan that are read from packs from the others.
func (p Plan) Split() (packed, rows Plan) {
	packed, rows = p, p
	packed.Parts, rows.Parts = nil, nil
	for _, part := range p.Parts {
		if part.Packed() {
			packed.Parts = append(packed.Parts, part)
		} else {
			rows.Parts = append(rows.Parts, part)
		}
	}
	return packed, rows
}

// Plan is how a range is read.
type Plan struct {
	controlplane.Range
	// Points are when each point begins; nil when there is only one, of everything.
	Points []time.Time
	Parts  []Part
	Dates  []time.Time // of the points, as midnights in UTC, when the part is Local
}

// Plan returns what answers a question over its own range. Errors name the field
// of the input that is to be changed.
func (q Question) Plan(kept Kept) (Plan, error) {
	r, err := widen(controlplane.Range{From: q.From, To: q.To}, q.step(), q.Zone)
	if err != nil {
		return Plan{}, err
	}
	p, err := q.cover(r, kept)
	if err != nil {
		return Plan{}, err
	}
	return p, q.checkCells(len(p.Points))
}

// step is what the range is rounded to.
func (q Question) step() controlplane.Granularity {
	if q.Granularity == nil {
		return controlplane.ByMinute
	}
	return *q.Granularity
}

// checkCells refuses an answer that would be too large.
func (q Question) checkCells(points int) error {
	if groups := q.groups(); q.Want.Series && points*groups > MaxCells {
		return controlplane.Invalid("input.top", "%d points of %d groups are more than one answer holds; ask for at most %d groups, shorten the range, or take a coarser granularity",
			points, groups, max(1, MaxCells/max(1, points)-2))
	}
	return nil
}

// groups returns how many series an answer has: everything and the rest, too.
func (q Question) groups() int {
	if len(q.GroupBy) == 0 {
		return 1
	}
	return q.Top + 2
}

// Previous returns what answers a question over the range that it compares with,
// or false when it compares with nothing. A range that has not ended at now is
// compared with as much of the earlier one.
func (q Question) Previous(p Plan, kept Kept, now time.Time) (Plan, bool, error) {
	if q.Compare == WithNothing {
		return Plan{}, false, nil
	}
	before := q.before(p)
	if missing := p.To.Sub(now); missing > 0 && missing < before.To.Sub(before.From) {
		before.To = q.cut(before.To.Add(-missing), before.To, kept)
	}
	if before.From.Year() < 1970 {
		return Plan{}, false, controlplane.Invalid("input.compare", "there is nothing to compare with before 1970; leave it out")
	}
	previous, err := q.cover(before, kept)
	for g := controlplane.ByHour; err != nil && q.Granularity == nil && g <= controlplane.ByDay; g++ {
		// Minutes that long ago may be gone: as much of whole hours, or days, will do.
		previous, err = q.cover(controlplane.Range{From: g.Truncate(before.From), To: g.Truncate(before.To)}, kept)
	}
	if fault := (*controlplane.Error)(nil); errors.As(err, &fault) {
		return Plan{}, false, controlplane.Invalid("input.compare", "%s; or leave the comparison out", fault.Message)
	}
	return previous, err == nil, err
}

// before returns the whole range that p is compared with.
func (q Question) before(p Plan) controlplane.Range {
	if q.Compare == WithPreviousYear {
		year := controlplane.Range{From: yearBefore(p.From, q.Zone), To: yearBefore(p.To, q.Zone)}
		if q.Granularity == nil {
			return year
		}
		// Whole buckets, where the clock showed another time of day then.
		return controlplane.Range{From: bucketAt(*q.Granularity, q.Zone, year.From).From, To: bucketAt(*q.Granularity, q.Zone, year.To).From}
	}
	if q.Granularity != nil {
		return controlplane.Range{From: stepBack(p.From, len(p.Points), *q.Granularity, q.Zone), To: p.From}
	}
	from, to := bucketAt(controlplane.ByDay, q.Zone, p.From), bucketAt(controlplane.ByDay, q.Zone, p.To)
	if from.From.Equal(p.From) && to.From.Equal(p.To) {
		days := 0
		for t := p.From; t.Before(p.To); t = bucketAt(controlplane.ByDay, q.Zone, t).To {
			days++
		}
		return controlplane.Range{From: stepBack(p.From, days, controlplane.ByDay, q.Zone), To: p.From}
	}
	return controlplane.Range{From: p.From.Add(-p.To.Sub(p.From)), To: p.From}
}

// cut rounds the end of a range up to what is still kept of that time.
func (q Question) cut(at, end time.Time, kept Kept) time.Time {
	if q.local() {
		return end
	}
	for _, g := range controlplane.Granularities[:controlplane.ByMonth] {
		begin := g.Truncate(at)
		if begin.Before(at) {
			begin = g.Next(begin)
		}
		if !g.Truncate(at).Before(kept[g]) && !begin.After(end) {
			return begin
		}
	}
	return end
}

// local says whether the rollups in the accounts' own zones answer the question:
// it is about whole days or months of them.
func (q Question) local() bool {
	return q.OwnZone && q.Zone != time.UTC && q.Granularity != nil && *q.Granularity >= controlplane.ByDay && len(q.Meters) == 0
}

// ownDays returns the dates of a range of whole days of the accounts' own zone. Their
// sum is what a question by the day of that range has in all, also where the zone was
// another one before.
func (q Question) ownDays(r controlplane.Range) (controlplane.Range, bool) {
	dates := controlplane.Range{From: midnight(r.From, q.Zone), To: midnight(r.To, q.Zone)}
	whole := bucketAt(controlplane.ByDay, q.Zone, r.From).From.Equal(r.From) && bucketAt(controlplane.ByDay, q.Zone, r.To).From.Equal(r.To)
	return dates, whole && q.OwnZone && q.Zone != time.UTC && len(q.Meters) == 0
}

// WithoutPoints returns how to read the sum of a plan's whole range, from as few
// rows as that takes.
func (q Question) WithoutPoints(p Plan, kept Kept) Plan {
	if p.Points == nil {
		return p
	}
	if !q.local() {
		whole := q
		// Sums of points, which go by moments, are not those of the accounts' own days.
		whole.Granularity, whole.OwnZone = nil, false
		if sum, err := whole.cover(p.Range, kept); err == nil {
			return sum
		}
	}
	p.Points, p.Dates = nil, nil
	return p
}

// cover finds the parts that make up a range of whole buckets.
func (q Question) cover(r controlplane.Range, kept Kept) (Plan, error) {
	return q.coverUpTo(r, kept, controlplane.MaxPoints)
}

func (q Question) coverUpTo(r controlplane.Range, kept Kept, mostPoints int) (p Plan, err error) {
	p.Range = r
	if q.Granularity == nil {
		if days, ok := q.ownDays(r); ok {
			p.Parts, err = coverAll(p.Parts, days, q, kept)
			for i := range p.Parts {
				p.Parts[i].Local = true
			}
			return p, err
		}
		p.Parts, err = coverAll(p.Parts, r, q, kept)
		return p, err
	}
	if p.Points, err = pointsOf(r, *q.Granularity, q.Zone, mostPoints); err != nil {
		return p, err
	}
	if q.local() {
		for _, t := range p.Points {
			p.Dates = append(p.Dates, midnight(t, q.Zone))
		}
		dates := controlplane.Range{From: p.Dates[0], To: q.endDate(r.To)}
		if dates.From.Before(kept[*q.Granularity]) {
			return p, q.gone(controlplane.Stretch{Granularity: *q.Granularity, Range: dates}, kept)
		}
		p.Parts = []Part{{Level: *q.Granularity, Local: true, Range: dates}}
		return p, nil
	}
	for i, from := range p.Points {
		to := r.To
		if i+1 < len(p.Points) {
			to = p.Points[i+1]
		}
		if p.Parts, err = coverAll(p.Parts, controlplane.Range{From: from, To: to}, q, kept); err != nil {
			return p, err
		}
	}
	return p, nil
}

// midnight returns the date that the zone's clock shows, as a midnight in UTC.
func midnight(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// endDate returns the first date that a range that ends at t does not have.
func (q Question) endDate(t time.Time) time.Time {
	return midnight(t.Add(-time.Nanosecond), q.Zone).AddDate(0, 0, 1)
}

// coverAll appends the parts of a stretch, and joins those that continue the part
// before.
func coverAll(parts []Part, r controlplane.Range, q Question, kept Kept) ([]Part, error) {
	for _, s := range controlplane.Stretches(r) {
		if s.From.Before(kept[s.Granularity]) {
			return nil, q.gone(s, kept)
		}
		if n := len(parts) - 1; n >= 0 && parts[n].Level == s.Granularity && parts[n].To.Equal(s.From) {
			parts[n].To = s.To
			continue
		}
		parts = append(parts, Part{Level: s.Granularity, Range: s.Range})
	}
	return parts, nil
}

// gone says what to do about a rollup that does not go back so far.
func (q Question) gone(s controlplane.Stretch, kept Kept) error {
	since := kept[s.Granularity].UTC().Format(time.RFC3339)
	coarser := [...]string{"HOUR", "DAY", "MONTH"}[min(s.Granularity, controlplane.ByDay)]
	switch {
	case s.Granularity == controlplane.ByMonth && (q.Granularity == nil || q.Zone == time.UTC || q.local()):
		return controlplane.Invalid("input.from", "usage is kept since %s; begin then or later", since)
	case q.Granularity == nil:
		return controlplane.Invalid("input.from", "a range from or to this time of day needs %ss, which are kept since %s; begin and end at a whole %s in UTC", s.Granularity, since, s.Granularity+1)
	case *q.Granularity == s.Granularity && (q.Zone == time.UTC || q.local()):
		return controlplane.Invalid("input.from", "%ss are kept since %s; begin then or later, or take granularity %s", s.Granularity, since, coarser)
	case *q.Granularity >= controlplane.ByDay:
		return controlplane.Invalid("input.timeZone", "the %ss of this time zone are read from %ss in UTC, which are kept since %s; begin after that, take time zone UTC, or ask for accounts that have this time zone", *q.Granularity, s.Granularity, since)
	default:
		return controlplane.Invalid("input.timeZone", "the %ss of this time zone are read from %ss in UTC, which are kept since %s; begin after that, or take time zone UTC", *q.Granularity, s.Granularity, since)
	}
}
