package quota

import "github.com/weirhq/weir/controlplane"

// MaxUnits bounds what one report may say was granted or used, so that the sums
// over any number of processes stay within 63 bits.
const MaxUnits = 1 << 50

// Ledger is one quota of one account or key in one period: the sums over its
// leases.
type Ledger struct {
	Amount     uint64 // what may be leased, the grace of a soft limit included
	Committed  uint64 // consumed and outstanding
	Consumed   uint64 // reported as used, or written off
	WrittenOff uint64 // part of Consumed: leased to a process that went away without a report
	Handful    uint64 // so little that a process that is alone gets it whole; see [HandfulOf]
}

// Lease is one process's advance on one quota in one period.
type Lease struct {
	// Born tells one life of the process's count from the next: a process that
	// lost its count begins again at nothing, with a later Born.
	Born     int64
	Revision uint64 // counts the grants and recalls, from 1
	Recalled uint64 // revision of the recall that the process has not shown yet; 0: none
	Granted  uint64 // what the process is told
	Held     uint64 // the most that it may hold; more than Granted while a recall is on its way
	Used     uint64 // the most that it reported; may exceed what it holds
	Before   uint64 // consumed in earlier lives of the count
	Lost     uint64 // part of Before: granted then, and not reported as used
	Closed   bool   // the process went away
}

// Holding is what a report says of a lease.
type Holding struct {
	Born     int64
	Known    bool // whether the process knows the period; if not, it has no lease in it yet
	Revision uint64
	Granted  uint64
	Used     uint64
}

// Unused is what the process may still use once it knows what it is told.
func (l Lease) Unused() uint64 { return l.Granted - min(l.Granted, l.Used) }

func (l Lease) committed() uint64 { return l.Before + max(l.Held, l.Used) }

func (l Lease) consumed() uint64 {
	if l.Closed {
		return l.committed()
	}
	return l.Before + l.Used
}

func (l Lease) writtenOff() uint64 {
	if l.Closed {
		return l.Lost + max(l.Held, l.Used) - l.Used
	}
	return l.Lost
}

// set puts a lease in the place of what it was.
func (g *Ledger) set(l *Lease, to Lease) {
	g.Committed += to.committed() - l.committed()
	g.Consumed += to.consumed() - l.consumed()
	g.WrittenOff += to.writtenOff() - l.writtenOff()
	*l = to
}

// Unleased is what nobody has.
func (g *Ledger) Unleased() uint64 { return g.Amount - min(g.Amount, g.Committed) }

// Outstanding is what processes may use still.
func (g *Ledger) Outstanding() uint64 { return g.Committed - g.Consumed }

// Contested says that less is unleased than the lease has left, and that others
// than its process have some too: who runs out first will soon want part of it.
func (g *Ledger) Contested(l Lease) bool {
	unused := l.Unused()
	return g.Unleased() < unused && g.Outstanding() > unused
}

// Hear takes in what a report says, and returns whether the report shows the
// last grant. One that does not is a copy, or late, or the grant got lost, and
// is told the same again instead of getting more.
func (g *Ledger) Hear(l *Lease, h Holding) (upToDate bool) {
	h.Granted, h.Used = min(h.Granted, MaxUnits), min(h.Used, MaxUnits)
	to := *l
	switch {
	case l.Revision == 0 && l.Used == 0:
		to.Born = h.Born // the first of it
	case h.Born < l.Born:
		return false // from an earlier life
	case h.Born > l.Born:
		// What it held when it lost its count it may have used.
		held := max(l.Held, l.Used)
		to = Lease{Born: h.Born, Revision: l.Revision, Before: l.Before + held, Lost: l.Lost + held - l.Used}
	}
	to.Closed = false
	to.Used = max(to.Used, h.Used)
	if h.Known {
		to.hold(h)
	}
	g.set(l, to)
	return to.Granted == 0 || h.Known && (h.Revision == to.Revision || to.Recalled == 0 && h.Granted >= to.Granted)
}

// hold takes in what the process says it holds.
func (l *Lease) hold(h Holding) {
	l.Held = max(l.Held, h.Granted)
	switch {
	case h.Revision > l.Revision:
		// The database lost commits. What the process was told then stands.
		l.Revision, l.Recalled, l.Granted = h.Revision, 0, l.Held
	case l.Recalled > 0 && h.Revision >= l.Recalled:
		// From now on it ignores what it was told before the recall.
		l.Recalled, l.Held = 0, max(l.Granted, h.Granted)
	}
}

// Grant gives the lease what a process that asks gets when so many processes
// live. It returns false when there was nothing to give: then another process
// that holds much may have to give up some, see [Ledger.Recall].
func (g *Ledger) Grant(l *Lease, processes int) bool {
	if l.Recalled > 0 {
		return true // what it gives up goes to somebody else
	}
	n := advance(g.Unleased(), processes, g.Handful)
	if n == 0 {
		return false
	}
	to := *l
	to.Granted = max(l.Held, l.Used) + n
	to.Held = to.Granted
	to.Revision++
	g.set(l, to)
	return true
}

// Recall asks for n of what the lease has not used, or all of that if it is
// less. It stays committed until the process shows that it has heard. A lease
// has one recall at a time; a second one changes nothing.
func (g *Ledger) Recall(l *Lease, n uint64) {
	n = min(n, l.Unused())
	if n == 0 || l.Recalled > 0 || l.Closed {
		return
	}
	to := *l
	to.Granted -= n
	to.Revision++
	to.Recalled = to.Revision
	g.set(l, to)
}

// Trim recalls what the ledger has committed beyond a lowered amount, as far as
// this lease has it.
func (g *Ledger) Trim(l *Lease) {
	if g.Committed > g.Amount {
		g.Recall(l, g.Committed-g.Amount)
	}
}

// Close writes off what the process may still have used.
func (g *Ledger) Close(l *Lease) {
	to := *l
	to.Closed = true
	g.set(l, to)
}

// advance is the sharing rule. One of several processes gets its equal part of
// what is left, and 1 at least. No process gets more than an eighth at once, unless that is less
// than a handful: an advance dies with its process, and since it counts only as
// long as reports are answered, a larger one would help nobody.
func advance(unleased uint64, processes int, handful uint64) uint64 {
	part := unleased
	if processes > 1 {
		part = max(min(unleased, 1), unleased/uint64(processes))
	}
	return min(part, max(unleased/8, handful))
}

// HandfulOf returns how many units of a measure are a handful.
func HandfulOf(m controlplane.Measure) uint64 {
	if m == controlplane.MeasureBytes {
		return 1 << 20
	}
	return 1000
}

// Spare returns how much of what the process with the most unused units has
// should go to one that asks and has only own: so much that both have the same,
// and the last unit to the one that has nothing.
func Spare(most, own uint64) uint64 {
	if most <= own {
		return 0
	}
	if own == 0 {
		return (most + 1) / 2
	}
	return (most - own) / 2
}
