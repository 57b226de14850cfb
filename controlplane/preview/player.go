package preview

import (
	"math"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// player plays the usage of one account.
type player struct {
	Account
	limits []controlplane.Limit // with the account's overrides
	// shared are the bounds of what counts for the whole account, by limit; those of
	// keys are in own. Both are nil where a limit is of the other kind.
	shared []*subject
	own    map[controlplane.ID][]*subject

	harm  AccountHarm
	limit []float64 // what each might have throttled

	now  Harm // of the minute at hand
	keys []controlplane.ID
}

// subject is one limit of one account or key.
type subject struct {
	*bounds
	minute          demandOf
	atLeast, atMost float64 // requests so far
}

// demandOf is what a minute asks of a limit, in requests and in its measure.
type demandOf struct{ sureRequests, possibleRequests, sure, possible float64 }

func newPlayer(a Account, limits []controlplane.Limit) *player {
	p := &player{Account: a, limits: make([]controlplane.Limit, len(limits)), own: map[controlplane.ID][]*subject{}, limit: make([]float64, len(limits))}
	p.harm.AccountID = a.ID
	for i, l := range limits {
		if o, ok := a.Overrides[l.ID]; ok && l.ID != 0 {
			l.Amount = o.Amount
			if l.Kind == controlplane.Rate && o.Burst != 0 {
				l.Burst = o.Burst
			}
			if o.Mode != "" {
				l.Mode = o.Mode
			}
		}
		p.limits[i] = l
	}
	p.shared = p.subjects(controlplane.SubjectAccount)
	return p
}

func (p *player) subjects(whose controlplane.LimitSubject) []*subject {
	s := make([]*subject, len(p.limits))
	for i := range p.limits {
		if p.limits[i].Subject == whose {
			s[i] = &subject{bounds: newBounds(enforced(p.limits[i]))}
		}
	}
	return s
}

// enforced is what of a limit enforces: that of a soft one with a grace percentage is
// larger by that.
func enforced(l controlplane.Limit) *controlplane.Limit {
	if l.Mode == controlplane.Soft && l.GracePercent > 0 {
		scale := func(n int64) int64 { return n/100*int64(100+l.GracePercent) + n%100*int64(100+l.GracePercent)/100 }
		l.Amount, l.Burst = scale(l.Amount), scale(l.Burst)
	}
	return &l
}

// throttles says whether a limit surely enforces, and whether it may.
func throttles(l *controlplane.Limit) (surely, possibly bool) {
	switch l.Mode {
	case controlplane.Enforce:
		return true, true
	case controlplane.Soft:
		return l.GracePercent > 0, l.GracePercent > 0 || l.GraceSeconds > 0
	}
	return false, false
}

// add adds a row, and returns how many limits of a single key there are more.
func (p *player) add(row *Row, endpoints map[controlplane.ID]Endpoint) (more int) {
	p.now.Requests += row.Allowed + row.Throttled
	p.now.Throttled += row.Throttled
	own := p.own[row.Key]
	if own == nil {
		own = p.subjects(controlplane.SubjectKey)
		p.own[row.Key] = own
		more = 1
		for _, s := range own {
			if s != nil {
				more++
			}
		}
	}
	if n := len(p.keys); n == 0 || p.keys[n-1] != row.Key {
		p.keys = append(p.keys, row.Key)
	}
	endpoint, known := endpoints[row.Endpoint]
	for i := range p.limits {
		s := p.shared[i]
		if s == nil {
			s = own[i]
		}
		if sure, possible := counts(&p.limits[i], row.Endpoint, endpoint, known); possible {
			s.minute.add(row, p.limits[i].Measure, sure)
		}
	}
	return more
}

func (d *demandOf) add(row *Row, measure controlplane.Measure, sure bool) {
	requests := float64(row.Allowed + row.Throttled)
	units := requests
	if measure != controlplane.MeasureRequests {
		of := row.Cost
		if measure == controlplane.MeasureBytes {
			of = row.Bytes
		}
		// What was throttled would have been like what was allowed.
		units = float64(of) * requests / float64(max(1, row.Allowed))
	}
	d.possibleRequests += requests
	d.possible += units
	if sure {
		d.sureRequests += requests
		d.sure += units
	}
}

// counts says whether a limit surely counts requests to an endpoint, and whether it
// may. The methods of requests to no endpoint aren't known.
func counts(l *controlplane.Limit, id controlplane.ID, e Endpoint, known bool) (surely, possibly bool) {
	switch l.Selector {
	case controlplane.SelectEndpoint:
		return id == l.Endpoint, id == l.Endpoint
	case controlplane.SelectGroup:
		return known && e.Group == l.Group, known && e.Group == l.Group
	case controlplane.SelectReads, controlplane.SelectWrites:
		if !known || e.Method == "*" {
			return false, true
		}
		reads := e.Method == "GET" || e.Method == "HEAD" || e.Method == "OPTIONS"
		is := reads == (l.Selector == controlplane.SelectReads)
		return is, is
	}
	return true, true
}

// play plays the minute whose rows were added, and tells of each limit what it
// throttles at least.
func (p *player) play(minute int64, tell func(limit int, atLeast float64)) Harm {
	atMost := 0.0
	for i := range p.limits {
		atMost += p.playOne(i, p.shared[i], minute, tell)
		for _, key := range p.keys {
			atMost += p.playOne(i, p.own[key][i], minute, tell)
		}
	}
	now := p.now
	now.AtMost = int64(math.Round(min(atMost, float64(now.Requests))))
	p.now, p.keys = Harm{}, p.keys[:0]

	p.harm.Requests += now.Requests
	p.harm.Throttled += now.Throttled
	p.harm.AtMost += now.AtMost
	if now.AtMost > 0 {
		at := time.Unix(minute*60, 0).UTC()
		if p.harm.First == nil {
			p.harm.First = &at
		}
		if now.AtMost > p.harm.WorstAtMost {
			p.harm.Worst, p.harm.WorstAtMost = &at, now.AtMost
		}
	}
	return now
}

// playOne returns how many requests a limit may have throttled in a minute; none when
// it doesn't enforce.
func (p *player) playOne(i int, s *subject, minute int64, tell func(int, float64)) float64 {
	if s == nil || s.minute.possibleRequests == 0 {
		return 0
	}
	d, l := s.minute, &p.limits[i]
	s.minute = demandOf{}
	end := int64(0)
	if l.Kind == controlplane.Quota {
		end = p.Calendar.At(l.Period, time.Unix(minute*60, 0)).End.Unix() / 60
	}
	atLeast, atMost := s.play(minute, demand{d.sure, d.possible}, end)
	if l.Measure != controlplane.MeasureRequests {
		atLeast *= d.sureRequests / max(1, d.sure)
		atMost *= d.possibleRequests / max(1, d.possible)
	}
	s.atLeast += atLeast
	s.atMost += atMost
	p.limit[i] += atMost
	surely, possibly := throttles(l)
	if surely {
		tell(i, atLeast)
	}
	if !possibly {
		return 0
	}
	return atMost
}
