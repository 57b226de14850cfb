package simulation

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Lengths of virtual time, nanoseconds.
const (
	millisecond = 1_000_000
	second      = 1000 * millisecond
)

// world is virtual time: what happens when, in one order, drawn from one seed.
type world struct {
	random    *rand.Rand
	now       int64 // nanoseconds since the run began
	queue     []event
	scheduled uint64
	pool      *pool
	current   *task // the task that runs now; nil in events

	hash      uint64
	trace     io.Writer // nil: nobody reads along
	violation error     // the first
}

type event struct {
	at    int64
	order uint64 // of two at the same time, what was scheduled first comes first
	do    func()
}

func newWorld(seed uint64, pool *pool, trace io.Writer) *world {
	return &world{random: rand.New(rand.NewPCG(seed, 0x7765_6972)), pool: pool, trace: trace, queue: pool.queue[:0]}
}

// at schedules something; a time that has passed means now.
func (w *world) at(t int64, do func()) {
	w.scheduled++
	w.queue = append(w.queue, event{max(t, w.now), w.scheduled, do})
	for i := len(w.queue) - 1; i > 0; {
		parent := (i - 1) / 2
		if !w.before(i, parent) {
			break
		}
		w.queue[i], w.queue[parent] = w.queue[parent], w.queue[i]
		i = parent
	}
}

func (w *world) after(d int64, do func()) { w.at(w.now+d, do) }

func (w *world) before(i, j int) bool {
	a, b := &w.queue[i], &w.queue[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// next lets the next event happen.
func (w *world) next() {
	e := w.queue[0]
	last := len(w.queue) - 1
	w.queue[0] = w.queue[last]
	w.queue[last] = event{}
	w.queue = w.queue[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if w.before(child, least) {
				least = child
			}
		}
		if least == i {
			break
		}
		w.queue[i], w.queue[least] = w.queue[least], w.queue[i]
		i = least
	}
	w.now = e.at
	e.do()
}

// chance is true for a part p of the draws.
func (w *world) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

// between draws evenly from lo to hi, both included.
func (w *world) between(lo, hi int64) int64 { return lo + w.random.Int64N(hi-lo+1) }

// pick draws an index below n.
func (w *world) pick(n int) int { return w.random.IntN(n) }

// note adds to the trace, and to its hash, which is the same for two runs
// exactly when all that was noted is.
func (w *world) note(what, who string, numbers ...uint64) {
	var buffer [64]byte
	b := binary.LittleEndian.AppendUint64(buffer[:0], w.hash)
	b = binary.LittleEndian.AppendUint64(b, uint64(w.now))
	b = binary.LittleEndian.AppendUint64(b, xxhash.Sum64String(what))
	b = binary.LittleEndian.AppendUint64(b, xxhash.Sum64String(who))
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	w.hash = xxhash.Sum64(b)
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%14v  %-8s  %s", time.Duration(w.now), who, what)
		for _, n := range numbers {
			fmt.Fprint(w.trace, " ", n)
		}
		fmt.Fprintln(w.trace)
	}
}

// violate notes that a promise was broken. The first one ends the run.
func (w *world) violate(format string, args ...any) {
	if w.violation != nil {
		return
	}
	w.violation = fmt.Errorf("at %v: "+format, append([]any{time.Duration(w.now)}, args...)...)
	w.note("VIOLATION", w.violation.Error())
}
