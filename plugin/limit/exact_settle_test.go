package limit

// settle ends a stream: charges more, or gives back.
func (s *simulation) settle(i int) {
	st := s.open[i]
	s.open[i] = s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	if st.event < s.first {
		return // its event has been checked
	}
	back := s.rng.IntN(3) > 0
	set := Settlement{Version: st.version, Epoch: st.epoch, Now: s.now, Wall: s.wall,
		Applies: st.applies, Over: st.over, Shadowed: st.shadowed, At: st.at, AtWall: st.wall}
	for m := range Measures {
		switch {
		case back && st.take[m] > 0:
			set.Delta[m] = -1 - s.rng.Int64N(int64(st.take[m]))
		case !back && Measure(m) != Requests:
			set.Delta[m] = s.rng.Int64N(12)
		}
	}
	next, changed, err := Settle(s.spare, s.state, set, st.rules)
	if err != nil {
		s.violated("settle: %v", err)
		return
	}
	charge := event{kind: charged, at: s.now, over: st.over}
	e := &s.queue[st.event%queued]
	for i := range st.rules {
		c := s.checkers[st.rules[i].ID]
		if c == nil || (st.applies&^st.shadowed)&(1<<i) == 0 {
			continue
		}
		s.note(c, e, &charge, i, &st, set.Delta[c.rule.Measure])
	}
	if changed {
		s.tellClocks(next)
	}
	s.push(charge)
	if changed {
		s.state, s.spare = next, s.state
	}
}

// note tells the checker of one limit what a settlement may have done to it.
func (s *simulation) note(c *checker, e, charge *event, i int, st *stream, delta int64) {
	switch {
	case delta == 0:
	case c.rule.Kind == Quota:
		s.noteQuota(c, i, st, delta)
	case delta > 0:
		charge.limits[i], charge.taken[i] = c, delta
	case e.limits[i] == c && c.rule.refunds():
		e.returned[i] = min(-delta, e.taken[i])
		s.refunds++
	}
}

func (s *simulation) noteQuota(c *checker, i int, st *stream, delta int64) {
	if delta < 0 {
		if st.lease[i] != 0 && c.rule.refunds() && st.epoch == s.epoch {
			c.used[st.lease[i]] += delta
			s.refunds++
		}
		return
	}
	var err error
	if s.held, err = Holdings(s.held, s.state, Request{Wall: s.wall}); err != nil {
		s.violated("holdings: %v", err)
	}
	for _, h := range s.held {
		if h.Limit == c.rule.ID && h.Start != 0 && s.wall < leaseEnd(h.Start) {
			c.used[h.Start] += delta
		}
	}
}

const leaseSeconds = 300

func leaseEnd(start int64) int64 { return start + leaseSeconds }

// grant tops up the lease of each quota, as a ledger would that counts the
// periods by its own clock.
func (s *simulation) grant() {
	req := Request{Version: s.version, Epoch: s.epoch, Now: s.now, Wall: s.wall}
	start := s.wall / leaseSeconds * leaseSeconds
	if s.rng.IntN(20) == 0 {
		start -= leaseSeconds // a reply that is late
	}
	var leases []Lease
	for _, r := range s.rules {
		if r.Kind != Quota {
			continue
		}
		c := s.checkers[r.ID]
		l := Lease{Limit: r.ID, Start: start, End: leaseEnd(start), Granted: c.granted[start], Remaining: uint64(s.rng.IntN(100))}
		switch s.rng.IntN(8) {
		case 0: // recalled
			l.Granted = uint64(s.rng.Int64N(int64(l.Granted) + 1))
		case 1, 2, 3, 4:
			l.Granted += uint64(s.rng.IntN(30))
		}
		c.granted[start] = max(c.granted[start], l.Granted)
		if s.rng.IntN(3) == 0 {
			l.NextStart, l.NextEnd = l.End, leaseEnd(l.End)
			l.NextGranted = c.granted[l.End] + uint64(s.rng.IntN(10))
			c.granted[l.End] = l.NextGranted
		}
		l.Spent = s.rng.IntN(12) == 0
		leases = append(leases, l)
	}
	next, changed, err := Grant(s.spare, s.state, req, leases, s.rules)
	if err != nil {
		s.violated("grant: %v", err)
		return
	}
	if changed {
		s.state, s.spare = next, s.state
	}
}
