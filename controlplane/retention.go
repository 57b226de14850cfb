package controlplane

import "time"

// RetentionDays is how many days usage is kept at each granularity, at least; 0 is
// for ever. What is dropped at one granularity stays in the coarser ones.
type RetentionDays struct {
	Minutes, Hours, Days, Months int
}

// MaxRetentionDays is the longest retention that isn't for ever.
const MaxRetentionDays = 36_500

// Of returns the days of a granularity.
func (r RetentionDays) Of(g Granularity) int {
	return [...]int{ByMinute: r.Minutes, ByHour: r.Hours, ByDay: r.Days, ByMonth: r.Months}[g]
}

// Check says what is wrong with a retention.
func (r RetentionDays) Check() error {
	const forEver = MaxRetentionDays + 1
	last := 1
	for _, level := range []struct {
		field string
		days  int
	}{{"minutes", r.Minutes}, {"hours", r.Hours}, {"days", r.Days}, {"months", r.Months}} {
		days := level.days
		if days < 0 || days > MaxRetentionDays {
			return Invalid(level.field, "give a number of days from 1 to %d, or 0 for ever", MaxRetentionDays)
		}
		if days == 0 {
			days = forEver
		}
		if days < last {
			return Invalid(level.field, "keep coarser usage at least as long as finer usage")
		}
		last = days
	}
	return nil
}

// RetentionEdit is a change of the retention; a nil field stays as it is.
type RetentionEdit struct {
	Revision                     *int // the revision the edit is based on; nil overwrites
	Minutes, Hours, Days, Months *int
}

// Apply returns what r becomes.
func (e RetentionEdit) Apply(r RetentionDays) RetentionDays {
	for _, level := range []struct {
		days *int
		to   *int
	}{{e.Minutes, &r.Minutes}, {e.Hours, &r.Hours}, {e.Days, &r.Days}, {e.Months, &r.Months}} {
		if level.days != nil {
			*level.to = *level.days
		}
	}
	return r
}

// Retention is how long usage is kept, and what there is.
type Retention struct {
	Revision int             // counts the edits, from 1
	Levels   []RetainedLevel // from the finest to the coarsest
}

// Days returns how long each granularity is kept.
func (r Retention) Days() RetentionDays {
	var days RetentionDays
	for i, to := range []*int{&days.Minutes, &days.Hours, &days.Days, &days.Months} {
		*to = r.Levels[i].Days
	}
	return days
}

// RetainedLevel is the retention of one granularity.
type RetainedLevel struct {
	Granularity Granularity
	Days        int
	KeptFrom    *time.Time // it has everything from then on, and nothing of before; nil: everything there ever was
	StoredFrom  *time.Time // when its oldest partition begins; nil: there is none
	Rows, Bytes int64      // about; of all its tables
}

// PlannedRetention is what a retention would do at one granularity.
type PlannedRetention struct {
	Granularity Granularity
	Days        int
	Drop        *RetentionDrop // within a minute; nil: nothing
	NextDropAt  *time.Time     // of the oldest that stays; nil: never, or nothing stays
}

// RetentionDrop is usage of one granularity that would be dropped.
type RetentionDrop struct {
	From, Until time.Time
	Rows, Bytes int64
}

// StoredUsage is a partition of a granularity: all usage of a stretch of time.
type StoredUsage struct {
	Range
	Rows, Bytes int64
}

// PlanRetention says what keeping one granularity for a number of days does to what
// is stored of it, oldest first, as of now. A partition is dropped as a whole, once
// all of it is older.
func PlanRetention(g Granularity, days int, stored []StoredUsage, now time.Time) PlannedRetention {
	p := PlannedRetention{Granularity: g, Days: days}
	if days == 0 {
		return p
	}
	for _, s := range stored {
		gone := s.To.AddDate(0, 0, days)
		if gone.After(now) {
			p.NextDropAt = &gone
			break
		}
		if p.Drop == nil {
			p.Drop = &RetentionDrop{From: s.From}
		}
		p.Drop.Until = s.To
		p.Drop.Rows += s.Rows
		p.Drop.Bytes += s.Bytes
	}
	return p
}
