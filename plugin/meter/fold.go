package meter

import (
	"slices"

	"github.com/weirhq/weir/plugin/wire"
)

// coarsen gives up all detail of sorted lists that d doesn't have, but for the
// latencies, and leaves them sorted.
func coarsen(b *wire.Batch, d detail) {
	for i := range b.Entries {
		e := &b.Entries[i]
		if d >= noEndpoint {
			e.Key, e.Endpoint = 0, 0
		}
		if d >= noStatus {
			e.Tier, e.Status = 0, 0
		}
	}
	for i := range b.Meters {
		m := &b.Meters[i]
		if d >= noEndpoint {
			m.Key, m.Endpoint = 0, 0
		}
		if d >= noStatus {
			m.Tier = 0
		}
	}
	if d >= noEndpoint {
		b.Sort()
		unite(b)
	}
}

// join returns both batches' lists as one, sorted. The batches aren't to be used
// any more.
func join(a, b *wire.Batch) *wire.Batch {
	a.Entries = append(a.Entries, b.Entries...)
	a.Meters = append(a.Meters, b.Meters...)
	a.Verdicts = append(a.Verdicts, b.Verdicts...)
	a.Sort()
	unite(a)
	return a
}

// unite adds up what has the same key in sorted lists.
func unite(b *wire.Batch) {
	b.Entries = uniteList(b.Entries, func(to, e *wire.Entry) bool {
		if to.EntryKey != e.EntryKey {
			return false
		}
		to.Requests += e.Requests
		to.Shadowed += e.Shadowed
		to.Cost += e.Cost
		to.BytesIn += e.BytesIn
		to.BytesOut += e.BytesOut
		to.DurationUS += e.DurationUS
		to.Latency.Merge(e.Latency)
		return true
	})
	b.Meters = uniteList(b.Meters, func(to, e *wire.MeterEntry) bool {
		if to.MeterKey != e.MeterKey {
			return false
		}
		to.Requests += e.Requests
		to.Amount += e.Amount
		return true
	})
	b.Verdicts = uniteList(b.Verdicts, func(to, e *wire.VerdictEntry) bool {
		if to.VerdictKey != e.VerdictKey {
			return false
		}
		to.Requests += e.Requests
		to.Amount += e.Amount
		return true
	})
}

// uniteList adds each element to the one kept before it, if add does.
func uniteList[E any](list []E, add func(to, e *E) bool) []E {
	kept := 0
	for i := range list {
		if kept > 0 && add(&list[kept-1], &list[i]) {
			continue
		}
		list[kept] = list[i]
		kept++
	}
	clear(list[kept:])
	return slices.Clip(list[:kept])
}
