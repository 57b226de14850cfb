package simulation

import (
	"slices"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// foldBugs are in what batches add to the rollups.
var foldBugs = []bug{
	{"a rollup has no hours", 20, folding(func(r *usage.Rollups) { r.Usage[usage.Hours] = nil })},
	{"a rollup has no months of verdicts", 20, folding(func(r *usage.Rollups) { r.Verdicts[usage.Months] = nil })},
	{"a rollup has no hours of custom meters", 20, folding(func(r *usage.Rollups) { r.Meters[usage.Hours] = nil })},
	{"every day is one in UTC", 50, folding(func(r *usage.Rollups) { r.Usage[usage.DayShifts] = nil })},
	{"a month in an account's zone isn't taken from the one in UTC", 200, folding(func(r *usage.Rollups) {
		months := &r.Usage[usage.MonthShifts]
		*months = slices.DeleteFunc(*months, func(r usage.Row) bool { return r.Requests < 0 })
	})},
	{"nothing is late", 100, folding(func(r *usage.Rollups) {
		for l := range r.Usage {
			for i := range r.Usage[l] {
				r.Usage[l][i].Late = 0
			}
		}
	})},
	{"a month has 30 days", 20, folding(func(r *usage.Rollups) {
		for i := range r.Usage[usage.Months] {
			r.Usage[usage.Months][i].Minute -= 30 * 24 * 60
		}
	})},
	{"what minutes don't keep is nowhere", 300, func(p *parts) {
		p.fold = func(batches []*wire.Batch, terms usage.Terms) usage.Rollups {
			kept := terms.Kept[usage.Minutes]
			for l := range terms.Kept {
				terms.Kept[l].From = max(terms.Kept[l].From, kept.From-kept.From%1440)
			}
			return usage.Fold(batches, terms)
		}
	}},
	{"usage from the hour before is dropped as late", 100, func(p *parts) {
		p.fold = func(batches []*wire.Batch, terms usage.Terms) usage.Rollups {
			r := usage.Fold(batches, terms)
			r.Usage[usage.Minutes] = slices.DeleteFunc(r.Usage[usage.Minutes], func(r usage.Row) bool { return r.Minute < terms.Now.Unix()/60-60 })
			return r
		}
	}},
	{"usage counts for the minute in which it was sent", 20, changing(func(b *wire.Batch, e *wire.Entry) { e.Minute = b.SentMS / 60_000 })},
	{"the hour is the one before at the turn of an hour", 100, changing(func(_ *wire.Batch, e *wire.Entry) {
		if e.Minute%60 == 0 {
			e.Minute--
		}
	})},
	{"shadowed requests are not added up", 20, changing(func(_ *wire.Batch, e *wire.Entry) { e.Shadowed = 0 })},
	{"tiers are mixed", 20, changing(func(_ *wire.Batch, e *wire.Entry) { e.Tier = 0 })},
	{"what was sent leaves out who is nobody", 20, func(p *parts) {
		p.sentBy = func(batches []*wire.Batch) []usage.Sent {
			return slices.DeleteFunc(usage.SentBy(batches), func(s usage.Sent) bool { return s.Account == 0 })
		}
	}},
}

// folding spoils what batches add to the rollups.
func folding(spoil func(*usage.Rollups)) func(*parts) {
	return func(p *parts) {
		p.fold = func(batches []*wire.Batch, terms usage.Terms) usage.Rollups {
			r := usage.Fold(batches, terms)
			spoil(&r)
			return r
		}
	}
}

// changing spoils the entries that are folded.
func changing(change func(*wire.Batch, *wire.Entry)) func(*parts) {
	return func(p *parts) {
		p.fold = func(batches []*wire.Batch, terms usage.Terms) usage.Rollups {
			return usage.Fold(changed(batches, change), terms)
		}
	}
}

// changed returns copies of batches with other entries.
func changed(batches []*wire.Batch, change func(*wire.Batch, *wire.Entry)) []*wire.Batch {
	var all []*wire.Batch
	for _, b := range batches {
		c := *b
		c.Entries = slices.Clone(b.Entries)
		for i := range c.Entries {
			change(b, &c.Entries[i])
		}
		all = append(all, &c)
	}
	return all
}
