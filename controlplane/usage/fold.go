package usage

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Terms are what the rollups depend on beside the batches. The zero Terms keep
// every level for ever, know of no account with a time zone, and find nothing late.
type Terms struct {
	// Now is the time of the commit; requests are late when it is more than
	// [LateAfter] after the end of their minute.
	Now time.Time
	// Zones are the time zones of the accounts that are not on UTC.
	Zones map[controlplane.ID]*time.Location
	// Kept says which buckets each level has; what is outside is in the coarser
	// levels only.
	Kept [Levels]Span
}

// LateAfter is how long after the end of its minute usage is committed in time.
const LateAfter = 10 * time.Minute

// Rollups are rows to add, each level sorted by key, with one row for each key.
type Rollups struct {
	Usage    [Levels][]Row
	Verdicts [calendarLevels][]VerdictRow
	Meters   [calendarLevels][]MeterRow
}

// Fold adds batches up into the rows of each level. The rows of a level are the
// sums of those of the next finer one, and of what the finer one doesn't keep.
func Fold(batches []*wire.Batch, terms Terms) Rollups {
	return terms.RollUp(rowsOf(batches, terms.Now), verdictsOf(batches), metersOf(batches))
}

// RollUp rolls rows of minutes up into each level. It keeps and changes the slices.
func (t Terms) RollUp(rows []Row, verdicts []VerdictRow, meters []MeterRow) Rollups {
	var r Rollups
	for l, rows := range calendar(rows, compareRows, (*Row).add) {
		r.Usage[l] = rows
	}
	r.Usage[DayShifts], r.Usage[MonthShifts] = t.shifts(r.Usage[Minutes])
	r.Verdicts = calendar(verdicts, compareVerdicts, (*VerdictRow).add)
	r.Meters = calendar(meters, compareMeters, (*MeterRow).add)
	for l := range r.Usage {
		r.Usage[l] = within(t.Kept[l], r.Usage[l])
	}
	for l := range r.Verdicts {
		r.Verdicts[l], r.Meters[l] = within(t.Kept[l], r.Verdicts[l]), within(t.Kept[l], r.Meters[l])
	}
	return r
}

// dated is a row with its bucket.
type dated[R any] interface {
	minute() int64
	at(minute int64) R // the row in another bucket
}

// calendar rolls rows up into the levels in UTC, each from the finer one.
func calendar[R dated[R]](rows []R, compare func(a, b *R) int, add func(*R, *R)) (levels [calendarLevels][]R) {
	levels[Minutes] = sums(rows, compare, add)
	for l := Hours; l <= Months; l++ {
		finer := levels[l-1]
		coarser := make([]R, len(finer))
		var begin, end int64 // of the finer bucket at hand
		for i := range finer {
			if m := finer[i].minute(); i == 0 || m != end {
				begin, end = l.Begin(m), m
			}
			coarser[i] = finer[i].at(begin)
		}
		levels[l] = sums(coarser, compare, add)
	}
	return levels
}

// sums sorts rows and adds up those with equal keys. It may reuse rows.
func sums[R any](rows []R, compare func(a, b *R) int, add func(*R, *R)) []R {
	if len(rows) == 0 {
		return nil
	}
	rows = sorted(rows, compare)
	last := 0
	for i := 1; i < len(rows); i++ {
		if compare(&rows[last], &rows[i]) == 0 {
			add(&rows[last], &rows[i])
			continue
		}
		if last++; last != i {
			rows[last] = rows[i]
		}
	}
	clear(rows[last+1:])
	return rows[:last+1]
}

// sorted sorts pointers, because rows are large. Those of one bucket are sorted
// already when they come from the finer level.
func sorted[R any](rows []R, compare func(a, b *R) int) []R {
	order := make([]*R, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	if slices.IsSortedFunc(order, compare) {
		return rows
	}
	slices.SortFunc(order, compare)
	out := make([]R, len(rows))
	for i, r := range order {
		out[i] = *r
	}
	return out
}

// within returns the rows whose bucket begins in the span, in place.
func within[R dated[R]](s Span, rows []R) []R {
	if (s == Span{}) {
		return rows
	}
	return slices.DeleteFunc(rows, func(r R) bool { return !s.Has(r.minute()) })
}

// shifts returns what the zones of accounts move from one day to another, and
// from one month to another.
func (t Terms) shifts(minutes []Row) (days, months []Row) {
	type zoned struct {
		zone   *time.Location
		minute int64
	}
	local := map[zoned]int64{}
	shift := func(to []Row, r *Row, utc, local int64) []Row {
		if utc == local {
			return to
		}
		return append(to, r.at(local), r.negated().at(utc))
	}
	for i := range minutes {
		r := &minutes[i]
		k := zoned{t.Zones[controlplane.ID(r.Account)], r.Minute}
		if k.zone == nil {
			continue
		}
		day, ok := local[k]
		if !ok {
			day = localDay(r.Minute, k.zone)
			local[k] = day
		}
		days = shift(days, r, Days.Begin(r.Minute), day)
		months = shift(months, r, Months.Begin(r.Minute), Months.Begin(day))
	}
	return sums(days, compareRows, (*Row).add), sums(months, compareRows, (*Row).add)
}

// compareRows orders rows by key, which is the order of locks. It looks no further
// than it must: most rows differ in the first of these.
func compareRows(a, b *Row) int {
	switch {
	case a.Minute != b.Minute:
		return cmp.Compare(a.Minute, b.Minute)
	case a.Account != b.Account:
		return cmp.Compare(a.Account, b.Account)
	case a.Key != b.Key:
		return cmp.Compare(a.Key, b.Key)
	case a.Endpoint != b.Endpoint:
		return cmp.Compare(a.Endpoint, b.Endpoint)
	}
	return a.Compare(b.EntryKey)
}

func compareVerdicts(a, b *VerdictRow) int { return a.Compare(b.VerdictKey) }
func compareMeters(a, b *MeterRow) int     { return a.Compare(b.MeterKey) }
