package quota

import (
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Calendar says where and when an account's periods begin.
type Calendar struct {
	Zone       *time.Location
	BillingDay int // 1 to 31; the last day in shorter months
}

// Period is a stretch of time, Start inclusive and End exclusive, in whole
// seconds.
type Period struct{ Start, End time.Time }

// Contains says whether t lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.Start) && t.Before(p.End) }

// At returns the period of a kind that t lies in. The periods of a calendar tile
// time: each ends where the next begins.
//
// Days, months and billing periods begin when the zone's clock first shows the
// midnight of their first day, or a later time: so a day has 23 hours when the
// clock is put forward, one without a midnight begins right after the gap, and
// a clock that is put back over midnight does not begin the day a second time.
// Hours begin whenever the clock strikes: an hour that the clock shows twice is
// two periods, and where it is put by half an hour one period has 90 minutes.
//
// The kind is [controlplane.Hour], Day, Month or Billing; any other counts as
// Billing.
func (c Calendar) At(kind controlplane.Period, t time.Time) Period {
	if kind == controlplane.Hour {
		return hourAt(c.Zone, t)
	}
	local := t.In(c.Zone)
	first := c.first(kind, date{local.Year(), local.Month(), local.Day()})
	p := Period{Start: startOf(c.Zone, first)}
	for {
		first = c.next(kind, first)
		p.End = startOf(c.Zone, first)
		if p.End.After(t) {
			return p
		}
		p.Start = p.End
	}
}

// date is a day of the calendar.
type date struct {
	year  int
	month time.Month
	day   int
}

// first returns the first day of the period that d lies in.
func (c Calendar) first(kind controlplane.Period, d date) date {
	switch kind {
	case controlplane.Day:
		return d
	case controlplane.Month:
		return date{d.year, d.month, 1}
	}
	if anchor := c.billing(d.year, d.month); d.day >= anchor.day {
		return anchor
	}
	return c.billing(d.year, d.month-1)
}

// next returns the first day of the period after the one that begins with d.
func (c Calendar) next(kind controlplane.Period, d date) date {
	switch kind {
	case controlplane.Day:
		return dateOf(time.Date(d.year, d.month, d.day+1, 0, 0, 0, 0, time.UTC))
	case controlplane.Month:
		return dateOf(time.Date(d.year, d.month+1, 1, 0, 0, 0, 0, time.UTC))
	}
	return c.billing(d.year, d.month+1)
}

// billing returns the day on which the billing period begins in a month, which
// may lie outside of 1 to 12.
func (c Calendar) billing(year int, month time.Month) date {
	last := dateOf(time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC))
	last.day = min(last.day, max(1, c.BillingDay))
	return last
}

func dateOf(t time.Time) date { return date{t.Year(), t.Month(), t.Day()} }

// furthest is more than any zone's clock was ever away from UTC.
const furthest = 36 * 3600

// startOf returns the first moment at which the zone's clock shows midnight of
// the day or later.
func startOf(zone *time.Location, d date) time.Time {
	// The clock's readings are counted in seconds as if they were UTC.
	midnight := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Unix()
	at := midnight - furthest
	for {
		offset, end := stretch(zone, at)
		if at+offset >= midnight {
			return time.Unix(at, 0).UTC() // the clock was put forward over midnight
		}
		if start := midnight - offset; end == never || start < end {
			return time.Unix(start, 0).UTC()
		}
		at = end
	}
}

// hourAt returns the stretch between two full hours of the zone's clock.
func hourAt(zone *time.Location, t time.Time) Period {
	at := t.Unix()
	return Period{time.Unix(lastStrike(zone, at), 0).UTC(), time.Unix(nextStrike(zone, at), 0).UTC()}
}

// lastStrike returns the last moment up to at when the clock showed a full hour.
func lastStrike(zone *time.Location, at int64) int64 {
	for {
		offset, _ := stretch(zone, at)
		begin, _ := time.Unix(at, 0).In(zone).ZoneBounds()
		strike := at - mod(at+offset, 3600)
		if begin.IsZero() || strike >= begin.Unix() {
			return strike
		}
		at = begin.Unix() - 1
	}
}

// nextStrike returns the first moment after at when the clock shows a full hour.
func nextStrike(zone *time.Location, at int64) int64 {
	for {
		offset, end := stretch(zone, at)
		strike := at - mod(at+offset, 3600) + 3600
		if end == never || strike < end {
			return strike
		}
		if offset, _ := stretch(zone, end); mod(end+offset, 3600) == 0 {
			return end
		}
		at = end
	}
}

const never = 1<<63 - 1

// stretch returns what the zone's clock is ahead of UTC at a moment, in seconds,
// and when that changes next.
func stretch(zone *time.Location, at int64) (offset, end int64) {
	t := time.Unix(at, 0).In(zone)
	_, seconds := t.Zone()
	_, change := t.ZoneBounds()
	switch {
	case change.IsZero():
		return int64(seconds), never
	case change.Unix() <= at:
		// Where a zone goes on by its rule, Go takes every year for one of 365 days. No
		// clock changes on the last one of a leap year.
		return int64(seconds), at + 86_400 - mod(at, 86_400)
	}
	return int64(seconds), change.Unix()
}

func mod(n, m int64) int64 { return (n%m + m) % m }
