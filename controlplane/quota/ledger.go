package quota

import "github.com/weirhq/weir/controlplane"

// MaxUnits bounds what one report may say was granted or used, so that the sums
// over any number of processes stay within 63 bits.
const MaxUnits = 1 << 50

// Ledger is one quota of one account or key in one period: the sums over its
// leases.
type Ledger struct {
	Amount     uint64 // what may be leased, the grace of a soft limit included
	Committed  uint64 // consumed and outstanding; at most Amount, unless that was lowered
	Consumed   uint64 // used of what was leased, as reported, or written off
	WrittenOff uint64 // part of Consumed: leased to a process that went away without a report
	Overspent  uint64 // used beyond what was leased, and beyond what there was to cover it
	Least      uint64 // what a process gets to hold at least, if it is there; see [LeastOf]
	Handful    uint64 // so little that a process that is alone may get it whole; see [HandfulOf]
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
	Used     uint64 // the most that it reported as charged; less Refunded, it may exceed what it holds
	Refunded uint64 // the most that it reported as given back of Used
	Before   uint64 // consumed in earlier lives of the count
	Lost     uint64 // part of Before: granted then, and not reported as used
	Over     uint64 // used in earlier lives beyond what it held then
	Closed   bool   // the process went away
}

// Holding is what a report says of a lease.
type Holding struct {
	Born     int64
	Known    bool // whether the process knows the period; if not, it has no lease in it yet
	Revision uint64
	Granted  uint64
	Used     uint64 // charged in all
	Refunded uint64 // given back of it
}

// Demand is what a process wants to hold of a quota.
type Demand struct {
	Now    uint64 // what requests need that wait for it
	Recent uint64 // what it used in the last seconds, and may use in the next
}

// wanted is what a process with such a demand should have to use.
func (g *Ledger) wanted(d Demand) uint64 {
	return min(d.Now, MaxUnits) + max(g.Least, min(d.Recent, MaxUnits))
}

// Unused is what the process may still use once it knows what it is told.
func (l Lease) Unused() uint64 { return l.Granted - min(l.Granted, l.net()) }

// net is what the process uses.
func (l Lease) net() uint64 { return l.Used - l.Refunded }

// within is the part of what it uses that it was leased.
func (l Lease) within() uint64 { return min(l.net(), l.Held) }

func (l Lease) committed() uint64 { return l.Before + l.Held }

func (l Lease) consumed() uint64 {
	if l.Closed {
		return l.committed()
	}
	return l.Before + l.within()
}

func (l Lease) writtenOff() uint64 {
	if l.Closed {
		return l.Lost + l.Held - l.within()
	}
	return l.Lost
}

func (l Lease) overspent() uint64 { return l.Over + l.net() - l.within() }

// set puts a lease in the place of what it was.
func (g *Ledger) set(l *Lease, to Lease) {
	g.Committed += to.committed() - l.committed()
	g.Consumed += to.consumed() - l.consumed()
	g.WrittenOff += to.writtenOff() - l.writtenOff()
	g.Overspent += to.overspent() - l.overspent()
	*l = to
}

// Unleased is what nobody has.
func (g *Ledger) Unleased() uint64 { return g.Amount - min(g.Amount, g.Committed) }

// Outstanding is what processes may use still.
func (g *Ledger) Outstanding() uint64 { return g.Committed - g.Consumed }

// Total is what the period has cost: what was used, leased or not, and what was
// written off.
func (g *Ledger) Total() uint64 { return g.Consumed + g.Overspent }

// Hear takes in what a report says, and returns whether the report shows the
// last grant. One that does not is a copy, or late, or the grant got lost, and
// is told the same again instead of getting more.
func (g *Ledger) Hear(l *Lease, h Holding) (upToDate bool) {
	h.Granted, h.Used, h.Refunded = min(h.Granted, MaxUnits), min(h.Used, MaxUnits), min(h.Refunded, h.Used, MaxUnits)
	to := *l
	switch {
	case l.Revision == 0 && l.Used == 0:
		to.Born = h.Born // the first of it
	case h.Born < l.Born:
		return false // from an earlier life
	case h.Born > l.Born:
		// What it held when it lost its count it may have used.
		to = Lease{Born: h.Born, Revision: l.Revision, Before: l.committed(), Lost: l.Lost + l.Held - l.within(), Over: l.overspent()}
	}
	to.Closed = false
	// Both only grow, so the most of each is what the latest report says of both.
	to.Used, to.Refunded = max(to.Used, h.Used), max(to.Refunded, h.Refunded)
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
		// From now on it ignores what it was told before the recall. It has kept
		// what it used until then.
		l.Granted = max(l.Granted, h.Granted)
		l.Recalled, l.Held = 0, l.Granted
	}
}

// Cover takes from what is unleased what the process used beyond what it was
// leased: as far as there is any, that is leased to it now.
func (g *Ledger) Cover(l *Lease) {
	if l.Recalled > 0 {
		return
	}
	to := *l
	if n := min(l.net()-l.within(), g.Unleased()); n > 0 {
		to.Held += n
		to.Granted = to.Held
		to.Revision++
		g.set(l, to)
	}
	if n := min(to.Over, g.Unleased()); n > 0 {
		to.Before += n
		to.Over -= n
		g.set(l, to)
	}
}

// Grant gives the lease what a process that asks should have beside what it has,
// when so many processes live: what its waiting requests need, as far as it is
// there, and of what it may need next as much as the sharing rule allows. It
// returns what it lacks then: that much of what others hold should be recalled,
// see [Ledger.Gather].
func (g *Ledger) Grant(l *Lease, d Demand, processes int) (lacks uint64) {
	if l.Recalled > 0 {
		return 0 // what it gives up goes to somebody else
	}
	unused, unleased, wanted := l.Unused(), g.Unleased(), g.wanted(d)
	now, more := d.Now-min(d.Now, unused), wanted-min(wanted, unused)
	n := max(min(now, unleased), min(more, advance(unleased, processes, g.Handful)))
	if n == 0 {
		return max(now, min(more, 1))
	}
	to := *l
	to.Granted = max(l.Held, l.net()) + n
	to.Held = to.Granted
	to.Revision++
	g.set(l, to)
	return now - min(now, n)
}

// Shrink recalls what a process that has become idle holds far beyond its
// demand, so that not much is lost with it.
func (g *Ledger) Shrink(l *Lease, d Demand) {
	if unused, wanted := l.Unused(), g.wanted(d); unused > 2*wanted {
		g.Recall(l, unused-wanted)
	}
}

// Other is a lease that something may be recalled from.
type Other struct {
	*Lease
	// Overdue says that its process should have answered its last recall by now.
	Overdue bool
}

// Gather recalls from other leases what a process lacks that has only own to use,
// from each in their order as much as it has, until that is enough. From the first
// it takes so much, if it is more, that both have the same, and the last unit
// where the process has nothing. What is being recalled already counts, unless it
// is overdue: then it may never come.
func (g *Ledger) Gather(others []Other, lacks, own uint64) {
	for i, o := range others {
		l := o.Lease
		if lacks == 0 {
			return
		}
		n := l.Held - min(l.Held, max(l.Granted, l.net()))
		switch {
		case l.Recalled > 0 && o.Overdue:
			n = 0
		case l.Recalled == 0:
			if n = min(lacks, l.Unused()); i == 0 {
				n = max(n, spare(l.Unused(), own))
			}
			g.Recall(l, n)
		}
		lacks -= min(lacks, n)
	}
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
// what is left, and 1 at least. No process gets more than an eighth at once, unless
// that is less than a handful: an advance dies with its process.
func advance(unleased uint64, processes int, handful uint64) uint64 {
	part := unleased
	if processes > 1 {
		part = max(min(unleased, 1), unleased/uint64(processes))
	}
	return min(part, max(unleased/8, handful))
}

// LeastOf returns how many units of a measure a process that uses a quota seldom
// gets to hold: so few that it is no matter when they are lost with it.
func LeastOf(m controlplane.Measure) uint64 {
	if m == controlplane.MeasureBytes {
		return 1 << 16
	}
	return 8
}

// HandfulOf returns how many units of a measure are a handful.
func HandfulOf(m controlplane.Measure) uint64 {
	if m == controlplane.MeasureBytes {
		return 1 << 20
	}
	return 1000
}

// spare returns how much of what the process with the most unused units has
// should go to one that asks and has only own.
func spare(most, own uint64) uint64 {
	if most <= own {
		return 0
	}
	if own == 0 {
		return (most + 1) / 2
	}
	return (most - own) / 2
}
