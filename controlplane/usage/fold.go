// Package usage is the meter's arithmetic: what batches add to the rollups, and
// which batches were counted before. It is pure; nothing here touches a clock,
// a network or a disk.
package usage

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Row is what some batches add to one row of one rollup.
type Row struct {
	Granularity controlplane.Granularity
	Bucket      time.Time
	wire.Entry  // Minute is that of the bucket's beginning
}

// Fold adds batches up into rollup rows, one for each granularity, bucket and
// set of dimensions. The rows of each granularity have the same sums.
func Fold(batches []*wire.Batch) []Row {
	type key struct {
		granularity controlplane.Granularity
		wire.EntryKey
	}
	at := map[key]int{}
	var rows []Row
	for _, b := range batches {
		for i := range b.Entries {
			e := &b.Entries[i]
			minute := time.Unix(e.Minute*60, 0)
			for _, g := range controlplane.Granularities {
				bucket := g.Truncate(minute)
				k := key{g, e.EntryKey}
				k.Minute = bucket.Unix() / 60
				k.Tier = 0 // the tables have no such column
				n, ok := at[k]
				if !ok {
					n = len(rows)
					at[k] = n
					rows = append(rows, Row{Granularity: g, Bucket: bucket, Entry: wire.Entry{EntryKey: k.EntryKey}})
				}
				add(&rows[n].Entry, e)
			}
		}
	}
	return rows
}

func add(to, e *wire.Entry) {
	to.Requests += e.Requests
	to.Cost += e.Cost
	to.BytesIn += e.BytesIn
	to.BytesOut += e.BytesOut
	to.DurationUS += e.DurationUS
	to.Latency.Merge(e.Latency)
}

// VerdictRow is what some batches add to one row of one rollup of verdicts.
type VerdictRow struct {
	Granularity       controlplane.Granularity
	Bucket            time.Time
	wire.VerdictEntry // Minute is that of the bucket's beginning
}

// FoldVerdicts is [Fold] for verdicts.
func FoldVerdicts(batches []*wire.Batch) []VerdictRow {
	type key struct {
		granularity controlplane.Granularity
		wire.VerdictKey
	}
	at := map[key]int{}
	var rows []VerdictRow
	for _, b := range batches {
		for _, v := range b.Verdicts {
			minute := time.Unix(v.Minute*60, 0)
			for _, g := range controlplane.Granularities {
				bucket := g.Truncate(minute)
				k := key{g, v.VerdictKey}
				k.Minute = bucket.Unix() / 60
				n, ok := at[k]
				if !ok {
					n = len(rows)
					at[k] = n
					rows = append(rows, VerdictRow{Granularity: g, Bucket: bucket, VerdictEntry: wire.VerdictEntry{VerdictKey: k.VerdictKey}})
				}
				rows[n].Requests += v.Requests
				rows[n].Amount += v.Amount
			}
		}
	}
	return rows
}

// LastLevels returns the newest level of each account, limit and key.
func LastLevels(batches []*wire.Batch) []controlplane.Level {
	type key struct{ account, limit, key uint64 }
	last := map[key]wire.Level{}
	for _, b := range batches {
		for _, l := range b.Levels {
			k := key{l.Account, l.Limit, l.Key}
			if have, ok := last[k]; !ok || have.AtMS <= l.AtMS {
				last[k] = l
			}
		}
	}
	levels := make([]controlplane.Level, 0, len(last))
	for _, l := range last {
		levels = append(levels, controlplane.Level{
			AccountID: controlplane.ID(l.Account), LimitID: controlplane.ID(l.Limit), KeyID: controlplane.ID(l.Key),
			Remaining: l.Remaining, ObservedAt: time.UnixMilli(l.AtMS).UTC(),
		})
	}
	slices.SortFunc(levels, func(a, b controlplane.Level) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.LimitID, b.LimitID), cmp.Compare(a.KeyID, b.KeyID))
	})
	return levels
}
