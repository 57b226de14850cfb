package controlplane

// Retention is how many days usage is kept at each granularity, at least; 0 is for
// ever. What is dropped at one granularity stays in the coarser ones.
type Retention struct {
	Minutes, Hours, Days, Months int
}

// MaxRetentionDays is the longest retention that isn't for ever.
const MaxRetentionDays = 36_500

// Check says what is wrong with a retention.
func (r Retention) Check() error {
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
