package simulation

import (
	"slices"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// foldBugs are in what batches add to the rollups.
var foldBugs = []bug{
	{"a rollup has no hours", 20, folding(func(r *usage.Rollups, _ []*wire.Batch) { r.Usage[usage.Hours] = nil })},
	{"a rollup has no months of verdicts", 20, folding(func(r *usage.Rollups, _ []*wire.Batch) { r.Verdicts[usage.Months] = nil })},
	{"usage counts for the minute in which it was sent", 20, func(p *parts) {
		p.fold = func(batches []*wire.Batch) usage.Rollups {
			return fold(changed(batches, func(b *wire.Batch, e *wire.Entry) { e.Minute = b.SentMS / 60_000 }))
		}
	}},
	{"usage from the hour before is dropped as late", 100, folding(func(r *usage.Rollups, batches []*wire.Batch) {
		r.Usage[usage.Minutes] = slices.DeleteFunc(r.Usage[usage.Minutes], func(r usage.Row) bool { return r.Minute < batches[0].SentMS/60_000-60 })
	})},
	{"a month has 30 days", 20, folding(func(r *usage.Rollups, _ []*wire.Batch) {
		for i := range r.Usage[usage.Months] {
			r.Usage[usage.Months][i].Minute -= 30 * 24 * 60
		}
	})},
	{"the hour is the one before at the turn of an hour", 100, func(p *parts) {
		p.fold = func(batches []*wire.Batch) usage.Rollups {
			return fold(changed(batches, func(_ *wire.Batch, e *wire.Entry) {
				if e.Minute%60 == 0 {
					e.Minute--
				}
			}))
		}
	}},
}

// folding spoils what batches add to the rollups.
func folding(spoil func(*usage.Rollups, []*wire.Batch)) func(*parts) {
	return func(p *parts) {
		p.fold = func(batches []*wire.Batch) usage.Rollups {
			r := fold(batches)
			spoil(&r, batches)
			return r
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
