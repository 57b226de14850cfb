package preview

import (
	"math"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
)

// ruleset is a list of limits, as one account has them.
type ruleset struct {
	limits   []controlplane.Limit // with the account's overrides
	tally    *tally
	calendar quota.Calendar
	// shared are the bounds of what counts for the whole account, by limit; those of
	// keys are in own. Both are nil where a limit is of the other kind.
	shared []*subject
	own    map[controlplane.ID][]*subject
	limit  []float64 // what each might have throttled

	keys []controlplane.ID // that were seen in the minute at hand
}

// subject is one limit of one account or key.
type subject struct {
	*bounds
	minute          demandOf
	atLeast, atMost float64 // requests so far
}

// demandOf is what a minute asks of a limit, in requests and in its measure.
type demandOf struct{ sureRequests, possibleRequests, sure, possible float64 }

func newRuleset(a Account, t *tally) *ruleset {
	r := &ruleset{
		limits: make([]controlplane.Limit, len(t.limits)), tally: t, calendar: a.Calendar,
		own: map[controlplane.ID][]*subject{}, limit: make([]float64, len(t.limits)),
	}
	for i, l := range t.limits {
		if o, ok := a.Overrides[l.ID]; ok && l.ID != 0 {
			l.Amount = o.Amount
			if l.Kind == controlplane.Rate && o.Burst != 0 {
				l.Burst = o.Burst
			}
			if o.Mode != "" {
				l.Mode = o.Mode
			}
		}
		r.limits[i] = l
	}
	r.shared = r.subjects(controlplane.SubjectAccount)
	return r
}

func (r *ruleset) subjects(whose controlplane.LimitSubject) []*subject {
	s := make([]*subject, len(r.limits))
	for i := range r.limits {
		if r.limits[i].Subject == whose {
			s[i] = &subject{bounds: newBounds(enforced(r.limits[i]))}
		}
	}
	return s
}

// ofKey returns the limits of a key, and how many there are more than before.
func (r *ruleset) ofKey(key controlplane.ID) (own []*subject, more int) {
	if own = r.own[key]; own != nil {
		return own, 0
	}
	own = r.subjects(controlplane.SubjectKey)
	r.own[key] = own
	more = 1
	for _, s := range own {
		if s != nil {
			more++
		}
	}
	return own, more
}

// begin takes in what was let through before, in the periods of quotas that the
// replay begins in.
func (r *ruleset) begin(from time.Time, b *Before, endpoints map[controlplane.ID]Endpoint) (more int) {
	endpoint, known := endpoints[b.Endpoint]
	for i := range r.limits {
		l := &r.limits[i]
		sure, possible := counts(l, b.Endpoint, endpoint, known)
		if l.Kind != controlplane.Quota || l.Period != b.Period || !possible {
			continue
		}
		s := r.shared[i]
		if s == nil {
			own, n := r.ofKey(b.Key)
			s, more = own[i], more+n
		}
		if s == nil {
			continue // of addresses, which accounts don't have
		}
		units := float64(b.of(l.Measure))
		s.periodEnd = r.calendar.At(l.Period, from).End.Unix() / 60
		s.mightUsed += units
		if sure && b.Surely {
			s.used += units
		}
	}
	return more
}

// add adds a row, and returns how many limits of a single key there are more.
func (r *ruleset) add(row *Row, endpoints map[controlplane.ID]Endpoint) (more int) {
	own, more := r.ofKey(row.Key)
	if n := len(r.keys); n == 0 || r.keys[n-1] != row.Key {
		r.keys = append(r.keys, row.Key)
	}
	endpoint, known := endpoints[row.Endpoint]
	for i := range r.limits {
		s := r.shared[i]
		if s == nil {
			s = own[i]
		}
		if s == nil {
			continue // of addresses, which accounts don't have
		}
		if sure, possible := counts(&r.limits[i], row.Endpoint, endpoint, known); possible {
			s.minute.add(row, r.limits[i].Measure, sure)
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

// play plays the minute whose rows were added, and returns how many of its requests
// may have been throttled.
func (r *ruleset) play(minute, point, requests int64) (atMost int64) {
	sum := 0.0
	for i := range r.limits {
		sum += r.playOne(i, r.shared[i], minute, point)
		for _, key := range r.keys {
			sum += r.playOne(i, r.own[key][i], minute, point)
		}
	}
	r.keys = r.keys[:0]
	return int64(math.Round(min(sum, float64(requests))))
}

// playOne returns how many requests a limit may have throttled in a minute; none when
// it doesn't enforce.
func (r *ruleset) playOne(i int, s *subject, minute, point int64) float64 {
	if s == nil || s.minute.possibleRequests == 0 {
		return 0
	}
	d, l := s.minute, &r.limits[i]
	s.minute = demandOf{}
	end := int64(0)
	if l.Kind == controlplane.Quota {
		// Minutes come in order, so one before the end of the last period lies in that.
		if end = s.periodEnd; minute >= end {
			end = r.calendar.At(l.Period, time.Unix(minute*60, 0)).End.Unix() / 60
		}
	}
	atLeast, atMost := s.play(minute, demand{d.sure, d.possible}, end)
	if l.Measure != controlplane.MeasureRequests {
		atLeast *= d.sureRequests / max(1, d.sure)
		atMost *= d.possibleRequests / max(1, d.possible)
	}
	s.atLeast += atLeast
	s.atMost += atMost
	r.limit[i] += atMost
	surely, possibly := throttles(l)
	if surely {
		r.tally.atLeast[i][point] += atLeast
	}
	if !possibly {
		return 0
	}
	return atMost
}

// atLeast returns how many requests would have been throttled. What several limits
// throttle at least may be the same requests: of those of one subject, only the most
// counts.
func (r *ruleset) atLeast() int64 {
	most := func(subjects []*subject) (most float64) {
		for i, s := range subjects {
			if s == nil {
				continue
			}
			if surely, _ := throttles(&r.limits[i]); surely {
				most = max(most, s.atLeast)
			}
		}
		return most
	}
	keys := 0.0
	for _, subjects := range r.own {
		keys += most(subjects)
	}
	return whole(max(most(r.shared), keys))
}

// worst returns the limit that would have throttled the most; nil when none would.
func (r *ruleset) worst() (worst *controlplane.Limit) {
	most := 0.0
	for i, n := range r.limit {
		if _, possibly := throttles(&r.limits[i]); possibly && n > most {
			most, worst = n, &r.limits[i]
		}
	}
	return worst
}

// each adds what every limit would have done by itself.
func (r *ruleset) each(limits []LimitHarm) {
	add := func(subjects []*subject) {
		for i, s := range subjects {
			if s != nil {
				limits[i].AtLeast += whole(s.atLeast)
				limits[i].AtMost += whole(s.atMost)
			}
		}
	}
	add(r.shared)
	for _, subjects := range r.own {
		add(subjects)
	}
	for i, n := range r.limit {
		if n > 0 {
			limits[i].Accounts++
		}
	}
}
