package usage

import (
	"slices"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Row is what is added to one row of a rollup of usage. The Minute of its key is
// when the bucket begins; see [Level.Begin].
type Row struct {
	wire.EntryKey
	Sums
	Latency wire.Histogram
	owned   bool // nobody else has the same Latency
}

// Sums are the sums of a row. Those of corrections and of shifts may be negative.
type Sums struct {
	Requests   int64
	Shadowed   int64 // of the requests: those that a shadow limit would have refused
	Late       int64 // of the requests: those committed late; see LateAfter
	Cost       int64
	BytesIn    int64
	BytesOut   int64
	DurationUS int64
}

func (s *Sums) add(o *Sums, sign int64) {
	s.Requests += sign * o.Requests
	s.Shadowed += sign * o.Shadowed
	s.Late += sign * o.Late
	s.Cost += sign * o.Cost
	s.BytesIn += sign * o.BytesIn
	s.BytesOut += sign * o.BytesOut
	s.DurationUS += sign * o.DurationUS
}

func (r Row) minute() int64       { return r.Minute }
func (r Row) at(minute int64) Row { r.Minute, r.owned = minute, false; return r }

func (r *Row) add(o *Row) {
	r.Sums.add(&o.Sums, 1)
	if !r.owned {
		r.Latency, r.owned = slices.Clone(r.Latency), true
	}
	merge(&r.Latency, o.Latency)
}

// negated returns a row that takes back what r adds.
func (r Row) negated() Row {
	var s Sums
	s.add(&r.Sums, -1)
	r.Sums, r.Latency, r.owned = s, negated(r.Latency), true
	return r
}

// rowsOf adds the entries of batches up into rows by the minute, in any order.
func rowsOf(batches []*wire.Batch, now time.Time) []Row {
	lateBefore := int64(-1)
	if !now.IsZero() {
		lateBefore = minutesOf(now.Add(-LateAfter).Truncate(time.Minute))
	}
	at := map[wire.EntryKey]int{}
	var rows []Row
	for _, b := range batches {
		for i := range b.Entries {
			r := rowOf(&b.Entries[i], b.Entries[i].Minute < lateBefore)
			if n, ok := at[r.EntryKey]; ok {
				rows[n].add(&r)
				continue
			}
			at[r.EntryKey] = len(rows)
			rows = append(rows, r)
		}
	}
	return rows
}

func rowOf(e *wire.Entry, late bool) Row {
	r := Row{EntryKey: e.EntryKey, Latency: e.Latency, Sums: Sums{
		Requests: int64(e.Requests), Shadowed: int64(e.Shadowed), Cost: int64(e.Cost),
		BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut), DurationUS: int64(e.DurationUS),
	}}
	if late {
		r.Late = r.Requests
	}
	return r
}

// VerdictRow is what is added to one row of a rollup of verdicts.
type VerdictRow struct {
	wire.VerdictKey
	Requests, Amount int64
}

func (r VerdictRow) minute() int64              { return r.Minute }
func (r VerdictRow) at(minute int64) VerdictRow { r.Minute = minute; return r }

func (r *VerdictRow) add(o *VerdictRow) {
	r.Requests += o.Requests
	r.Amount += o.Amount
}

func verdictsOf(batches []*wire.Batch) (rows []VerdictRow) {
	for _, b := range batches {
		for _, v := range b.Verdicts {
			rows = append(rows, VerdictRow{v.VerdictKey, int64(v.Requests), int64(v.Amount)})
		}
	}
	return rows
}

// MeterRow is what is added to one row of a rollup of custom meters.
type MeterRow struct {
	wire.MeterKey
	Requests  int64 // that declared an amount
	Amount    int64 // sum of what they declared
	Corrected int64 // what corrections and imports add to the amount
}

func (r MeterRow) minute() int64            { return r.Minute }
func (r MeterRow) at(minute int64) MeterRow { r.Minute = minute; return r }

func (r *MeterRow) add(o *MeterRow) {
	r.Requests += o.Requests
	r.Amount += o.Amount
	r.Corrected += o.Corrected
}

func metersOf(batches []*wire.Batch) (rows []MeterRow) {
	for _, b := range batches {
		for _, m := range b.Meters {
			rows = append(rows, MeterRow{MeterKey: m.MeterKey, Requests: int64(m.Requests), Amount: int64(m.Amount)})
		}
	}
	return rows
}
