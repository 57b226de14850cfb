package preview

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Before is what was let through between the begin of a quota's period and the replay.
type Before struct {
	Account        controlplane.ID
	Period         controlplane.Period
	Key, Endpoint  controlplane.ID // 0 where [Quotas] says that they don't matter
	Surely         bool            // see [Since]
	Requests, Cost int64
	Bytes          int64
}

func (b *Before) of(m controlplane.Measure) int64 {
	switch m {
	case controlplane.MeasureBytes:
		return b.Bytes
	case controlplane.MeasureCost:
		return b.Cost
	}
	return b.Requests
}

// Quotas says which usage before a replay its quotas are about.
type Quotas struct {
	Periods           []controlplane.Period // each once
	ByKey, ByEndpoint bool                  // whether it matters whose and to what requests were
}

// Quotas returns which usage before From matters.
func (p *Replay) Quotas() (q Quotas) {
	for _, t := range p.tallies {
		for _, l := range t.limits {
			if l.Kind != controlplane.Quota {
				continue
			}
			if !slices.Contains(q.Periods, l.Period) {
				q.Periods = append(q.Periods, l.Period)
			}
			q.ByKey = q.ByKey || l.Subject == controlplane.SubjectKey
			q.ByEndpoint = q.ByEndpoint || l.Selector != controlplane.SelectAll
		}
	}
	return q
}

// Begin takes in what was let through before, ahead of all rows. The error is the
// caller's.
func (p *Replay) Begin(b Before) error {
	a := p.accounts[b.Account]
	if a == nil {
		return nil
	}
	return p.follow(a.draft.begin(p.r.From, &b, p.endpoints) + a.today.begin(p.r.From, &b, p.endpoints))
}

// Stretch is whole buckets of a rollup.
type Stretch struct {
	controlplane.Stretch
	// Surely says that all of it lies in the period; otherwise an unknown part does.
	Surely bool
}

// Since cuts the time from a period's start to a replay into stretches of rollups
// that are kept. Where the finer ones of the start aren't kept any more, the bucket
// that it lies in is one that isn't sure. So are months, where days aren't kept.
func Since(start, from time.Time, kept [len(controlplane.Granularities)]time.Time) (all []Stretch) {
	for start.Before(from) {
		g := controlplane.ByMinute
		for g < controlplane.ByMonth && g.Truncate(start).Before(kept[g]) {
			g++
		}
		begin, next := g.Truncate(start), g.Next(g.Truncate(start))
		if begin.Equal(start) && g < controlplane.ByMonth {
			break
		}
		all = append(all, Stretch{Stretch: controlplane.Stretch{Granularity: g, Range: controlplane.Range{From: begin, To: next}}})
		start = next
	}
	for _, s := range controlplane.Stretches(controlplane.Range{From: start, To: from}) {
		all = append(all, Stretch{s, true})
	}
	return all
}
