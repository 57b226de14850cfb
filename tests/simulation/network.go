package simulation

// link is a way between two sorts of process, and back.
type link struct {
	name    string
	cutTill int64
}

// network is all the ways there are.
type network struct{ filters, edgeToLog, edgeToStore, workerToLog, workerToStore link }

func newNetwork() network {
	return network{
		filters: link{name: "filters"}, edgeToLog: link{name: "edge-log"}, edgeToStore: link{name: "edge-store"},
		workerToLog: link{name: "worker-log"}, workerToStore: link{name: "worker-store"},
	}
}

func (n *network) all() []*link {
	return []*link{&n.filters, &n.edgeToLog, &n.edgeToStore, &n.workerToLog, &n.workerToStore}
}

// delay is how long a message takes. Messages with different ones overtake one
// another.
func (p *path) delay() int64 {
	if p.chance(p.plan.slow) {
		return p.between(0, p.plan.slowestNS)
	}
	return p.between(millisecond, 15*millisecond)
}

func (p *path) loses(l *link) bool { return l.cutTill > p.now || p.chance(p.plan.lose) }

// ask has a peer do something and waits for the answer, at most for limit. Work
// runs when the request arrives; whether it did, an error doesn't tell.
func (p *path) ask(l *link, limit int64, work func() error) error {
	t, call, deadline := p.current, p.current.call, p.now+limit
	timeout := func() { p.at(deadline, func() { p.wake(t, call, errTimeout) }) }
	to := p.delay()
	if to > limit {
		timeout()
	}
	if p.loses(l) {
		timeout()
	} else {
		p.after(to, func() {
			err, back := work(), p.delay()
			if err == errSilent || p.loses(l) || p.now+back > deadline {
				timeout()
				return
			}
			p.after(back, func() { p.wake(t, call, err) })
		})
	}
	err := p.wait()
	p.crashPoint(p.plan.crash)
	return err
}

// tell sends something that has no answer.
func (p *path) tell(l *link, arrive func()) {
	if !p.loses(l) {
		p.after(p.delay(), arrive)
	}
}

// spoil returns a copy with one wrong bit, sometimes.
func (p *path) spoil(message []byte) []byte {
	if len(message) == 0 || !p.chance(p.plan.flip) {
		return message
	}
	return p.flipped(message)
}

func (p *path) flipped(message []byte) []byte {
	spoiled := append([]byte(nil), message...)
	spoiled[p.pick(len(spoiled))] ^= 1 << p.pick(8)
	return spoiled
}
