package preview

import (
	"cmp"
	"math"
	"slices"
)

// Report ends the replay and says what the limits would have done.
func (p *Replay) Report() *Report {
	p.flush()
	draft, today := p.tallies[0], p.tallies[1:]
	r := &Report{From: p.r.From, To: p.r.To, PointMinutes: int(p.minutes), Points: p.points, Limits: make([]LimitHarm, len(draft.limits))}
	for i := range draft.limits {
		r.Limits[i].Name = draft.limits[i].Name
	}
	for _, a := range p.accounts {
		a.draft.each(r.Limits)
		h := a.end()
		r.Total.add(h.Harm)
		r.Surely, r.Possibly = h.count(r.Surely, r.Possibly)
		r.SurelyToday, r.PossiblyToday = h.Today.count(r.SurelyToday, r.PossiblyToday)
		r.Accounts = append(r.Accounts, *h)
	}
	slices.SortFunc(r.Accounts, func(a, b AccountHarm) int {
		return cmp.Or(cmp.Compare(b.AtLeast, a.AtLeast), cmp.Compare(b.AtMost, a.AtMost), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.AccountID, b.AccountID))
	})
	for i, n := range draft.series(len(r.Points)) {
		r.Points[i].AtLeast = whole(n)
	}
	sum := make([]float64, len(r.Points))
	for _, version := range today {
		for i, n := range version.series(len(sum)) {
			sum[i] += n
		}
	}
	for i, n := range sum {
		r.Points[i].Today.AtLeast = whole(n)
	}
	return r
}

func (h *Harm) add(o Harm) {
	h.Requests += o.Requests
	h.Throttled += o.Throttled
	h.AtLeast += o.AtLeast
	h.AtMost += o.AtMost
	h.Today.AtLeast += o.Today.AtLeast
	h.Today.AtMost += o.Today.AtMost
}

// count adds an account to how many would have been throttled.
func (f Figures) count(surely, possibly int) (int, int) {
	if f.AtLeast > 0 {
		surely++
	}
	if f.AtMost > 0 {
		possibly++
	}
	return surely, possibly
}

// series returns what points have at least: that of one limit, because those of
// several may be the same requests.
func (t *tally) series(points int) []float64 {
	most, sum := make([]float64, points), 0.0
	for _, series := range t.atLeast {
		n := 0.0
		for _, v := range series {
			n += v
		}
		if n > sum {
			most, sum = series, n
		}
	}
	return most
}

// whole counts whole requests; what computing adds or loses is none.
func whole(n float64) int64 { return int64(math.Floor(n + 1e-6)) }
