package simulation

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// tables is what the database holds.
type tables struct {
	sources  map[wire.SourceID]*sourceRow
	rows     map[rowKey]*row
	verdicts map[verdictKey]pair
	meters   map[meterKey]triple
	sent     map[sentKey]int64

	missing     map[wire.SourceID][]usage.OpenMissing // that isn't resolved
	lastID      controlplane.ID                       // of those
	corrections map[string]*correction                // by the client's id
}

type rowKey struct {
	level usage.Level
	wire.EntryKey
}

type verdictKey struct {
	level usage.Level
	wire.VerdictKey
}

type meterKey struct {
	level usage.Level
	wire.MeterKey
}

type sentKey struct {
	day     int64 // seconds since the Unix epoch
	account uint64
	source  wire.SourceID
}

type row struct {
	usage.Sums
	latency wire.Histogram
}

type pair struct{ requests, amount int64 }

func (p pair) plus(requests, amount int64) pair {
	return pair{p.requests + requests, p.amount + amount}
}

type triple struct{ requests, amount, corrected int64 }

func (t triple) plus(requests, amount, corrected int64) triple {
	return triple{t.requests + requests, t.amount + amount, t.corrected + corrected}
}

func newTables() tables {
	return tables{
		sources: map[wire.SourceID]*sourceRow{}, rows: map[rowKey]*row{}, verdicts: map[verdictKey]pair{}, meters: map[meterKey]triple{},
		sent: map[sentKey]int64{}, missing: map[wire.SourceID][]usage.OpenMissing{}, corrections: map[string]*correction{},
	}
}

// terms are those of a transaction now: as in package postgres, with accounts in
// three time zones.
func (p *path) terms() usage.Terms {
	const day = 24 * 60
	now := time.UnixMilli(p.plan.startMS + p.now/millisecond).UTC()
	minute, start := now.Unix()/60, p.plan.startMS/60_000
	t := usage.Terms{Now: now, Zones: p.zones}
	for l := range t.Kept {
		t.Kept[l] = usage.Span{From: -1 << 62, Until: 1 << 62}
	}
	t.Kept[usage.Minutes] = usage.Span{From: start - 30*day, Until: minute + 2*day}
	t.Kept[usage.Hours] = usage.Span{From: start - 365*day, Until: minute + 32*day}
	return t
}

// add adds batches to the rollups.
func (s *store) add(fresh []*wire.Batch, terms usage.Terms) {
	s.addRollups(s.path.parts.fold(fresh, terms))
	for _, e := range s.path.parts.sentBy(fresh) {
		s.sent[sentKey{e.Day.Unix(), uint64(e.Account), e.Source}] += e.Requests
	}
}

func (s *store) addRollups(rollups usage.Rollups) {
	for l := range rollups.Usage {
		for i := range rollups.Usage[l] {
			r := &rollups.Usage[l][i]
			s.addRow(usage.Level(l), r.EntryKey, &r.Sums, r.Latency, 1)
		}
	}
	for l := range rollups.Verdicts {
		for _, r := range rollups.Verdicts[l] {
			k := verdictKey{usage.Level(l), r.VerdictKey}
			s.verdicts[k] = s.verdicts[k].plus(r.Requests, r.Amount)
		}
		for _, r := range rollups.Meters[l] {
			k := meterKey{usage.Level(l), r.MeterKey}
			s.meters[k] = s.meters[k].plus(r.Requests, r.Amount, r.Corrected)
		}
	}
}

func (t tables) addRow(l usage.Level, k wire.EntryKey, sums *usage.Sums, latency wire.Histogram, sign int64) {
	key := rowKey{l, k}
	r := t.rows[key]
	if r == nil {
		r = &row{}
		t.rows[key] = r
	}
	r.Requests += sign * sums.Requests
	r.Shadowed += sign * sums.Shadowed
	r.Late += sign * sums.Late
	r.Cost += sign * sums.Cost
	r.BytesIn += sign * sums.BytesIn
	r.BytesOut += sign * sums.BytesOut
	r.DurationUS += sign * sums.DurationUS
	r.latency = plusBins(r.latency, latency, sign)
}

// plusBins adds up two histograms, without the product's arithmetic.
func plusBins(a, b wire.Histogram, sign int64) wire.Histogram {
	sum := make(wire.Histogram, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var bin wire.Bin
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Index < b[0].Index:
			bin, a = a[0], a[1:]
		case len(a) == 0 || a[0].Index > b[0].Index:
			bin, b = wire.Bin{Index: b[0].Index, Count: uint64(sign * int64(b[0].Count))}, b[1:]
		default:
			bin = wire.Bin{Index: a[0].Index, Count: a[0].Count + uint64(sign*int64(b[0].Count))}
			a, b = a[1:], b[1:]
		}
		if bin.Count != 0 {
			sum = append(sum, bin)
		}
	}
	return sum
}

// addBatch adds a batch in the plainest way, entry by entry and level by level:
// what the product's arithmetic is compared with.
func (t tables) addBatch(b *wire.Batch, terms usage.Terms) {
	for i := range b.Entries {
		e := &b.Entries[i]
		sums := usage.Sums{
			Requests: int64(e.Requests), Shadowed: int64(e.Shadowed), Cost: int64(e.Cost),
			BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut), DurationUS: int64(e.DurationUS),
		}
		if terms.Now.Sub(time.Unix(e.Minute*60+60, 0)) >= usage.LateAfter {
			sums.Late = sums.Requests
		}
		t.addSums(e.EntryKey, &sums, e.Latency, terms)
		t.sent[sentKey{(e.Minute - e.Minute%1440) * 60, e.Account, b.Source}] += sums.Requests
	}
	for l := usage.Minutes; l <= usage.Months; l++ {
		for _, v := range b.Verdicts {
			k := verdictKey{l, v.VerdictKey}
			if k.Minute = bucketOf(l, v.Minute); terms.Kept[l].Has(k.Minute) {
				t.verdicts[k] = t.verdicts[k].plus(int64(v.Requests), int64(v.Amount))
			}
		}
		for _, m := range b.Meters {
			k := meterKey{l, m.MeterKey}
			if k.Minute = bucketOf(l, m.Minute); terms.Kept[l].Has(k.Minute) {
				t.meters[k] = t.meters[k].plus(int64(m.Requests), int64(m.Amount), 0)
			}
		}
	}
}

// addSums adds the sums of a minute to every level.
func (t tables) addSums(k wire.EntryKey, sums *usage.Sums, latency wire.Histogram, terms usage.Terms) {
	minute := k.Minute
	put := func(l usage.Level, bucket, sign int64) {
		if terms.Kept[l].Has(bucket) {
			k.Minute = bucket
			t.addRow(l, k, sums, latency, sign)
		}
	}
	for l := usage.Minutes; l <= usage.Months; l++ {
		put(l, bucketOf(l, minute), 1)
	}
	zone := terms.Zones[controlplane.ID(k.Account)]
	if zone == nil {
		zone = time.UTC
	}
	year, month, day := time.Unix(minute*60, 0).In(zone).Date()
	local := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 60
	for l := usage.DayShifts; l <= usage.MonthShifts; l++ {
		if from, to := bucketOf(l, minute), bucketOf(l, local); from != to {
			put(l, to, 1)
			put(l, from, -1)
		}
	}
}

// bucketOf returns the first minute of the bucket that a minute is in.
func bucketOf(l usage.Level, minute int64) int64 {
	switch l {
	case usage.Minutes:
		return minute
	case usage.Hours:
		return minute - minute%60
	case usage.Days, usage.DayShifts:
		return minute - minute%1440
	}
	day := time.Unix(minute*60, 0).UTC().Day()
	return minute - minute%1440 - int64(day-1)*1440
}

func (r *row) same(o *row) bool {
	return r.Sums == o.Sums && slices.Equal(r.latency, o.latency)
}
