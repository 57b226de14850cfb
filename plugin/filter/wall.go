package filter

// clock derives the wall clock from the monotonic one, so that a request reads
// only one. It is set by each tick, so a step of the wall clock is followed within
// one.
type clock struct {
	offsetNS int64 // wall − monotonic
}

func (c *clock) set(s System) { c.offsetNS = s.WallNS() - s.MonotonicNS() }

func (p *plugin) wallNS(monotonicNS int64) int64 { return monotonicNS + p.clock.offsetNS }

// wallSeconds is the time since the Unix epoch, rounded down.
func (p *plugin) wallSeconds(monotonicNS int64) int64 { return p.wallNS(monotonicNS) / second }
