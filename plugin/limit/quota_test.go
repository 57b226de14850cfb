package limit

import (
	"errors"
	"testing"
)

const hour = 3600

func monthly(id uint64) Rule { return Rule{ID: id, Kind: Quota, Amount: 100} }

func (a *account) grant(now int64, leases ...Lease) bool {
	a.t.Helper()
	next, changed, err := Grant(nil, a.state, Request{Version: a.ver, Epoch: a.epoch, Now: now, Wall: a.wall}, leases, a.rules)
	if err != nil {
		a.t.Fatal(err)
	}
	if changed {
		a.state = next
	}
	return changed
}

func (a *account) holding() Holding {
	a.t.Helper()
	held, err := Holdings(nil, a.state, Request{Wall: a.wall})
	if err != nil || len(held) != 1 {
		a.t.Fatal(held, err)
	}
	return held[0]
}

func TestQuotaWithoutALease(t *testing.T) {
	tests := map[string]struct {
		rule Rule
		want Decision
	}{
		"closed denies for a second":         {Rule{}, Decision{Unknown: true, Denied: 1, RetryAfterNS: second, Ask: 1}},
		"open lets through, marked":          {Rule{FailOpen: true}, Decision{Allowed: true, By: -1, FailedOpen: 1, Ask: 1}},
		"soft that never enforces is marked": {Rule{Mode: Soft}, Decision{Allowed: true, By: -1, FailedOpen: 1, Ask: 1}},
		"soft with a grace denies":           {Rule{Mode: Soft, GracePercent: 5}, Decision{Unknown: true, Denied: 1, RetryAfterNS: second, Ask: 1}},
		"shadow doesn't guess":               {Rule{Mode: Shadow}, Decision{Allowed: true, By: -1, FailedOpen: 1, Ask: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.rule.ID, tt.rule.Kind, tt.rule.Amount = 1, Quota, 100
			a := newAccount(t, 0, tt.rule)
			d := a.ask(0, 1)
			d.Levels, d.Changed = nil, false
			if d.Allowed != tt.want.Allowed || d.Unknown != tt.want.Unknown || d.By != tt.want.By || d.Denied != tt.want.Denied ||
				d.RetryAfterNS != tt.want.RetryAfterNS || d.FailedOpen != tt.want.FailedOpen || d.Shadowed != tt.want.Shadowed ||
				d.Ask != tt.want.Ask || d.Over != 0 {
				t.Errorf("got %+v, want %+v", d, tt.want)
			}
		})
	}
}

func TestQuotaSpendsItsLeaseAndNoMore(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Remaining: 50})
	if n := a.take(0); n != 7 {
		t.Fatalf("admitted %d, want 7", n)
	}
	d := a.ask(0, 1)
	if !d.Unknown || d.RetryAfterNS != second || d.Levels[0].Remaining != 43 || d.Levels[0].NextNS != hour*second {
		t.Errorf("got %+v, want it to wait for more, with 43 left for the account", d)
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Spent: true})
	a.wall = 600
	if d := a.ask(0, 1); d.Unknown || d.RetryAfterNS != (hour-600)*second || d.Levels[0].Remaining != 0 {
		t.Errorf("got %+v, want it denied until the period ends", d)
	}
}

func TestASoftQuotaWithATimeOfGraceNeedsNoLeaseBeyondItsAmount(t *testing.T) {
	rule := monthly(1)
	rule.Mode, rule.GraceSeconds = Soft, 60
	a := newAccount(t, 0, rule)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 3, Remaining: 5})
	for i := range 3 {
		if d := a.ask(0, 1); !d.Allowed || d.Over != 0 {
			t.Fatalf("request %d of the lease: %+v", i+1, d)
		}
	}
	if d := a.ask(0, 1); !d.Unknown {
		t.Errorf("got %+v, want it to wait for the rest of the amount", d)
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 5, Remaining: 2})
	for i := range 6 {
		if d := a.ask(0, 1); !d.Allowed || d.FailedOpen != 0 || (d.Over != 0) != (i >= 2) {
			t.Errorf("request %d after that: %+v, want it let through, and marked from the third on", i+1, d)
		}
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 5, Spent: true})
	if d := a.ask(0, 1); d.Allowed || d.Unknown {
		t.Errorf("got %+v, want it denied once the time is over", d)
	}
}

func TestSpentDeniesWhateverTheFailMode(t *testing.T) {
	rule := monthly(1)
	rule.FailOpen = true
	a := newAccount(t, 0, rule)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Remaining: 7})
	a.take(0)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Spent: true})
	if d := a.ask(0, 1); d.Allowed || d.FailedOpen != 0 {
		t.Errorf("got %+v", d)
	}
}

// The ledger knows what was taken, and not what was given back since.
func TestWhatIsGivenBackOfASpentQuotaIsTakenAgain(t *testing.T) {
	rule := monthly(1)
	rule.Refund = true
	for name, told := range map[string]int{"before the ledger calls it spent": 0, "afterwards": 1, "and it says so again": 2} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, 0, rule)
			a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Remaining: 7})
			a.take(0)
			spent := Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Spent: true}
			if told > 0 {
				a.grant(0, spent)
			}
			for range 5 {
				a.settle(0, 0, Decision{}, -1)
			}
			if told != 1 {
				a.grant(0, spent)
			}
			if n := a.take(0); n != 5 {
				t.Errorf("admitted %d, want the 5 that were given back", n)
			}
			if d := a.ask(0, 1); d.Allowed || d.Unknown {
				t.Errorf("got %+v, want it denied as spent", d)
			}
		})
	}
}

// A report that is late has less of both counters, and is told by that.
func TestWhatIsGivenBackIsCountedByItself(t *testing.T) {
	rule := monthly(1)
	rule.Refund, rule.FailOpen = true, true
	a := newAccount(t, 0, rule)
	use := func(take, back int) {
		for range take {
			a.ask(0, 1)
		}
		for range back {
			a.settle(0, 0, Decision{}, -1)
		}
	}
	want := func(used, refunded uint64) {
		t.Helper()
		if h := a.holding(); h.Used != used || h.Refunded != refunded {
			t.Errorf("%d used and %d refunded, want %d and %d", h.Used, h.Refunded, used, refunded)
		}
	}
	use(4, 1) // without a lease
	want(4, 1)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 10, Remaining: 100})
	want(4, 1)
	use(5, 3)
	want(9, 4)
	a.grant(0, Lease{Limit: 1, Start: hour, End: 2 * hour, Granted: 10, Remaining: 100})
	want(0, 0)
}

func TestRecentUseIsThatOfFourToEightSeconds(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 100, Remaining: 100})
	recent := func(now int64) uint64 {
		held, err := Holdings(nil, a.state, Request{Now: now, Wall: a.wall})
		if err != nil {
			t.Fatal(err)
		}
		return held[0].Recent
	}
	a.ask(0, 5)
	a.ask(4*second-1, 3)
	a.ask(4*second, 2)
	for _, c := range []struct {
		at   int64
		want uint64
	}{{4 * second, 10}, {8*second - 1, 10}, {8 * second, 2}, {12*second - 1, 2}, {12 * second, 0}, {0, 10}} {
		if got := recent(c.at); got != c.want {
			t.Errorf("after %d ms: %d, want %d", c.at/1e6, got, c.want)
		}
	}
	a.ask(100*second, 1)
	if got := recent(100 * second); got != 1 {
		t.Errorf("after a long pause: %d, want 1", got)
	}
}

// TestNoStepOfTheWallClockGivesTwice has the bug of months counted as 30 days and
// of clocks that step: the period is the lease's, and no lease comes back.
func TestNoStepOfTheWallClockGivesTwice(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	first := Lease{Limit: 1, Start: 0, End: 31 * 86400, Granted: 5, NextStart: 31 * 86400, NextEnd: 59 * 86400, NextGranted: 3}
	a.grant(0, first)
	got := 0
	for _, wall := range []int64{0, 30*86400 + 1, 31*86400 - 1, 31 * 86400, 0, 31 * 86400, 90 * 86400, 40 * 86400, 0} {
		a.wall = wall
		got += a.take(0)
		if wall == 0 {
			a.grant(0, first) // a reply that is late
			got += a.take(0)
		}
	}
	if got != 8 {
		t.Errorf("admitted %d, want the 5 and the 3 once each", got)
	}
}

func TestNextLeaseTakesOverAtTheTurn(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 5, NextStart: hour, NextEnd: 2 * hour, NextGranted: 3})
	a.wall = hour - 1
	if d := a.ask(0, 2); !d.Allowed || d.Ask != 0 {
		t.Fatalf("got %+v, want no question: the next lease is there", d)
	}
	a.wall = hour
	if n := a.take(0); n != 3 {
		t.Errorf("admitted %d in the new period, want 3", n)
	}
	if h := a.holding(); h.Start != hour || h.Used != 3 || h.Granted != 3 || h.NextStart != 0 {
		t.Errorf("holds %+v", h)
	}
}

func TestUseWithoutALeaseCountsTowardTheNext(t *testing.T) {
	rule := monthly(1)
	rule.FailOpen = true
	a := newAccount(t, 0, rule)
	for range 4 {
		a.ask(0, 1)
	}
	if h := a.holding(); h.Start != 0 || h.Used != 4 {
		t.Errorf("holds %+v, want 4 used in an unknown period", h)
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 10, Remaining: 50})
	if h := a.holding(); h.Start != 0 || h.Used != 4 || h.Granted != 10 {
		t.Errorf("holds %+v", h)
	}
}

func TestRecall(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 10})
	a.ask(0, 4)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 2})
	if h := a.holding(); h.Granted != 4 || h.Used != 4 {
		t.Errorf("holds %+v, want what is used and no more", h)
	}
}

func TestLeaseOfAnotherBirthIsIgnored(t *testing.T) {
	a := newAccount(t, 5, monthly(1))
	if a.grant(5, Lease{Limit: 1, Born: 6, Start: 0, End: hour, Granted: 10}) {
		t.Error("a lease for what was lost was taken")
	}
	if !a.grant(5, Lease{Limit: 1, Born: a.holding().Born, Start: 0, End: hour, Granted: 10}) {
		t.Error("a lease was not taken")
	}
}

func TestMalformedLeaseIsRefused(t *testing.T) {
	state := mustSeed(t, 1, 0, monthly(1))
	for name, l := range map[string]Lease{
		"no length":             {Limit: 1, Start: 5, End: 5},
		"too much":              {Limit: 1, End: 5, Granted: maxCount + 1},
		"next before the end":   {Limit: 1, End: 5, NextStart: 4, NextEnd: 9},
		"next without a length": {Limit: 1, End: 5, NextStart: 9, NextEnd: 9},
	} {
		if _, _, err := Grant(nil, state, Request{}, []Lease{l}, nil); !errors.Is(err, ErrLease) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAsksInTimeAndNotTooOften(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	asked := func(now int64) bool { return a.ask(now, 0).Ask == 1 }
	if !asked(0) || asked(second/5-1) || !asked(second/5) {
		t.Error("without a lease it doesn't ask each fifth of a second")
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 10})
	if asked(2 * second) {
		t.Error("it asks with a whole lease")
	}
	a.ask(2*second, 5)
	if asked(3 * second) {
		t.Error("it asks with half of it left")
	}
	a.ask(3*second, 1)
	if !asked(4*second) || asked(4*second+second/2-1) || !asked(4*second+second/2) {
		t.Error("it doesn't ask each half second with less than half left")
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 100})
	a.wall = hour - 61
	if asked(5 * second) {
		t.Error("it asks 61 s before the period ends")
	}
	a.wall++
	if !asked(6 * second) {
		t.Error("it doesn't ask 60 s before the period ends")
	}
}

func TestSpentIsNoLastWord(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: 100 * hour, Granted: 100, Remaining: 100})
	a.take(0)
	a.grant(0, Lease{Limit: 1, Start: 0, End: 100 * hour, Granted: 100, Spent: true})
	asked := 0
	for now := int64(second); now <= 60*second; now += second {
		if d := a.ask(now, 1); d.Allowed || d.Unknown {
			t.Fatalf("got %+v, want it denied", d)
		} else if d.Ask != 0 {
			asked++
		}
	}
	if asked != 6 {
		t.Errorf("in a minute it asked %d times whether it is still spent, want 6", asked)
	}
	raised := monthly(1)
	raised.Amount = 150
	a.edit(raised)
	if d := a.ask(61*second, 1); !d.Unknown || d.RetryAfterNS != second || d.Ask != 1 || d.Levels[0].Remaining != 50 {
		t.Errorf("once raised: got %+v, want it to ask for more at once", d)
	}
	a.grant(61*second, Lease{Limit: 1, Start: 0, End: 100 * hour, Granted: 150, Remaining: 50})
	if n := a.take(61 * second); n != 50 {
		t.Errorf("admitted %d more, want 50", n)
	}
	a.edit(monthly(1)) // lowered again
	if d := a.ask(62*second, 1); d.Allowed || d.Unknown || d.Ask != 1 {
		t.Errorf("once lowered: got %+v, want it denied for the period", d)
	}
}

// TestWhatNobodyHasIsNotWaitedFor has the last unit of a quota used: there is no
// point in coming back before the period ends.
func TestWhatNobodyHasIsNotWaitedFor(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 7, Remaining: 7})
	if n := a.take(0); n != 7 {
		t.Fatalf("admitted %d, want 7", n)
	}
	if d := a.ask(second, 1); d.Unknown || d.Denied != 1 || d.RetryAfterNS != hour*second || d.Ask != 1 {
		t.Errorf("got %+v, want it denied until the period ends, and to ask whether there is more", d)
	}
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 9, Remaining: 2})
	if n := a.take(0); n != 2 {
		t.Errorf("admitted %d, want the 2 that were found", n)
	}
}

// A lease that gives nothing, or less than a request needs, is no reason to stop
// asking: what others hold or what is in debt now may be there later.
func TestAsksAgainWhileTheLeaseFallsShort(t *testing.T) {
	for name, tt := range map[string]struct {
		before int64 // used without a lease, so that the lease is in debt
		lease  Lease
		need   uint64
		wall   int64
	}{
		"nothing granted":             {0, Lease{Limit: 1, End: hour, Remaining: 60}, 1, 0},
		"less than was used":          {9, Lease{Limit: 1, End: hour, Granted: 4, Remaining: 60}, 1, 0},
		"an empty next lease":         {0, Lease{Limit: 1, End: hour, Granted: 5, NextStart: hour, NextEnd: 3 * hour}, 1, hour},
		"half is left, and too small": {0, Lease{Limit: 1, End: hour, Granted: 10, Remaining: 60}, 50, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rule := monthly(1)
			rule.Measure = Cost
			a := newAccount(t, 0, rule)
			if tt.before > 0 {
				a.settle(0, 0, Decision{}, 0, 0, tt.before)
			}
			a.grant(0, tt.lease)
			a.wall = tt.wall
			for now := int64(second); now < 4*second; now += second / 2 {
				if d := a.ask(now, tt.need); d.Allowed || !d.Unknown || d.Ask != 1 {
					t.Fatalf("after %d ms: got %+v, want it to ask", now/1_000_000, d)
				}
			}
			if d := a.ask(3*second+second/2+second/10, tt.need); d.Ask != 0 {
				t.Error("it asks again after 100 ms")
			}
		})
	}
}

func TestSoftQuotaIsOverWhenNothingRemains(t *testing.T) {
	rule := monthly(1)
	rule.Mode = Soft
	a := newAccount(t, 0, rule)
	a.grant(0, Lease{Limit: 1, Start: 0, End: hour, Granted: 2, Remaining: 3})
	for i := range 6 {
		if d := a.ask(0, 1); !d.Allowed || (d.Over == 1) != (i >= 3) {
			t.Errorf("request %d: got %+v", i, d)
		}
	}
}

func TestOlderRevisionUndoesNoRecall(t *testing.T) {
	a := newAccount(t, 0, monthly(1))
	first := Lease{Limit: 1, Revision: 4, Start: 0, End: hour, Granted: 10, NextStart: hour, NextEnd: 2 * hour, NextGranted: 3}
	a.grant(0, first)
	a.ask(0, 4)
	recall := first
	recall.Revision, recall.Granted = 5, 0
	a.grant(0, recall)
	if a.grant(0, first) {
		t.Error("a reply that was late was taken")
	}
	if h := a.holding(); h.Granted != 4 || h.Revision != 5 {
		t.Errorf("holds %+v, want what the recall left", h)
	}
	a.wall = hour
	if h := a.holding(); h.Start != hour || h.Revision != 0 {
		t.Errorf("holds %+v, want the next lease, of no revision", h)
	}
	if !a.grant(0, Lease{Limit: 1, Revision: 1, Start: hour, End: 2 * hour, Granted: 9}) {
		t.Error("a lease of a new period was not taken")
	}
}

// What was used without a lease is of the time that it was used in, so a lease that
// comes when its time is over takes none of it along.
func TestALateLeaseLeavesWhatWasUsedWithoutOne(t *testing.T) {
	r := monthly(1)
	r.FailOpen, r.Refund = true, true
	a := newAccount(t, 0, r)
	a.wall = hour + 10
	first := a.ask(0, 1)
	a.grant(1, Lease{Limit: 1, Start: 0, End: hour, Granted: 5})
	a.grant(2, Lease{Limit: 1, Start: hour, End: 2 * hour, Granted: 5})
	if h := a.holding(); h.Start != hour || h.Used != 1 {
		t.Errorf("the lease in force has %+v, want the one request", h)
	}
	a.settle(0, 3, first, -1)
	a.settle(0, 4, first, -1)
	if h := a.holding(); h.Used-h.Refunded != 0 {
		t.Errorf("given back more than was taken: %+v", h)
	}
}
