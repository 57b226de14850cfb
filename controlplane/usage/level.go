package usage

import "time"

// Level is one of the rollups that usage is kept in. Those in UTC have the
// numbers of [controlplane.Granularity].
type Level int

// The levels. DayShifts and MonthShifts are what the days and months in the time
// zones of accounts have more than those in UTC: usage of which the date is
// another one in the account's zone is there twice, added to that date and taken
// from the date in UTC. So a day by the account's zone is the sum of Days and
// DayShifts, and accounts on UTC cost nothing.
const (
	Minutes Level = iota
	Hours
	Days
	Months
	DayShifts
	MonthShifts

	Levels         = 6
	calendarLevels = 4 // those that verdicts and meters have too
)

func (l Level) String() string {
	return [...]string{"minute", "hour", "day", "month", "day_shift", "month_shift"}[l]
}

const minutesOfDay = 24 * 60

// Begin returns when the bucket that a minute is in begins. Both are in minutes
// since the Unix epoch. Shifts have the buckets of what they shift.
func (l Level) Begin(minute int64) int64 {
	switch l {
	case Minutes:
		return minute
	case Hours:
		return minute - minute%60
	case Days, DayShifts:
		return minute - minute%minutesOfDay
	default:
		y, m, _ := timeOf(minute).Date()
		return minutesOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
	}
}

// localDay returns the date that a minute has in a zone, as midnight in UTC.
func localDay(minute int64, zone *time.Location) int64 {
	y, m, d := timeOf(minute).In(zone).Date()
	return minutesOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

func timeOf(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

func minutesOf(t time.Time) int64 { return t.Unix() / 60 }

// Span is a stretch of time in minutes since the Unix epoch, From inclusive and
// Until exclusive. The zero Span is all of it.
type Span struct{ From, Until int64 }

// Has says whether a minute is in the span.
func (s Span) Has(minute int64) bool {
	return s == Span{} || s.From <= minute && minute < s.Until
}
