package preview

import (
	"cmp"
	"math"
	"slices"
)

// Report ends the replay and says what the limits would have done.
func (p *Replay) Report() *Report {
	p.flush()
	r := &Report{From: p.r.From, To: p.r.To, PointMinutes: int(p.minutes), Points: p.points, Limits: make([]LimitHarm, len(p.limits))}
	for i := range p.limits {
		r.Limits[i].Name = p.limits[i].Name
	}
	for _, a := range p.accounts {
		a.end(r.Limits)
		h := &a.harm
		r.Total.Requests += h.Requests
		r.Total.Throttled += h.Throttled
		r.Total.AtLeast += h.AtLeast
		r.Total.AtMost += h.AtMost
		if h.AtLeast > 0 {
			r.Surely++
		}
		if h.AtMost > 0 {
			r.Possibly++
		}
		r.Accounts = append(r.Accounts, *h)
	}
	slices.SortFunc(r.Accounts, func(a, b AccountHarm) int {
		return cmp.Or(cmp.Compare(b.AtLeast, a.AtLeast), cmp.Compare(b.AtMost, a.AtMost), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.AccountID, b.AccountID))
	})
	p.series(r)
	return r
}

// series fills in what the points have at least: that of one limit, because those of
// several may be the same requests.
func (p *Replay) series(r *Report) {
	most, sum := -1, 0.0
	for i, points := range p.atLeast {
		n := 0.0
		for _, v := range points {
			n += v
		}
		if n > sum {
			most, sum = i, n
		}
	}
	if most < 0 {
		return
	}
	for i := range r.Points {
		r.Points[i].AtLeast = whole(p.atLeast[most][i])
	}
}

// end adds up what was played. What several limits throttle at least may be the same
// requests: of those of one subject, only the most counts.
func (p *player) end(limits []LimitHarm) {
	var account, keys float64
	shared := func(subjects []*subject) (most float64) {
		for i, s := range subjects {
			if s == nil {
				continue
			}
			limits[i].AtLeast += whole(s.atLeast)
			limits[i].AtMost += whole(s.atMost)
			if surely, _ := throttles(&p.limits[i]); surely {
				most = max(most, s.atLeast)
			}
		}
		return most
	}
	account = shared(p.shared)
	for _, subjects := range p.own {
		keys += shared(subjects)
	}
	p.harm.AtLeast = min(whole(max(account, keys)), p.harm.AtMost)
	worst := 0.0
	for i, n := range p.limit {
		if n <= 0 {
			continue
		}
		limits[i].Accounts++
		if _, possibly := throttles(&p.limits[i]); possibly && n > worst {
			worst, p.harm.Limit, p.harm.LimitID = n, p.limits[i].Name, p.limits[i].ID
		}
	}
}

// whole counts whole requests; what computing adds or loses is none.
func whole(n float64) int64 { return int64(math.Floor(n + 1e-6)) }
