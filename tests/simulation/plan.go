package simulation

// plan is what one run is like: how large it is, and which faults it has. Each
// run has only some of them, each more or less often, because faults that are
// always there hide one another's effects (swarm testing: Groce, Zhang, Eide,
// Chen, Regehr: "Swarm Testing", ISSTA 2012).
type plan struct {
	sources   int
	runNS     int64   // how long there are faults
	tickNS    int64   // between two looks of a filter at its meter
	flushNS   int64   // between two batches of a filter
	busy      int64   // at most so many requests of a filter a tick
	shelf     int     // bytes that a filter keeps in an outage, when it is short of memory; else 0
	startMS   int64   // wall clock at the beginning
	strokeNS  int64   // between two strokes, on average
	strokes   []int   // indexes of those that strike
	slowestNS int64   // how long a message takes that is slow
	slow      float64 // the part of messages that is slow

	// The part of all that a fault befalls.
	lose     float64 // a message between processes, either way
	repeat   float64 // a filter's message that arrives twice
	flip     float64 // a message to or from a filter with a wrong bit
	crash    float64 // a step of a process of the control plane
	refuse   float64 // a transaction: rolled back
	unheard  float64 // a transaction: committed, and nobody is told
	forget   float64 // an acknowledgement that the log doesn't get
	unsay    float64 // an announcement
	unsynced bool    // a log that crashes loses what it has just stored
	unacked  bool    // … and what it was just told was done
}

func drawPlan(w *world) plan {
	p := plan{
		sources:   1 + w.pick(3),
		runNS:     drawLength(w),
		tickNS:    w.between(150, 600) * millisecond,
		flushNS:   w.between(4, 10) * 100 * millisecond,
		busy:      w.between(1, 3),
		startMS:   drawStart(w),
		strokeNS:  w.between(500*millisecond, 8*second),
		slowestNS: w.between(100*millisecond, 12*second),
		unsynced:  w.chance(0.5), unacked: w.chance(0.5),
	}
	if w.chance(0.2) {
		p.shelf = 1 + w.pick(1500)
	}
	for _, part := range []*float64{
		&p.slow, &p.lose, &p.repeat, &p.flip, &p.crash, &p.refuse, &p.unheard, &p.forget, &p.unsay,
	} {
		if w.chance(0.3) {
			*part = []float64{0.01, 0.05, 0.2}[w.pick(3)]
		}
	}
	p.flip /= 4 // each keeps its filter waiting for half a minute
	for i := range strokes {
		if w.chance(0.3) {
			p.strokes = append(p.strokes, i)
		}
	}
	return p
}

// calm is the plan after the last fault.
func (p plan) calm() plan {
	return plan{
		sources: p.sources, runNS: p.runNS, tickNS: p.tickNS, flushNS: p.flushNS, busy: p.busy, shelf: p.shelf, startMS: p.startMS,
	}
}

// drawLength is short most of the time: what can happen at all, happens soon.
func drawLength(w *world) int64 {
	if w.chance(0.06) {
		return w.between(12*second, 60*second)
	}
	return w.between(2*second, 12*second)
}

// drawStart is shortly before the end of a minute, an hour, a day or a month.
func drawStart(w *world) int64 {
	ends := [...]int64{
		1_773_316_980_000, // 2026-03-12T12:03Z
		1_773_320_400_000, // 2026-03-12T13:00Z
		1_773_360_000_000, // 2026-03-13T00:00Z
		1_772_323_200_000, // 2026-03-01T00:00Z
		1_798_761_600_000, // 2027-01-01T00:00Z
	}
	return ends[w.pick(len(ends))] - w.between(0, 20_000)
}
