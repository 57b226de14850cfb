package simulation

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// foldBugs are in what batches add to the rollups.
var foldBugs = []bug{
	{"a rollup has no hours", 20, func(p *parts) {
		p.fold = func(batches []*wire.Batch) []usage.Row {
			return slices.DeleteFunc(usage.Fold(batches), func(r usage.Row) bool { return r.Granularity == controlplane.ByHour })
		}
	}},
	{"a rollup has no months of verdicts", 20, func(p *parts) {
		p.foldVerdicts = func(batches []*wire.Batch) []usage.VerdictRow {
			return slices.DeleteFunc(usage.FoldVerdicts(batches), func(r usage.VerdictRow) bool { return r.Granularity == controlplane.ByMonth })
		}
	}},
	{"usage counts for the minute in which it was sent", 20, func(p *parts) {
		p.fold = func(batches []*wire.Batch) []usage.Row {
			return usage.Fold(changed(batches, func(b *wire.Batch, e *wire.Entry) { e.Minute = b.SentMS / 60_000 }))
		}
	}},
	{"usage from the hour before is dropped as late", 100, func(p *parts) {
		p.fold = func(batches []*wire.Batch) []usage.Row {
			return slices.DeleteFunc(usage.Fold(batches), func(r usage.Row) bool {
				return r.Granularity == controlplane.ByMinute && r.Minute < batches[0].SentMS/60_000-60
			})
		}
	}},
	{"a month has 30 days", 20, func(p *parts) {
		p.fold = func(batches []*wire.Batch) []usage.Row {
			rows := usage.Fold(batches)
			for i := range rows {
				if r := &rows[i]; r.Granularity == controlplane.ByMonth {
					r.Bucket = time.Unix(r.Minute*60, 0).Add(-30 * 24 * time.Hour)
					r.Minute = r.Bucket.Unix() / 60
				}
			}
			return rows
		}
	}},
	{"the hour is the one before at the turn of an hour", 100, func(p *parts) {
		p.fold = func(batches []*wire.Batch) []usage.Row {
			return usage.Fold(changed(batches, func(_ *wire.Batch, e *wire.Entry) {
				if e.Minute%60 == 0 {
					e.Minute--
				}
			}))
		}
	}},
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
