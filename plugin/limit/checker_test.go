package limit

// checker checks one limit on line, apart from the code under test: it is told
// every admission, net of what was given back, in order, and knows what the
// guarantee allows. All numbers are chosen so that 64 bits hold them exactly.
type checker struct {
	rule  Rule
	clock int64
	own   level // of what is not over
	hard  level // of everything, if the rule is soft with a percentage
	kept  [2]log

	granted map[int64]uint64 // of a quota, by the lease's start
	used    map[int64]int64
}

// level is a bucket of the tightest bound: whole units of 1/period token.
type level struct{ units, amount, burst, period int64 }

func newLevel(f flow) level {
	l := level{amount: int64(f.amount), burst: int64(f.burst), period: int64(f.period)}
	l.units = l.burst * l.period
	return l
}

func (l *level) gain(ns int64) {
	most := l.burst * l.period
	if ns > (most-l.units)/l.amount {
		l.units = most
		return
	}
	l.units += ns * l.amount
}

// become goes on under another flow: what is above its burst is lost.
func (l *level) become(f flow) {
	n := newLevel(f)
	whole, part := l.units/l.period, l.units%l.period
	if part < 0 {
		whole, part = whole-1, part+l.period
	}
	// A part of a token in the other denominator, rounded up.
	n.units = min(n.units, whole*n.period+(part*(n.period/nanosPerSecond)+l.period/nanosPerSecond-1)/(l.period/nanosPerSecond))
	*l = n
}

// log is what still counts of a window.
type log struct {
	entries []entry
	sum     int64
}

type entry struct{ at, n int64 }

func (l *log) add(at, n int64) {
	if n != 0 {
		l.entries = append(l.entries, entry{at, n})
		l.sum += n
	}
}

// forget drops what is out of the period that ends at a time, both included.
func (l *log) forget(at int64, seconds uint32) {
	for len(l.entries) > 0 && l.entries[0].at < at-int64(seconds)*nanosPerSecond {
		l.sum -= l.entries[0].n
		l.entries = l.entries[1:]
	}
}

func newChecker(r Rule, now int64) *checker {
	c := &checker{rule: r, clock: now, granted: map[int64]uint64{}, used: map[int64]int64{}}
	if r.Kind == Rate {
		c.own, c.hard = newLevel(r.flow()), newLevel(r.hardFlow())
	}
	return c
}

// moveTo lets time pass.
func (c *checker) moveTo(at int64) {
	if at <= c.clock {
		return
	}
	if c.rule.Kind == Rate {
		c.own.gain(at - c.clock)
		c.hard.gain(at - c.clock)
	}
	c.clock = at
}

// edit puts another rule of the same kind, measure, mode and grace in force.
func (c *checker) edit(r Rule, from int64) {
	if c.rule.Kind == Rate {
		c.moveTo(from)
	}
	for i := range c.kept { // what a shorter period forgets stays forgotten
		c.kept[i].forget(max(c.clock, from), min(c.rule.PeriodSeconds, r.PeriodSeconds))
	}
	c.rule = r
	if r.Kind == Rate {
		c.own.become(r.flow())
		c.hard.become(r.hardFlow())
	}
}

// admit counts an admission of n, net, that needed room for so much. It reports
// whether the guarantee holds.
func (c *checker) admit(at, need, n int64, over bool) bool {
	if c.rule.Kind == Rate {
		c.moveTo(at)
		ok := true
		if !over {
			ok = c.own.units >= need*c.own.period
			c.own.units -= n * c.own.period
		}
		if c.rule.hard() {
			ok = ok && c.hard.units >= need*c.hard.period
			c.hard.units -= n * c.hard.period
		}
		return ok
	}
	c.clock = max(c.clock, at)
	ok := true
	for i, most := range []uint64{c.rule.Amount, c.rule.scaled(c.rule.Amount)} {
		if i == 0 && over || i == 1 && !c.rule.hard() {
			continue
		}
		c.kept[i].forget(c.clock, c.rule.PeriodSeconds)
		ok = ok && (need == 0 || c.kept[i].sum+need <= int64(most))
		c.kept[i].add(c.clock, n)
	}
	return ok
}

// charge counts what was charged after an admission.
func (c *checker) charge(at, n int64, over bool) { c.admit(at, -1<<40, n, over) }

// event is something that happened to up to four limits.
type event struct {
	kind     eventKind
	at       int64
	stored   bool
	rule     Rule // edited
	limits   [maxSimulated]*checker
	over     uint64
	need     [maxSimulated]int64
	taken    [maxSimulated]int64
	returned [maxSimulated]int64
}

type eventKind uint8

const (
	admitted eventKind = iota
	charged
	edited
	ticked
)

// apply tells the checkers, and returns a limit whose guarantee broke, or nil.
func (e *event) apply() *checker {
	for i, c := range e.limits {
		if c == nil {
			continue
		}
		over := e.over&(1<<i) != 0
		switch e.kind {
		case ticked:
			c.moveTo(e.at)
		case edited:
			c.edit(e.rule, e.at)
		case charged:
			c.charge(e.at, e.taken[i], over)
		case admitted:
			n := e.taken[i] - e.returned[i]
			need := max(e.need[i]-e.returned[i], 0)
			told := c
			if !e.stored { // it took nothing, and its time is not the bucket's
				probe := *c
				told = &probe
			}
			if !told.admit(e.at, need, n, over) {
				return c
			}
		}
	}
	return nil
}
