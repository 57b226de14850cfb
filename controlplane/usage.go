package controlplane

import (
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Granularity is the length of a rollup's time bucket, in UTC.
type Granularity int

// The granularities. The order is that of their length.
const (
	ByMinute Granularity = iota
	ByHour
	ByDay
	ByMonth
)

// Granularities lists them all, shortest first.
var Granularities = [...]Granularity{ByMinute, ByHour, ByDay, ByMonth}

func (g Granularity) String() string {
	return [...]string{"minute", "hour", "day", "month"}[g]
}

// Truncate returns the beginning of the bucket that t is in.
func (g Granularity) Truncate(t time.Time) time.Time {
	t = t.UTC()
	switch g {
	case ByMinute:
		return t.Truncate(time.Minute)
	case ByHour:
		return t.Truncate(time.Hour)
	case ByDay:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
}

// Next returns the beginning of the bucket after the one that begins at t.
func (g Granularity) Next(t time.Time) time.Time {
	switch g {
	case ByMinute:
		return t.Add(time.Minute)
	case ByHour:
		return t.Add(time.Hour)
	case ByDay:
		return t.AddDate(0, 0, 1)
	default:
		return t.AddDate(0, 1, 0)
	}
}

// Points returns about how many buckets a range has: never fewer than it has,
// and little more than MaxPoints at most.
func (g Granularity) Points(from, to time.Time) int {
	shortest := [...]time.Duration{time.Minute, time.Hour, 24 * time.Hour, 28 * 24 * time.Hour}[g]
	return int(min(MaxPoints, max(0, to.Sub(from))/shortest) + 2)
}

// MaxPoints is how many buckets one answer may have.
const MaxPoints = 5000

// UsageFilter narrows usage; an empty list does not. The id 0 in a list is usage
// without one.
type UsageFilter struct {
	Accounts  []ID
	Keys      []ID // and identities
	Endpoints []ID
	Tiers     []ID
	Statuses  []int
	Decisions []wire.Decision
}

// Range is a stretch of time, From inclusive and To exclusive.
type Range struct{ From, To time.Time }

// BucketRange widens a range to whole buckets and refuses what has none or too
// many of them.
func BucketRange(from, to time.Time, g Granularity) (Range, error) {
	r := Range{From: g.Truncate(from), To: to.UTC()}
	switch {
	case !r.From.Before(r.To):
		return Range{}, Invalid("to", "give a time after `from`")
	case r.From.Year() < 1970 || r.To.Year() > 9999:
		return Range{}, Invalid("from", "give times from 1970 to 9999")
	}
	if end := g.Truncate(r.To); end.Before(r.To) {
		r.To = g.Next(end)
	}
	return r, nil
}

// Buckets returns the beginning of every bucket of a range that BucketRange
// made, or an error that says how to narrow it.
func (r Range) Buckets(g Granularity) ([]time.Time, error) {
	var starts []time.Time
	for t := r.From; t.Before(r.To); t = g.Next(t) {
		if len(starts) == MaxPoints {
			return nil, Invalid("from", "this range has more than %d points by the %s; shorten it, or take a coarser granularity", MaxPoints, g)
		}
		starts = append(starts, t)
	}
	return starts, nil
}

// Stretch is a part of a range that whole buckets of one granularity cover.
type Stretch struct {
	Granularity Granularity
	Range
}

// Stretches cuts a range of whole minutes into the fewest buckets: the coarsest
// in the middle and finer ones towards both ends. The sum over the stretches is
// the sum over the minutes, because a rollup's rows are the sums of the finer
// one's.
func Stretches(r Range) []Stretch { return stretches(r, ByMonth) }

func stretches(r Range, g Granularity) []Stretch {
	if !r.From.Before(r.To) {
		return nil
	}
	if g == ByMinute {
		return []Stretch{{ByMinute, r}}
	}
	whole := Range{From: g.Truncate(r.From), To: g.Truncate(r.To)}
	if whole.From.Before(r.From) {
		whole.From = g.Next(whole.From)
	}
	if !whole.From.Before(whole.To) {
		return stretches(r, g-1)
	}
	all := stretches(Range{r.From, whole.From}, g-1)
	all = append(all, Stretch{g, whole})
	return append(all, stretches(Range{whole.To, r.To}, g-1)...)
}

// Totals are sums of usage.
type Totals struct {
	Requests                                         int64 // the sum of the next five
	Allowed, Throttled, Refused, Corrected, Imported int64
	Errors                                           int64 // of the allowed requests: answered with a 5xx
	Shadowed                                         int64 // that a shadow limit would have refused
	Late                                             int64 // committed more than 10 minutes after the end of their minute
	Cost, BytesIn, BytesOut                          int64
	AllowedDurationUS                                int64          // of the allowed requests
	Latency                                          wire.Histogram // of the allowed requests
}

// Level is what an Envoy last said of a bucket.
type Level struct {
	AccountID, LimitID ID
	KeyID              ID    // of a key or an identity, with SubjectKey; else 0
	Remaining          int64 // whole units at ObservedAt; negative in debt
	ObservedAt         time.Time
}

// RemainingAt fills a bucket that was last seen as seen up to now. A nil one is a
// bucket that nobody has used: full. What left a window since can't be known
// before all of it has.
func (l Limit) RemainingAt(seen *Level, now time.Time) int64 {
	most := l.Capacity()
	if seen == nil {
		return most
	}
	elapsed := max(0, now.Sub(seen.ObservedAt).Seconds())
	period := float64(max(1, l.Period.Seconds()))
	gained := elapsed * float64(l.Amount) / period
	if l.Kind != Rate && elapsed < period {
		gained = 0
	}
	// Past one full bucket the exact gain does not matter, and would overflow.
	if gained >= float64(most)-float64(seen.Remaining) {
		return most
	}
	return max(0, min(most, seen.Remaining+int64(gained)))
}

// Add adds up usage.
func (t *Totals) Add(u Totals) {
	t.Requests += u.Requests
	t.Allowed += u.Allowed
	t.Throttled += u.Throttled
	t.Refused += u.Refused
	t.Corrected += u.Corrected
	t.Imported += u.Imported
	t.Errors += u.Errors
	t.Shadowed += u.Shadowed
	t.Late += u.Late
	t.Cost += u.Cost
	t.BytesIn += u.BytesIn
	t.BytesOut += u.BytesOut
	t.AllowedDurationUS += u.AllowedDurationUS
	t.Latency.Merge(u.Latency)
}
