package explore

import (
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
)

// periods are the kinds of period whose boundaries points have in a time zone:
// those that limits and quotas have, too.
var periods = map[controlplane.Granularity]controlplane.Period{
	controlplane.ByHour: controlplane.Hour, controlplane.ByDay: controlplane.Day, controlplane.ByMonth: controlplane.Month,
}

// bucketAt returns the bucket of a granularity that t is in, in a time zone.
func bucketAt(g controlplane.Granularity, zone *time.Location, t time.Time) controlplane.Range {
	if g == controlplane.ByMinute || zone == time.UTC {
		begin := g.Truncate(t)
		return controlplane.Range{From: begin, To: g.Next(begin)}
	}
	p := quota.Calendar{Zone: zone, BillingDay: 1}.At(periods[g], t)
	return controlplane.Range{From: p.Start.UTC(), To: p.End.UTC()}
}

// widen widens a range to whole buckets.
func widen(r controlplane.Range, g controlplane.Granularity, zone *time.Location) (controlplane.Range, error) {
	switch {
	case !r.From.Before(r.To):
		return r, controlplane.Invalid("input.to", "give a time after `from`")
	case r.From.Year() < 1970 || r.To.Year() > 9998:
		return r, controlplane.Invalid("input.from", "give times from 1970 to 9998")
	}
	wide := controlplane.Range{From: bucketAt(g, zone, r.From).From, To: r.To.UTC()}
	if last := bucketAt(g, zone, r.To); last.From.Before(r.To) {
		wide.To = last.To
	}
	return wide, nil
}

// pointsOf returns the beginning of every bucket of a range of whole buckets, the
// last of which may be cut short.
func pointsOf(r controlplane.Range, g controlplane.Granularity, zone *time.Location, most int) ([]time.Time, error) {
	points := []time.Time{}
	for t := r.From; t.Before(r.To); t = bucketAt(g, zone, t).To {
		if len(points) == most {
			return nil, controlplane.Invalid("input.from", "this range has more than %d points by the %s; shorten it, or take a coarser granularity", most, g)
		}
		points = append(points, t)
	}
	return points, nil
}

// stepBack returns the beginning of the bucket that lies n buckets before the one
// that begins at t.
func stepBack(t time.Time, n int, g controlplane.Granularity, zone *time.Location) time.Time {
	local := t.In(zone)
	switch g {
	case controlplane.ByMonth:
		first := time.Date(local.Year(), local.Month()-time.Month(n), 15, 12, 0, 0, 0, zone)
		return bucketAt(g, zone, first).From
	case controlplane.ByDay:
		noon := time.Date(local.Year(), local.Month(), local.Day()-n, 12, 0, 0, 0, zone)
		return bucketAt(g, zone, noon).From
	case controlplane.ByHour:
		for range n {
			t = bucketAt(g, zone, t.Add(-time.Minute)).From
		}
		return t
	default:
		return t.Add(-time.Duration(n) * time.Minute)
	}
}

// yearBefore returns the same date and time of day a year earlier; 29 February
// becomes the 28th.
func yearBefore(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	y, m, d := local.Date()
	if m == time.February && d == 29 {
		d = 28
	}
	return time.Date(y-1, m, d, local.Hour(), local.Minute(), local.Second(), 0, zone).UTC()
}
