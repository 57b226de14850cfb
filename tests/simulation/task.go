package simulation

import (
	"errors"
	"iter"
	"time"
	_ "time/tzdata" // not every machine has the time zones

	"github.com/weirhq/weir/controlplane"
)

// task is a thread of real code in virtual time. When the code waits, for an
// answer or for work, the task gives way to the world, which resumes it at the
// right time. Only one runs at any moment.
type task struct {
	of     *process
	job    func() // nil: idle
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool

	call   uint64 // numbers what it waits for, so that a late answer finds nobody
	answer error
	dead   bool // its process has crashed
}

// killed unwinds the code of a task whose process has crashed.
type killed struct{}

// pool keeps idle tasks, which outlive runs.
type pool struct {
	zoned map[controlplane.ID]*time.Location
	idle  []*task
	all   []*task
	queue []event
}

func (p *pool) get() *task {
	if n := len(p.idle); n > 0 {
		t := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return t
	}
	t := &task{}
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for yield(struct{}{}) {
			t.perform()
		}
	})
	t.resume()
	p.all = append(p.all, t)
	return t
}

// zones are those of accounts 1 and 2; the others are on UTC.
func (p *pool) zones() map[controlplane.ID]*time.Location {
	if p.zoned != nil {
		return p.zoned
	}
	p.zoned = map[controlplane.ID]*time.Location{}
	for account, name := range map[controlplane.ID]string{1: "America/New_York", 2: "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err) // the program carries them, see the import of time/tzdata
		}
		p.zoned[account] = zone
	}
	return p.zoned
}

// close ends all tasks; none may have a job.
func (p *pool) close() {
	for _, t := range p.all {
		t.stop()
	}
}

func (t *task) perform() {
	defer func() {
		t.job = nil
		if r := recover(); r != nil && r != any(killed{}) {
			panic(r)
		}
	}()
	t.job()
}

// process is something that can crash, pause and start again.
type process struct {
	name       string
	up         bool
	life       int      // rises with each crash
	pausedTill int64    // nothing of it runs before
	deferred   []func() // what is to happen then
	tasks      []*task
	start      func() // what it does when it comes up
}

func (w *world) boot(p *process) {
	p.up, p.pausedTill = true, 0
	w.note("starts", p.name)
	p.start()
}

// crash ends a process at this instant, with all that it had in memory.
func (w *world) crash(p *process) {
	if !p.up {
		return
	}
	w.note("crashes", p.name)
	p.up, p.pausedTill = false, 0
	p.life++
	for len(p.tasks) > 0 {
		t := p.tasks[0]
		t.dead = true
		w.run(t)
	}
	w.resume(p) // what was deferred finds it gone
}

// crashFor is crash with a start some time later.
func (w *world) crashFor(p *process, d int64) {
	if !p.up {
		return
	}
	w.crash(p)
	life := p.life
	w.after(d, func() {
		if !p.up && p.life == life {
			w.boot(p)
		}
	})
}

// pause is SIGSTOP, and SIGCONT some time later.
func (w *world) pause(p *process, d int64) {
	w.note("pauses", p.name, uint64(d))
	p.pausedTill = max(p.pausedTill, w.now+d)
	w.at(p.pausedTill, func() { w.resume(p) })
}

// resume ends a pause whose time is over.
func (w *world) resume(p *process) {
	if p.pausedTill > w.now {
		return
	}
	deferred := p.deferred
	p.deferred = nil
	for _, do := range deferred {
		do()
	}
}

// awake says whether a process isn't paused, and if it is, defers something.
func (w *world) awake(p *process, otherwise func()) bool {
	if p.pausedTill <= w.now {
		return true
	}
	p.deferred = append(p.deferred, otherwise)
	return false
}

// spawn starts a job in a process.
func (w *world) spawn(p *process, job func()) {
	t := w.pool.get()
	t.of, t.job, t.dead = p, job, false
	p.tasks = append(p.tasks, t)
	w.run(t)
}

// run lets a task go on until it waits or ends.
func (w *world) run(t *task) {
	outer := w.current
	w.current = t
	t.call++
	t.resume()
	w.current = outer
	if t.job == nil {
		for i, other := range t.of.tasks {
			if other == t {
				t.of.tasks = append(t.of.tasks[:i], t.of.tasks[i+1:]...)
				break
			}
		}
		w.pool.idle = append(w.pool.idle, t)
	}
}

// wait gives way until somebody wakes the task that runs.
func (w *world) wait() error {
	t := w.current
	t.yield(struct{}{})
	if t.dead {
		panic(killed{})
	}
	return t.answer
}

// wake resumes a task that waits for the answer to this call; when it doesn't
// any more, nothing happens.
func (w *world) wake(t *task, call uint64, answer error) {
	if t.call != call || t.job == nil {
		return
	}
	if w.awake(t.of, func() { w.wake(t, call, answer) }) {
		t.answer = answer
		w.run(t)
	}
}

// crashPoint is a place between two steps of real code: sometimes the process
// ends right here.
func (w *world) crashPoint(p float64) {
	if !w.chance(p) {
		return
	}
	of := w.current.of
	w.after(0, func() { w.crashFor(of, w.downtime()) })
	_ = w.wait() // never returns
}

func (w *world) downtime() int64 { return w.between(100*millisecond, 8*second) }

var (
	errTimeout = errors.New("no answer in time")
	errRefused = errors.New("connection refused")
	// errSilent is returned by work whose answer nobody gets.
	errSilent = errors.New("no answer")
)
