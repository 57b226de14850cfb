package quota_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
)

// process is an Envoy process as the filter's workers make it: what it holds,
// what it really used, and what is on its way from and to it.
type process struct {
	quota.Holding
	over    uint64 // the most that it used at a time beyond what it held, by letting through
	past    uint64 // used in earlier lives of its count
	dead    bool
	reports []report // sent and not arrived, copies too
	replies []grant
}

type report struct {
	quota.Holding
	quota.Demand
	asks bool
}

type grant struct {
	born              int64
	revision, granted uint64
}

// take is what the filter does with a reply.
func (p *process) take(g grant) {
	if g.born != p.Born || g.revision < p.Revision {
		return
	}
	p.Known, p.Revision = true, g.revision
	if g.granted < p.Granted { // recalled, but for what it uses already
		p.Granted = min(p.Granted, max(p.net(), g.granted))
	} else {
		p.Granted = g.granted
	}
}

// net is what it uses.
func (p *process) net() uint64 { return p.Used - p.Refunded }

// world is a ledger with the leases of its processes.
type world struct {
	t         *rapid.T
	ledger    quota.Ledger
	leases    []*quota.Lease
	processes []*process
	clock     int64
	lowered   bool
	forgot    bool // a count was lost, or a process with one
}

func (w *world) tick() int64 { w.clock++; return w.clock }

func (w *world) start() {
	w.processes = append(w.processes, &process{Holding: quota.Holding{Born: w.tick()}})
	w.leases = append(w.leases, &quota.Lease{})
}

func (w *world) live() (n int) {
	for _, l := range w.leases {
		if !l.Closed {
			n++
		}
	}
	return n
}

// serve is what the control plane does with a report of process i.
func (w *world) serve(i int, r report) {
	l := w.leases[i]
	upToDate := w.ledger.Hear(l, r.Holding)
	w.ledger.Trim(l)
	w.ledger.Cover(l)
	switch {
	case !upToDate:
	case r.asks:
		if lacks := w.ledger.Grant(l, r.Demand, w.live()); lacks > 0 {
			w.ledger.Gather(w.others(i), lacks, l.Unused())
		}
	default:
		w.ledger.Shrink(l, r.Demand)
	}
	p := w.processes[i]
	p.replies = append(p.replies, grant{l.Born, l.Revision, l.Granted})
}

// others returns the leases that can be recalled, the largest first.
func (w *world) others(i int) (all []quota.Other) {
	for j, l := range w.leases {
		if j != i && !l.Closed {
			all = append(all, quota.Other{Lease: l, Overdue: rapid.Bool().Draw(w.t, "overdue")})
		}
	}
	slices.SortFunc(all, func(x, y quota.Other) int { return cmp.Compare(y.Unused(), x.Unused()) })
	return all
}

// report is what it sends now.
func (p *process) report(t *rapid.T) report {
	demand := quota.Demand{Now: rapid.Uint64Range(0, 20).Draw(t, "now"), Recent: rapid.Uint64Range(0, 200).Draw(t, "recent")}
	return report{p.Holding, demand, rapid.Bool().Draw(t, "asks")}
}

// step lets one thing happen.
func (w *world) step() {
	t := w.t
	i := rapid.IntRange(0, len(w.processes)-1).Draw(t, "process")
	p := w.processes[i]
	switch rapid.SampledFrom([]string{"use", "use", "give back", "report", "report", "report", "arrive", "arrive", "arrive", "reply", "reply", "reply",
		"lose report", "lose reply", "copy report", "copy reply", "let through", "lose count", "crash", "start", "close", "lower", "raise"}).Draw(t, "what") {
	case "use":
		if p.Known && !p.dead && p.net() < p.Granted {
			p.Used += rapid.Uint64Range(1, p.Granted-p.net()).Draw(t, "n")
		}
	case "give back":
		if !p.dead && p.net() > 0 {
			p.Refunded += rapid.Uint64Range(1, p.net()).Draw(t, "n")
		}
	case "let through":
		if !p.dead {
			n := rapid.Uint64Range(1, 5).Draw(t, "n")
			p.over += n - min(n, p.Granted-min(p.Granted, p.net()))
			p.Used += n
		}
	case "report":
		if !p.dead {
			p.reports = append(p.reports, p.report(t))
		}
	case "copy report":
		if n := len(p.reports); n > 0 {
			p.reports = append(p.reports, p.reports[rapid.IntRange(0, n-1).Draw(t, "which")])
		}
	case "arrive", "lose report":
		// Out of order: any of them.
		if n := len(p.reports); n > 0 {
			k := rapid.IntRange(0, n-1).Draw(t, "which")
			r := p.reports[k]
			p.reports = append(p.reports[:k], p.reports[k+1:]...)
			if rapid.Bool().Draw(t, "arrives") {
				w.serve(i, r)
			}
		}
	case "copy reply":
		if n := len(p.replies); n > 0 {
			p.replies = append(p.replies, p.replies[rapid.IntRange(0, n-1).Draw(t, "which")])
		}
	case "reply", "lose reply":
		if n := len(p.replies); n > 0 {
			k := rapid.IntRange(0, n-1).Draw(t, "which")
			g := p.replies[k]
			p.replies = append(p.replies[:k], p.replies[k+1:]...)
			if !p.dead {
				p.take(g)
			}
		}
	case "lose count":
		if !p.dead {
			p.past += p.net()
			w.forgot = true
			p.Holding = quota.Holding{Born: w.tick()}
		}
	case "crash":
		p.dead, w.forgot = true, true // what is on its way from it may still arrive
	case "start":
		if len(w.processes) < 5 {
			w.start()
		}
	case "close":
		w.ledger.Close(w.leases[i])
	case "lower":
		if w.ledger.Amount > 0 {
			w.ledger.Amount -= rapid.Uint64Range(0, w.ledger.Amount/2).Draw(t, "by")
			w.lowered = true
		}
	case "raise":
		w.ledger.Amount += rapid.Uint64Range(0, 50).Draw(t, "by")
	}
}

// check holds the ledger against what the processes really did.
func (w *world) check() {
	var used, over uint64
	for i, p := range w.processes {
		used += p.net() + p.past
		over += p.over
		l := w.leases[i]
		// The ledger knows of all that a process may use without asking.
		if p.Known && p.Born == l.Born && p.Granted > l.Held {
			w.t.Fatalf("process %d has %+v, the ledger knows of %+v", i, p.Holding, *l)
		}
	}
	if !w.lowered && used > w.ledger.Amount+over {
		w.t.Fatalf("%d used (%d of it let through), the quota is %d", used, over, w.ledger.Amount)
	}
	if w.ledger.Consumed > w.ledger.Committed || w.ledger.WrittenOff > w.ledger.Consumed || w.ledger.Overspent > over {
		w.t.Fatalf("the sums contradict each other: %+v, %d let through", w.ledger, over)
	}
	if !w.lowered && w.ledger.Committed > w.ledger.Amount {
		w.t.Fatalf("committed %d of %d", w.ledger.Committed, w.ledger.Amount)
	}
}

// settle has all that live report until the ledger knows everything, and checks
// that it does: what was used, less what was given back, no more and no less.
func (w *world) settle() {
	var used, unused uint64
	for range 3 {
		used, unused = 0, 0
		for i, p := range w.processes {
			used += p.net()
			w.serve(i, report{Holding: p.Holding})
			p.take(p.replies[len(p.replies)-1])
			unused += p.Granted - min(p.Granted, p.net())
		}
		w.check()
	}
	if got := w.ledger.Total() - w.ledger.WrittenOff; !w.forgot && got != used {
		w.t.Fatalf("the ledger has %d as used, it is %d: %+v", got, used, w.ledger)
	}
	if got := w.ledger.Outstanding(); !w.forgot && got != unused {
		w.t.Fatalf("the ledger has %d as outstanding, it is %d: %+v", got, unused, w.ledger)
	}
	if g := w.ledger; !w.forgot && g.Overspent > 0 && g.Unleased() > 0 {
		w.t.Fatalf("%+v: overspent, with something to cover it", g)
	}
}

func TestNoFaultMakesProcessesUseMoreThanTheQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, ledger: quota.Ledger{
			Amount: rapid.Uint64Range(0, 200).Draw(t, "amount"), Handful: rapid.Uint64Range(1, 200).Draw(t, "handful"),
			Least: rapid.Uint64Range(1, 20).Draw(t, "least"),
		}}
		for range rapid.IntRange(1, 4).Draw(t, "processes") {
			w.start()
		}
		for range 150 {
			w.step()
			w.check()
		}
		w.settle()
	})
}

// holding is what a process reports that took the lease as it stands.
func holding(l quota.Lease, used uint64) quota.Holding {
	return quota.Holding{Born: l.Born, Known: true, Revision: l.Revision, Granted: l.Granted, Used: used}
}

// much is a demand that only the sharing rule bounds.
var much = quota.Demand{Recent: quota.MaxUnits}

func TestOneProcessAloneGetsAHandfulOrAnEighth(t *testing.T) {
	for _, tc := range []struct{ amount, want uint64 }{{1, 1}, {1000, 1000}, {8000, 1000}, {8008, 1001}, {80_000, 10_000}} {
		g, l := quota.Ledger{Amount: tc.amount, Handful: quota.HandfulOf(controlplane.MeasureRequests)}, quota.Lease{}
		if !g.Hear(&l, quota.Holding{Born: 1}) || g.Grant(&l, much, 1) != 0 || l.Granted != tc.want {
			t.Errorf("of %d it gets %d, want %d", tc.amount, l.Granted, tc.want)
		}
	}
}

func TestAGrantIsWhatIsLikelyToBeUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		unleased, unused uint64
		demand           quota.Demand
		processes        int
		granted, lacks   uint64
	}{
		"a first request":                             {500, 0, quota.Demand{Now: 1}, 1, 9, 0},
		"many that wait":                              {500, 0, quota.Demand{Now: 30}, 1, 38, 0},
		"as much as lately":                           {500, 10, quota.Demand{Recent: 60}, 1, 50, 0},
		"nothing where there is enough":               {500, 60, quota.Demand{Recent: 60}, 1, 0, 0},
		"no more than the sharing rule allows":        {500, 0, quota.Demand{Recent: 900}, 4, 125, 0},
		"what waits, before the others have a part":   {40, 0, quota.Demand{Now: 30}, 20, 30, 0},
		"what is left, and the rest is to be got":     {20, 5, quota.Demand{Now: 30}, 2, 20, 5},
		"nothing is left, of what waits":              {0, 5, quota.Demand{Now: 30}, 2, 0, 25},
		"nothing is left, of what is likely":          {0, 5, quota.Demand{Recent: 30}, 2, 0, 1},
		"nothing is left, and nothing is lacking":     {0, 8, quota.Demand{}, 2, 0, 0},
		"what waits may use what is held already":     {100, 40, quota.Demand{Now: 30}, 1, 0, 0},
		"more than any quota has, and no overflow":    {100, 0, quota.Demand{Now: 1 << 63, Recent: 1 << 63}, 1, 100, 1<<63 - 100},
		"a period of which nothing has been used yet": {0, 0, quota.Demand{}, 1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := quota.Ledger{Amount: tc.unleased + tc.unused, Committed: tc.unused, Handful: 1000, Least: 8}
			l := quota.Lease{Revision: 1, Granted: tc.unused, Held: tc.unused}
			lacks := g.Grant(&l, tc.demand, tc.processes)
			if got := l.Granted - tc.unused; got != tc.granted || lacks != tc.lacks {
				t.Errorf("granted %d and lacks %d, want %d and %d", got, lacks, tc.granted, tc.lacks)
			}
		})
	}
}

func TestSeveralProcessesLeaveSomethingForOneAnother(t *testing.T) {
	g, leases := quota.Ledger{Amount: 1000, Handful: 1000}, make([]quota.Lease, 4)
	for round := range 100 {
		for i := range leases {
			l := &leases[i]
			g.Hear(l, holding(*l, l.Granted))
			g.Grant(l, much, len(leases))
			if want := uint64(250); round == 0 && i == 0 && l.Granted != want {
				t.Errorf("the first of four gets %d of 1000, want %d", l.Granted, want)
			}
		}
	}
	if g.Committed != 1000 || g.Consumed < 990 {
		t.Errorf("after all asked often: %+v", g)
	}
}

func TestWhatIsUsedBeyondALeaseIsCoveredOrOverspent(t *testing.T) {
	g := quota.Ledger{Amount: 100, Handful: 1000}
	var a, b quota.Lease
	g.Hear(&a, quota.Holding{Born: 1})
	g.Grant(&a, quota.Demand{Recent: 60}, 1)
	g.Hear(&b, quota.Holding{Born: 1, Used: 70}) // let through
	g.Cover(&b)
	want := func(consumed, outstanding, overspent uint64) {
		t.Helper()
		if g.Consumed != consumed || g.Outstanding() != outstanding || g.Overspent != overspent {
			t.Errorf("%+v, want %d consumed, %d outstanding and %d overspent", g, consumed, outstanding, overspent)
		}
	}
	want(40, 60, 30)
	// What another gives up covers the rest.
	g.Recall(&a, 45)
	g.Cover(&b)
	want(40, 60, 30)
	g.Hear(&a, holding(a, 5))
	g.Cover(&b)
	want(75, 10, 0)
	// A lost count of what was let through stays overspent until it can be covered.
	g.Hear(&b, quota.Holding{Born: 1, Used: 100})
	g.Cover(&b)
	want(90, 10, 15)
	g.Hear(&b, quota.Holding{Born: 2})
	want(90, 10, 15)
	g.Amount = 112
	g.Cover(&b)
	want(102, 10, 3)
}

func TestWhatIsGivenBackIsNotConsumed(t *testing.T) {
	g, l := quota.Ledger{Amount: 100, Handful: 1000}, quota.Lease{}
	g.Hear(&l, quota.Holding{Born: 1})
	g.Grant(&l, quota.Demand{Recent: 50}, 1)
	h := holding(l, 50)
	late := h
	h.Refunded = 20
	for _, h := range []quota.Holding{h, late} {
		g.Hear(&l, h)
		if g.Consumed != 30 || g.Outstanding() != 20 || l.Unused() != 20 {
			t.Errorf("%+v of %+v", l, g)
		}
	}
}

func TestAnIdleProcessIsRecalledToTheLeast(t *testing.T) {
	g, l := quota.Ledger{Amount: 1000, Handful: 1000, Least: 8}, quota.Lease{}
	g.Hear(&l, quota.Holding{Born: 1})
	g.Grant(&l, quota.Demand{Recent: 400}, 1)
	for _, tc := range []struct{ recent, unused uint64 }{{200, 400}, {199, 199}, {100, 199}, {0, 8}} {
		g.Shrink(&l, quota.Demand{Recent: tc.recent})
		if l.Unused() != tc.unused {
			t.Errorf("with %d used lately %d are left to it, want %d", tc.recent, l.Unused(), tc.unused)
		}
		g.Hear(&l, holding(l, 0))
	}
}

func TestWhatIsLackingIsGatheredFromSeveral(t *testing.T) {
	for name, tc := range map[string]struct {
		others     []uint64 // what each has left
		lacks, own uint64
		want       []uint64 // what each has left then
	}{
		"half of the most":              {[]uint64{20, 10}, 1, 0, []uint64{10, 10}},
		"as much as is lacking":         {[]uint64{20, 10, 10}, 25, 0, []uint64{0, 5, 10}},
		"all of it":                     {[]uint64{20, 10}, 90, 0, []uint64{0, 0}},
		"the last unit":                 {[]uint64{1, 1}, 1, 0, []uint64{0, 1}},
		"so that both have the same":    {[]uint64{20}, 1, 10, []uint64{15}},
		"nothing where nothing is left": {[]uint64{0}, 5, 0, []uint64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			g := quota.Ledger{Amount: 1000, Handful: 1000}
			var others []quota.Other
			for _, n := range tc.others {
				others = append(others, quota.Other{Lease: &quota.Lease{Revision: 1, Granted: n, Held: n}})
			}
			for range 2 { // what is being recalled counts
				g.Gather(others, tc.lacks, tc.own)
			}
			for i, l := range others {
				if l.Unused() != tc.want[i] {
					t.Errorf("number %d keeps %d, want %d", i, l.Unused(), tc.want[i])
				}
			}
		})
	}
}

func TestAnOverdueRecallKeepsNobodyFromBeingAsked(t *testing.T) {
	g := quota.Ledger{Amount: 100, Committed: 100, Handful: 1000}
	dead, alive := &quota.Lease{Revision: 1, Granted: 60, Held: 60}, &quota.Lease{Revision: 1, Granted: 40, Held: 40}
	for _, step := range []struct {
		overdue bool
		want    uint64 // what the one that lives keeps
	}{{false, 40}, {false, 40}, {true, 35}} {
		g.Gather([]quota.Other{{Lease: dead, Overdue: step.overdue}, {Lease: alive}}, 5, 0)
		if dead.Unused() != 30 || alive.Unused() != step.want {
			t.Errorf("overdue %v: %d and %d are left, want 30 and %d", step.overdue, dead.Unused(), alive.Unused(), step.want)
		}
	}
}

func TestAProcessThatComesBackSettlesWhatWasWrittenOff(t *testing.T) {
	g, l := quota.Ledger{Amount: 100, Handful: 1000}, quota.Lease{}
	g.Hear(&l, quota.Holding{Born: 1})
	g.Grant(&l, much, 1)
	g.Hear(&l, holding(l, 30))
	g.Close(&l)
	if g.Consumed != 100 || g.WrittenOff != 70 || g.Outstanding() != 0 {
		t.Errorf("closed: %+v", g)
	}
	g.Hear(&l, holding(l, 45))
	if g.Consumed != 45 || g.WrittenOff != 0 || g.Outstanding() != 55 {
		t.Errorf("back with 45 used: %+v", g)
	}
}

func TestTermsOfAMode(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, tc := range map[string]struct {
		quota.Terms
		leasable, consumed uint64
		over               time.Time
		spent              bool
	}{
		"enforced, with one left":      {quota.Terms{Amount: 100, Mode: controlplane.Enforce}, 100, 99, time.Time{}, false},
		"enforced, used up":            {quota.Terms{Amount: 100, Mode: controlplane.Enforce}, 100, 100, now, true},
		"shadow":                       {quota.Terms{Amount: 100, Mode: controlplane.Shadow}, 100, 500, now.Add(-time.Hour), false},
		"soft without grace":           {quota.Terms{Amount: 100, Mode: controlplane.Soft}, 100, 500, now.Add(-time.Hour), false},
		"soft within its grace":        {quota.Terms{Amount: 105, Mode: controlplane.Soft, GracePercent: 20}, 126, 125, now, false},
		"soft past its grace":          {quota.Terms{Amount: 105, Mode: controlplane.Soft, GracePercent: 20}, 126, 126, now, true},
		"soft within its grace time":   {quota.Terms{Amount: 100, Mode: controlplane.Soft, GraceSeconds: 60}, 100, 500, now.Add(-59 * time.Second), false},
		"soft past its grace time":     {quota.Terms{Amount: 100, Mode: controlplane.Soft, GraceSeconds: 60}, 100, 100, now.Add(-60 * time.Second), true},
		"soft, not over":               {quota.Terms{Amount: 100, Mode: controlplane.Soft, GraceSeconds: 60}, 100, 99, time.Time{}, false},
		"the largest amount and grace": {quota.Terms{Amount: 1e12, Mode: controlplane.Soft, GracePercent: 1000}, 11e12, 1e12, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.Leasable(); got != tc.leasable {
				t.Errorf("leasable %d, want %d", got, tc.leasable)
			}
			if got := tc.Spent(tc.consumed, tc.over, now); got != tc.spent {
				t.Errorf("spent: %v", got)
			}
		})
	}
}
