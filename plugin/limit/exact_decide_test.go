package limit

import "math/bits"

func (s *simulation) draw(rules []Rule) Request {
	r := Request{Epoch: s.epoch, Now: s.now, Wall: s.wall, Applies: s.rng.Uint64N(1 << len(rules))}
	if s.rng.IntN(2) == 0 {
		r.Applies = 1<<len(rules) - 1
	}
	r.Take = [Measures]uint64{1, 0, uint64(s.rng.IntN(5))}
	return r
}

func (s *simulation) decide(version uint64, rules []Rule) {
	req := s.draw(rules)
	req.Version = version
	next, d, err := Decide(s.spare, s.state, req, rules, s.levels)
	if err != nil {
		s.violated("decide: %v", err)
		return
	}
	if d.Allowed != (d.Denied == 0) || d.Allowed != (d.By < 0) || d.Allowed != (d.RetryAfterNS == 0) ||
		!d.Allowed && d.Over|d.Shadowed|d.FailedOpen != 0 {
		s.violated("the decision contradicts itself: %+v", d)
	}
	if d.Changed {
		s.tellClocks(next)
	}
	s.over += uint64(bits.OnesCount64(d.Over))
	s.shadowed += uint64(bits.OnesCount64(d.Shadowed))
	if !d.Allowed {
		s.denied++
		s.checkRetry(next, req, rules, d)
	} else {
		s.admitted++
		s.admit(next, req, rules, d)
	}
	if d.Changed {
		s.state, s.spare = next, s.state
	}
}

// admit notes what was charged to whom.
func (s *simulation) admit(next []byte, req Request, rules []Rule, d Decision) {
	st := stream{version: req.Version, rules: rules, epoch: req.Epoch, at: req.Now, wall: req.Wall,
		applies: req.Applies, over: d.Over, shadowed: d.Shadowed, take: req.Take}
	e := event{kind: admitted, at: req.Now, stored: d.Changed, over: d.Over}
	s.held, _ = Holdings(s.held, next, req)
	for _, l := range d.Levels {
		i := l.Rule
		c := s.checkers[rules[i].ID]
		if c == nil || d.Shadowed&(1<<i) != 0 {
			continue
		}
		m := c.rule.Measure
		if c.rule.Kind == Quota {
			st.lease[i] = s.admitQuota(c, req.Take[m], req.need(m), d.Over&(1<<i) != 0)
			continue
		}
		e.limits[i], e.need[i], e.taken[i] = c, int64(req.need(m)), int64(req.Take[m])
	}
	st.event = s.push(e)
	if len(s.open) < 32 {
		s.open = append(s.open, st)
	} else {
		s.open[s.rng.IntN(len(s.open))] = st // the other one ended with nothing to settle
	}
}

// admitQuota checks an admission against the lease that the state holds. One that
// never refuses anything counts what it doesn't know, too, and one with a time of
// grace what it marks as over.
func (s *simulation) admitQuota(c *checker, take, need uint64, over bool) int64 {
	graced := over && c.rule.timed() && !c.rule.hard()
	refuses := c.rule.enforces() && c.rule.Mode != Shadow && !graced
	for _, h := range s.held {
		if h.Limit != c.rule.ID || h.Start == 0 || s.wall >= leaseEnd(h.Start) {
			continue
		}
		if refuses && c.used[h.Start]+int64(need) > int64(c.granted[h.Start]) {
			s.violated("quota %d admitted %d beyond %d of %d; it holds %+v", c.rule.ID, need, c.used[h.Start], c.granted[h.Start], h)
		}
		c.used[h.Start] += int64(take)
		return h.Start
	}
	if refuses {
		s.violated("quota %d admitted without a lease", c.rule.ID)
	}
	return 0
}

// checkRetry asks again 1 ns before the time given, and at it.
func (s *simulation) checkRetry(state []byte, req Request, rules []Rule, d Decision) {
	if d.Never || d.Changed && d.Ask == 0 || s.ops%8 != 0 || d.RetryAfterNS > 1<<50 {
		return
	}
	for i := range rules {
		if req.Applies&(1<<i) != 0 && (rules[i].Kind == Quota || s.checkers[rules[i].ID] != nil && s.checkers[rules[i].ID].rule.Kind == Quota) {
			return
		}
	}
	state = append([]byte(nil), state...)
	for _, early := range []int64{1, 0} {
		later := req
		later.Now += d.RetryAfterNS - early
		if _, again, err := Decide(s.spare, state, later, rules, s.levels); err != nil || again.Allowed != (early == 0) {
			s.violated("a retry %d ns before the %d ns given: %+v, %v", early, d.RetryAfterNS, again, err)
		}
	}
}
