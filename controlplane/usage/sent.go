package usage

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Sent is how many requests of an account a source sent for a day in UTC.
type Sent struct {
	Day      time.Time
	Account  controlplane.ID
	Source   wire.SourceID
	Requests int64
}

// SentBy counts what batches say was sent, without the help of [Fold]: it is
// what the rollups are compared with. The list is sorted by day, account and
// source, with one element for each.
func SentBy(batches []*wire.Batch) []Sent {
	type key struct {
		day     int64
		account uint64
		source  wire.SourceID
	}
	counts := map[key]int64{}
	for _, b := range batches {
		for i := range b.Entries {
			e := &b.Entries[i]
			counts[key{e.Minute / minutesOfDay, e.Account, b.Source}] += int64(e.Requests)
		}
	}
	sent := make([]Sent, 0, len(counts))
	for k, n := range counts {
		sent = append(sent, Sent{time.Unix(k.day*86_400, 0).UTC(), controlplane.ID(k.account), k.source, n})
	}
	slices.SortFunc(sent, func(a, b Sent) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Account, b.Account), slices.Compare(a.Source[:], b.Source[:]))
	})
	return sent
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
