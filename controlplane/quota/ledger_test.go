package quota_test

import (
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
	over    uint64 // used beyond what it held, by letting through
	past    uint64 // used in earlier lives of its count
	dead    bool
	reports []report // sent and not arrived, copies too
	replies []grant
}

type report struct {
	quota.Holding
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
	p.Granted = g.granted
	if p.Used > p.Granted {
		p.Granted = p.Used
	}
}

// world is a ledger with the leases of its processes.
type world struct {
	t         *rapid.T
	ledger    quota.Ledger
	leases    []*quota.Lease
	processes []*process
	clock     int64
	lowered   bool
	reported  uint64 // the most that was consumed without what was written off
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
	if r.asks && upToDate && !w.ledger.Grant(l, w.live()) {
		w.recallFor(i)
	}
	p := w.processes[i]
	p.replies = append(p.replies, grant{l.Born, l.Revision, l.Granted})
}

func (w *world) recallFor(i int) {
	var most *quota.Lease
	for j, l := range w.leases {
		if l.Recalled > 0 && !l.Closed {
			return
		}
		if j != i && !l.Closed && (most == nil || l.Unused() > most.Unused()) {
			most = l
		}
	}
	if most != nil {
		w.ledger.Recall(most, quota.Spare(most.Unused(), w.leases[i].Unused()))
	}
}

// step lets one thing happen.
func (w *world) step() {
	t := w.t
	i := rapid.IntRange(0, len(w.processes)-1).Draw(t, "process")
	p := w.processes[i]
	switch rapid.SampledFrom([]string{"use", "use", "report", "report", "report", "arrive", "arrive", "arrive", "reply", "reply", "reply",
		"lose report", "lose reply", "copy report", "copy reply", "let through", "lose count", "crash", "start", "close", "lower", "raise"}).Draw(t, "what") {
	case "use":
		if p.Known && !p.dead && p.Used < p.Granted {
			p.Used += rapid.Uint64Range(1, p.Granted-p.Used).Draw(t, "n")
		}
	case "let through":
		if !p.dead {
			n := rapid.Uint64Range(1, 5).Draw(t, "n")
			p.over += n - min(n, p.Granted-min(p.Granted, p.Used))
			p.Used += n
		}
	case "report":
		if !p.dead {
			p.reports = append(p.reports, report{p.Holding, rapid.Bool().Draw(t, "asks")})
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
			p.past += p.Used
			p.Holding = quota.Holding{Born: w.tick()}
		}
	case "crash":
		p.dead = true // what is on its way from it may still arrive
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
	var used, over, past uint64
	for i, p := range w.processes {
		used += p.Used + p.past
		over += p.over
		past += p.past
		l := w.leases[i]
		// The ledger knows of all that a process may use without asking.
		if p.Known && p.Born == l.Born && max(p.Granted, p.Used) > max(l.Held, l.Used)+p.over {
			w.t.Fatalf("process %d has %+v, the ledger knows of %+v", i, p.Holding, *l)
		}
	}
	if !w.lowered && used > w.ledger.Amount+over {
		w.t.Fatalf("%d used (%d of it let through), the quota is %d", used, over, w.ledger.Amount)
	}
	reported := w.ledger.Consumed - w.ledger.WrittenOff
	if reported < w.reported {
		w.t.Fatalf("%d were reported as used, now %d", w.reported, reported)
	}
	w.reported = reported
	if w.ledger.Consumed > w.ledger.Committed || w.ledger.WrittenOff > w.ledger.Consumed {
		w.t.Fatalf("the sums contradict each other: %+v", w.ledger)
	}
	if !w.lowered && w.ledger.Committed > w.ledger.Amount+over+past {
		w.t.Fatalf("committed %d of %d", w.ledger.Committed, w.ledger.Amount)
	}
}

func TestNoFaultMakesProcessesUseMoreThanTheQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, ledger: quota.Ledger{
			Amount: rapid.Uint64Range(0, 200).Draw(t, "amount"), Handful: rapid.Uint64Range(1, 200).Draw(t, "handful"),
		}}
		for range rapid.IntRange(1, 4).Draw(t, "processes") {
			w.start()
		}
		for range 150 {
			w.step()
			w.check()
		}
	})
}

// holding is what a process reports that took the lease as it stands.
func holding(l quota.Lease, used uint64) quota.Holding {
	return quota.Holding{Born: l.Born, Known: true, Revision: l.Revision, Granted: l.Granted, Used: used}
}

func TestOneProcessAloneGetsAHandfulOrAnEighth(t *testing.T) {
	for _, tc := range []struct{ amount, want uint64 }{{1, 1}, {1000, 1000}, {8000, 1000}, {8008, 1001}, {80_000, 10_000}} {
		g, l := quota.Ledger{Amount: tc.amount, Handful: quota.HandfulOf(controlplane.MeasureRequests)}, quota.Lease{}
		if !g.Hear(&l, quota.Holding{Born: 1}) || !g.Grant(&l, 1) || l.Granted != tc.want {
			t.Errorf("of %d it gets %d, want %d", tc.amount, l.Granted, tc.want)
		}
	}
}

func TestSeveralProcessesLeaveSomethingForOneAnother(t *testing.T) {
	g, leases := quota.Ledger{Amount: 1000, Handful: 1000}, make([]quota.Lease, 4)
	for round := range 100 {
		for i := range leases {
			l := &leases[i]
			g.Hear(l, holding(*l, l.Granted))
			g.Grant(l, len(leases))
			if want := uint64(250); round == 0 && i == 0 && l.Granted != want {
				t.Errorf("the first of four gets %d of 1000, want %d", l.Granted, want)
			}
		}
	}
	if g.Committed != 1000 || g.Consumed < 990 {
		t.Errorf("after all asked often: %+v", g)
	}
}

func TestAProcessThatComesBackSettlesWhatWasWrittenOff(t *testing.T) {
	g, l := quota.Ledger{Amount: 100, Handful: 1000}, quota.Lease{}
	g.Hear(&l, quota.Holding{Born: 1})
	g.Grant(&l, 1)
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

func TestARecallEvensOut(t *testing.T) {
	for _, tc := range []struct{ most, own, want uint64 }{
		{100, 0, 50}, {1, 0, 1}, {0, 0, 0}, {3, 1, 1}, {2, 1, 0}, {5, 9, 0},
	} {
		if got := quota.Spare(tc.most, tc.own); got != tc.want {
			t.Errorf("Spare(%d, %d) is %d, want %d", tc.most, tc.own, got, tc.want)
		}
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

func TestContestedIsWhatOthersMayWant(t *testing.T) {
	for name, c := range map[string]struct {
		ledger quota.Ledger
		lease  quota.Lease
		want   bool
	}{
		"enough is unleased":   {quota.Ledger{Amount: 100, Committed: 60}, quota.Lease{Granted: 40, Held: 40}, false},
		"it has all there is":  {quota.Ledger{Amount: 100, Committed: 100, Consumed: 60}, quota.Lease{Granted: 40, Held: 40}, false},
		"others have some too": {quota.Ledger{Amount: 100, Committed: 100, Consumed: 50}, quota.Lease{Granted: 40, Held: 40}, true},
		"it has none left":     {quota.Ledger{Amount: 100, Committed: 100, Consumed: 50}, quota.Lease{Granted: 40, Held: 40, Used: 40}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.ledger.Contested(c.lease); got != c.want {
				t.Errorf("contested %t", got)
			}
		})
	}
}
