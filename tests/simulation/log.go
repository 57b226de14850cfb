package simulation

import (
	"errors"
	"slices"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Times of JetStream, as package stream sets them.
const (
	copyEvery    = 120 * second
	ackWait      = 30 * second
	unsyncedFor  = 2 * second // what a crash may take back
	maxDelivered = 100        // what waits at a worker
)

var (
	errFull = errors.New("maximum bytes exceeded")
	errDown = errors.New("no response from stream")
)

type batchID struct {
	source   wire.SourceID
	sequence uint64
}

// stored is a message in the log.
type stored struct {
	batchID
	body     []byte
	spoiled  bool
	storedAt int64
	goneAt   int64
	attempt  int // rises with each delivery
	flying   bool
	gone     bool
}

// log is JetStream with a work queue: what it has taken it delivers at least
// once, to any worker, until it is told to stop. Its faults are those of its
// disk and its process.
type log struct {
	path     *path
	up       bool
	full     bool
	messages []*stored
	removed  []*stored // lately
}

func newLog(p *path) *log { return &log{path: p, up: true} }

func (l *log) publish(source wire.SourceID, sequence uint64, body []byte) error {
	p, id := l.path, batchID{source, sequence}
	switch {
	case !l.up && p.chance(0.5):
		return errSilent
	case !l.up:
		return errDown
	case l.full:
		return errFull
	case slices.ContainsFunc(l.messages, func(m *stored) bool { return m.batchID == id && m.storedAt/copyEvery == p.now/copyEvery }):
		p.note("is a copy for", "log", sequence)
		return nil
	}
	m := &stored{batchID: id, body: body, storedAt: p.now}
	l.messages = append(l.messages, m)
	p.audit.accepted(id)
	p.note("stores", "log", sequence)
	l.deliver(m)
	return nil
}

// deliver hands a message to a worker that has room for it. Without one it
// waits; see offer.
func (l *log) deliver(m *stored) {
	p := l.path
	if !l.up || m.gone || m.flying {
		return
	}
	first := p.pick(len(p.workers))
	for i := range p.workers {
		w := p.workers[(first+i)%len(p.workers)]
		if w.up && len(w.arrived) < maxDelivered {
			l.fly(m, w)
			return
		}
	}
}

func (l *log) fly(m *stored, to *worker) {
	p := l.path
	m.flying = true
	m.attempt++
	attempt, life := m.attempt, to.life
	p.tell(&p.network.workerToLog, func() {
		if to.up && to.life == life {
			to.receive(&delivered{path: p, of: m, body: m.body})
		}
	})
	p.after(ackWait, func() {
		if m.flying && m.attempt == attempt {
			l.again(m)
		}
	})
}

func (l *log) again(m *stored) {
	m.flying = false
	l.deliver(m)
}

// offer delivers what waits, to a worker that has just come up.
func (l *log) offer() {
	for _, m := range slices.Clone(l.messages) {
		l.deliver(m)
	}
}

func (l *log) remove(m *stored) {
	if m.gone {
		return
	}
	m.gone, m.flying, m.goneAt = true, false, l.path.now
	l.messages = slices.DeleteFunc(l.messages, func(o *stored) bool { return o == m })
	l.removed = append(l.removed, m)
}

// crash ends the log for a while. It comes back without what it hadn't synced.
func (l *log) crash(d int64) {
	p := l.path
	if !l.up {
		return
	}
	p.note("crashes", "log")
	l.up = false
	since := p.now - p.between(0, unsyncedFor)
	if p.plan.unsynced {
		l.messages = slices.DeleteFunc(l.messages, func(m *stored) bool {
			if m.gone = m.storedAt > since; m.gone {
				p.note("forgets what it had not synced", "log", m.sequence)
				p.audit.logLost(m)
			}
			return m.gone
		})
	}
	if p.plan.unacked {
		for _, m := range l.removed {
			if m.goneAt > since && (!p.plan.unsynced || m.storedAt <= since) {
				p.note("brings back what was done", "log", m.sequence)
				m.gone = false
				l.messages = append(l.messages, m)
			}
		}
		l.removed = nil
	}
	p.after(d, l.restart)
}

func (l *log) restart() {
	if l.up {
		return
	}
	l.path.note("restarts", "log", uint64(len(l.messages)))
	l.up = true
	for _, m := range l.messages {
		m.flying = false
	}
	l.offer()
}

// lose empties the log, as when somebody deletes its files.
func (l *log) lose() {
	l.path.note("is deleted", "log", uint64(len(l.messages)))
	for _, m := range l.messages {
		m.gone = true
		l.path.audit.logLost(m)
	}
	l.messages, l.removed = nil, nil
}

// rot turns a bit of a message at rest.
func (l *log) rot() {
	p := l.path
	if len(l.messages) == 0 {
		return
	}
	m := l.messages[p.pick(len(l.messages))]
	m.body, m.spoiled = p.flipped(m.body), true
	p.note("rots", "log", m.sequence)
}

// repeat delivers a message once more while it is being worked on.
func (l *log) repeat() {
	if p := l.path; len(l.messages) > 0 {
		l.again(l.messages[p.pick(len(l.messages))])
	}
}

// delivered is a message at a worker.
type delivered struct {
	path    *path
	of      *stored
	body    []byte
	settled int
}

func (d *delivered) Batch() []byte { return d.body }

func (d *delivered) Done() error {
	return d.settle("is done", func() {
		d.path.audit.done(d.of)
		d.path.log.remove(d.of)
	})
}

func (d *delivered) Header() map[string][]string { return nil }

func (d *delivered) Again(after time.Duration) error {
	return d.settle("comes again", func() {
		attempt := d.of.attempt
		d.path.after(after.Nanoseconds(), func() {
			if d.of.attempt == attempt {
				d.path.log.again(d.of)
			}
		})
	})
}

func (d *delivered) Drop(string) error {
	return d.settle("is dropped", func() {
		d.path.audit.dropped(d.of)
		d.path.log.remove(d.of)
	})
}

// settle tells the log how a message ended; it may not hear.
func (d *delivered) settle(how string, do func()) error {
	p := d.path
	p.crashPoint(p.plan.crash)
	d.settled++
	if p.chance(p.plan.forget) {
		p.note("loses an acknowledgement", "log", d.of.sequence)
		return nil
	}
	p.tell(&p.network.workerToLog, func() {
		if p.log.up && !d.of.gone {
			p.note(how, "log", d.of.sequence)
			do()
		}
	})
	return nil
}
