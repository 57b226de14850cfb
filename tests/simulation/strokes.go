package simulation

// stroke is a fault that begins at some moment.
type stroke struct {
	name string
	hit  func(*path)
}

// strokes are those that a plan chooses from.
var strokes = []stroke{
	{"kill a filter", func(p *path) {
		if f := p.anyFilter(); f != nil && len(p.filters) < maxFilters {
			p.replace(f)
		}
	}},
	{"pause a filter", func(p *path) {
		if f := p.anyFilter(); f != nil {
			p.pause(&f.process, p.outage())
		}
	}},
	{"step a clock", func(p *path) {
		if f := p.anyFilter(); f != nil {
			most := []int64{2 * second, 120 * second, 3 * 3600 * second, 40 * 86400 * second}[p.pick(4)]
			f.step(p.between(-most, most))
		}
	}},
	{"set a clock to 1970", func(p *path) {
		if f := p.anyFilter(); f != nil {
			f.step(-f.wallMS() * millisecond)
		}
	}},
	{"cut the power of the control plane", func(p *path) {
		for _, f := range p.fronts {
			p.crashFor(&f.process, p.downtime())
		}
		for _, w := range p.workers {
			p.crashFor(&w.process, p.downtime())
		}
		p.log.crash(p.downtime())
		p.store.crash(p.downtime())
	}},
	{"crash an edge", func(p *path) { p.crashFor(&p.fronts[p.pick(len(p.fronts))].process, p.downtime()) }},
	{"pause an edge", func(p *path) { p.pause(&p.fronts[p.pick(len(p.fronts))].process, p.outage()) }},
	{"crash a worker", func(p *path) { p.crashFor(&p.workers[p.pick(len(p.workers))].process, p.downtime()) }},
	// Also for longer than the log waits for an acknowledgement.
	{"pause a worker", func(p *path) { p.pause(&p.workers[p.pick(len(p.workers))].process, 2*p.outage()) }},
	{"cut a link", func(p *path) {
		l := p.network.all()[p.pick(5)]
		l.cutTill = p.now + p.outage()
		p.note("is cut", l.name, uint64(l.cutTill))
	}},
	{"crash the log", func(p *path) { p.log.crash(p.downtime()) }},
	{"delete the log's store", func(p *path) { p.log.lose() }},
	{"turn a bit of the log", func(p *path) { p.log.rot() }},
	{"fill the log", func(p *path) {
		p.note("is full", "log")
		p.log.full = true
		p.after(p.outage(), func() { p.log.full = false })
	}},
	{"deliver again", func(p *path) { p.log.repeat() }},
	{"crash the store", func(p *path) { p.store.crash(p.downtime()) }},
	{"fail over to a standby that lags", func(p *path) { p.store.failOver() }},
	{"fill the store's disk", func(p *path) {
		p.note("is full", "store")
		p.store.full = true
		p.after(p.outage(), func() { p.store.full = false })
	}},
	{"refuse a batch", func(p *path) {
		if f := p.anyFilter(); f != nil && f.record.last > 0 {
			id := batchID{f.source, f.record.last + uint64(p.pick(2))}
			p.store.poison[id] = true
			p.note("is refused", f.name, id.sequence)
			p.after(p.outage(), func() { delete(p.store.poison, id) })
		}
	}},
}

const maxFilters = 8 // over a run

func (p *path) outage() int64 { return p.between(200*millisecond, 18*second) }

// anyFilter draws one that runs; nil when none does.
func (p *path) anyFilter() *filter {
	var up []*filter
	for _, f := range p.filters {
		if f.up {
			up = append(up, f)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[p.pick(len(up))]
}

// strike lets strokes happen until the faults cease.
func (p *path) strike() {
	if p.healed || len(p.plan.strokes) == 0 {
		return
	}
	p.after(p.between(1, 2*p.plan.strokeNS), func() {
		if !p.healed {
			s := &strokes[p.plan.strokes[p.pick(len(p.plan.strokes))]]
			p.note(s.name, "fault")
			s.hit(p)
		}
		p.strike()
	})
}

// heal ends all faults.
func (p *path) heal() {
	p.note("all faults end", "world")
	p.healed, p.plan = true, p.plan.calm()
	for _, l := range p.network.all() {
		l.cutTill = 0
	}
	p.log.full, p.store.full = false, false
	clear(p.store.poison)
	p.log.restart()
	p.store.restart()
	for _, f := range p.filters {
		f.pausedTill = 0
		p.resume(&f.process)
	}
	for _, f := range p.fronts {
		p.revive(&f.process)
	}
	for _, w := range p.workers {
		p.revive(&w.process)
	}
}

func (p *path) revive(of *process) {
	of.pausedTill = 0
	p.resume(of)
	if !of.up {
		p.boot(of)
	}
}
