package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// midday is in the middle of a day and of a month in most places.
var midday = time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC)

func daily(amount int64) controlplane.Limit {
	return controlplane.Limit{
		Name: "daily", Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Quota, Amount: amount, Period: controlplane.Day, Mode: controlplane.Enforce,
	}
}

// gateway is an Envoy process that uses one quota.
type gateway struct {
	t    *testing.T
	db   *postgres.DB
	id   wire.ProcessID
	held wire.HeldLease
}

func newGateway(t *testing.T, db *postgres.DB, id byte, key wire.LeaseKey) *gateway {
	return &gateway{t, db, wire.ProcessID{id}, wire.HeldLease{LeaseKey: key, Born: 1}}
}

// report reports the lease, takes the reply, and returns it.
func (g *gateway) report(now time.Time, asks bool) wire.LeaseGrant {
	g.t.Helper()
	reply := send(g.t, g.db, g.id, now, asking(g.held, asks))
	if len(reply.Leases) != 1 {
		g.t.Fatalf("%d leases in the reply, want 1", len(reply.Leases))
	}
	g.take(reply.Leases[0])
	return reply.Leases[0]
}

func (g *gateway) take(l wire.LeaseGrant) {
	h := &g.held
	if l.Born != 0 && l.Born != h.Born || l.Start == h.Start && l.Revision < h.Revision {
		return
	}
	if h.Start != 0 && l.Start != h.Start {
		h.Used, h.Refunded = 0, 0
	}
	switch net := h.Used - h.Refunded; {
	case h.Start != l.Start:
		h.Granted = l.Granted
	case l.Granted < h.Granted: // recalled, but for what it uses already
		h.Granted = min(h.Granted, max(l.Granted, net))
	default:
		h.Granted = l.Granted
	}
	h.Start, h.Revision = l.Start, l.Revision
	h.NextStart, h.NextGranted = l.NextStart, l.NextGranted
}

// asking is a report of one whose demand only the sharing rule bounds.
func asking(h wire.HeldLease, asks bool) wire.HeldLease {
	h.Asks, h.Recent = asks, quota.MaxUnits
	return h
}

func send(t *testing.T, db *postgres.DB, process wire.ProcessID, now time.Time, held ...wire.HeldLease) *wire.LeaseReply {
	t.Helper()
	reply, err := db.ReportLeases(t.Context(), &wire.LeaseReport{Process: process, Node: "gateway", Held: held}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.EncodeLeaseReply(nil, reply); err != nil {
		t.Fatal(err)
	}
	return reply
}

func standing(t *testing.T, db *postgres.DB, account uint64, now time.Time) controlplane.QuotaStanding {
	t.Helper()
	all, err := db.QuotaStandings(t.Context(), []controlplane.ID{controlplane.ID(account)}, now)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d standings, %v", len(all), err)
	}
	return all[0]
}

// wantSums checks that what a standing says is so.
func wantSums(t *testing.T, db *postgres.DB, account uint64, now time.Time, consumed, outstanding, writtenOff int64) {
	t.Helper()
	got := standing(t, db, account, now)
	if got.Consumed != consumed || got.Outstanding != outstanding || got.WrittenOff != writtenOff {
		t.Errorf("consumed %d, outstanding %d, written off %d; want %d, %d and %d",
			got.Consumed, got.Outstanding, got.WrittenOff, consumed, outstanding, writtenOff)
	}
}

// wantSound checks every ledger against its leases.
func wantSound(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `
		select format('ledger %s: %s, %s, %s, %s but its leases have %s, %s, %s, %s', id, committed, consumed, written_off, overspent, c, u, w, o)
		from quota_ledger q, lateral (
			select coalesce(sum(before + held), 0) c,
				coalesce(sum(before + case when closed then held else within end), 0) u,
				coalesce(sum(lost + case when closed then held - within else 0 end), 0) w,
				coalesce(sum(over + used - refunded - within), 0) o
			from leases, least(held, used - refunded) within where ledger_id = q.id) l
		where (committed, consumed, written_off, overspent) <> (c, u, w, o)
		union all
		select format('ledgers %s and %s overlap', a.id, b.id) from quota_ledger a join quota_ledger b
			on (a.account_id, a.key_id, a.limit_id, a.epoch, a.period, a.measure) = (b.account_id, b.key_id, b.limit_id, b.epoch, b.period, b.measure)
			and a.id < b.id and a.period_start < b.period_end and b.period_start < a.period_end`)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(wrong) > 0 {
		t.Errorf("%v %v", wrong, err)
	}
}

func TestAProcessThatFellSilentIsNotWaitedFor(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	silent, lively, asker := newGateway(t, db, 1, key), newGateway(t, db, 2, key), newGateway(t, db, 3, key)
	silent.report(midday, true)
	lively.report(midday, true)
	silent.report(midday, false) // it hears of the recall
	silent.report(midday, false) // and shows it
	for range 10 {
		lively.report(midday, true)
	}
	lively.held.Used = 10
	later := midday.Add(20 * time.Second)
	lively.report(later, false)
	if silent.held.Granted != 50 || lively.held.Granted != 50 {
		t.Fatalf("%d and %d granted, want half each", silent.held.Granted, lively.held.Granted)
	}
	asker.report(later, true)
	if got := lively.report(later, false); got.Granted != 30 {
		t.Errorf("recalled to %+v, want half of the 40 that were left", got)
	}
	lively.report(later, false)
	if got := asker.report(later, true); got.Granted == 0 {
		t.Errorf("got %+v of what was given up", got)
	}
	// When the one that lives has nothing left either, the other is asked.
	lively.held.Used = 30
	for range 10 {
		asker.report(later, true)
		asker.held.Used = asker.held.Granted
		lively.report(later, false)
	}
	if got := silent.report(later, false); got.Granted >= 50 {
		t.Errorf("%d granted, want some recalled", got.Granted)
	}
}

func TestAProcessThatJustDiedIsNotWaitedFor(t *testing.T) {
	db, key, _ := newQuota(t, daily(120))
	asker := newGateway(t, db, 3, key)
	dead, lively := newGateway(t, db, 1, key), newGateway(t, db, 2, key)
	for _, g := range []*gateway{dead, asker, lively} {
		send(t, db, g.id, midday, wire.HeldLease{LeaseKey: key, Born: 1})
	}
	dead.report(midday, true)
	lively.report(midday, true)
	asker.report(midday, true)
	for range 20 {
		asker.held.Used = asker.held.Granted
		asker.report(midday, true)
	}
	if dead.held.Granted != 40 || lively.held.Granted == 0 || lively.held.Granted >= 40 {
		t.Fatalf("%d and %d granted, want most at the one that dies", dead.held.Granted, lively.held.Granted)
	}
	// The dead one is asked first. When it hasn't answered for a second, the other is.
	for _, wait := range []time.Duration{0, 900 * time.Millisecond, 1100 * time.Millisecond} {
		asker.report(midday.Add(wait), true)
		before := lively.held.Granted
		if got := lively.report(midday.Add(wait), false); (got.Granted < before) != (wait > time.Second) {
			t.Errorf("after %v the one that lives keeps %d of %d", wait, got.Granted, before)
		}
	}
	lively.report(midday.Add(1200*time.Millisecond), false)
	before := asker.held.Granted
	if got := asker.report(midday.Add(1200*time.Millisecond), true); got.Granted <= before {
		t.Errorf("got nothing of what was given up: %+v", got)
	}
}

// newQuota returns a database with an account that has one quota.
func newQuota(t *testing.T, limit controlplane.Limit) (*postgres.DB, wire.LeaseKey, controlplane.Tier) {
	t.Helper()
	db := open(t)
	tier := newTier(t, db, "Basic", limit)
	account := newAccount(t, db, "Birch", tier.ID)
	return db, wire.LeaseKey{Account: uint64(account.ID), Limit: uint64(tier.Limits[0].ID)}, tier
}

func TestOneProcessGetsAllAndASecondItsPart(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a, b := newGateway(t, db, 1, key), newGateway(t, db, 2, key)
	if got := a.report(midday, true); got.Granted != 100 || got.Remaining != 100 || got.Spent {
		t.Errorf("the first process got %+v", got)
	}
	a.held.Used = 20
	if got := b.report(midday, true); got.Granted != 0 || got.Spent || got.Remaining != 100 {
		t.Errorf("before the recall got through: %+v", got)
	}
	if got := a.report(midday, false); got.Granted != 50 || got.Remaining != 80 {
		t.Errorf("recalled to %+v, want half of the 100 that the ledger knew as unused", got)
	}
	wantSums(t, db, key.Account, midday, 20, 80, 0)
	if got := b.report(midday, true); got.Granted != 0 {
		t.Errorf("given away before the first process showed that it had heard: %+v", got)
	}
	a.report(midday, false)
	if got := b.report(midday, true); got.Granted != 25 {
		t.Errorf("one of two got %d, want half of 50", got.Granted)
	}
	wantSums(t, db, key.Account, midday, 20, 55, 0)
	a.held.Used, b.held.Used = 50, 25
	for range 10 {
		a.report(midday, true)
		b.report(midday, true)
		a.held.Used, b.held.Used = a.held.Granted, b.held.Granted
	}
	if got := a.report(midday, true); !got.Spent || got.Remaining != 0 || a.held.Used+b.held.Used != 100 {
		t.Errorf("at the end %d and %d are used, %+v", a.held.Used, b.held.Used, got)
	}
}

func TestWhatDiedWithAProcessIsWrittenOffUntilItComesBack(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a := newGateway(t, db, 1, key)
	a.report(midday, true)
	a.held.Used = 30
	a.report(midday, false)
	sweep := func(now time.Time, want int) {
		t.Helper()
		if n, err := db.CloseSilentLeases(t.Context(), now); err != nil || n != want {
			t.Errorf("closed %d, %v; want %d", n, err, want)
		}
	}
	sweep(midday.Add(postgres.LeaseTTL-time.Second), 0)
	sweep(midday.Add(postgres.LeaseTTL), 1)
	wantSums(t, db, key.Account, midday, 100, 0, 70)
	sweep(midday.Add(time.Hour), 0)

	b := newGateway(t, db, 2, key)
	if got := b.report(midday.Add(time.Minute), true); got.Granted != 0 || !got.Spent {
		t.Errorf("another process got %+v of what was written off", got)
	}
	a.held.Used = 45
	if got := a.report(midday.Add(time.Hour), false); got.Granted != 100 || got.Spent {
		t.Errorf("back again it got %+v", got)
	}
	wantSums(t, db, key.Account, midday, 45, 55, 0)
}

func TestALostCountIsConsumed(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	other := newGateway(t, db, 9, key)
	other.report(midday, false)
	a := newGateway(t, db, 1, key)
	first := a.report(midday, true)
	a.held.Used = 10
	a.report(midday, false)
	old := a.held
	a.held = wire.HeldLease{LeaseKey: key, Born: 2}
	again := a.report(midday, true)
	if first.Granted != 50 || again.Granted != 25 {
		t.Errorf("granted %d, then %d; want 50 of 100 and 25 of 50", first.Granted, again.Granted)
	}
	wantSums(t, db, key.Account, midday, 50, 25, 40)
	// A report from before the loss says nothing.
	send(t, db, a.id, midday, asking(old, true))
	wantSums(t, db, key.Account, midday, 50, 25, 40)
}

func TestCopiesAndOldReportsChangeNothing(t *testing.T) {
	db, key, _ := newQuota(t, daily(1000))
	newGateway(t, db, 9, key).report(midday, false)
	a := newGateway(t, db, 1, key)
	var sent []wire.HeldLease
	for range 5 {
		sent = append(sent, asking(a.held, true))
		a.report(midday, true)
		a.held.Used = a.held.Granted
	}
	before := standing(t, db, key.Account, midday)
	for _, h := range append(sent, sent...) {
		send(t, db, a.id, midday, h)
	}
	if diff := cmp.Diff(before, standing(t, db, key.Account, midday)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestOveruseIsConsumed(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a := newGateway(t, db, 1, key)
	a.held.Used = 130 // let through before the first lease came
	if got := a.report(midday, true); !got.Spent || got.Remaining != 0 {
		t.Errorf("%+v", got)
	}
	wantSums(t, db, key.Account, midday, 100, 0, 0)
	if got := standing(t, db, key.Account, midday); got.Overspent != 30 {
		t.Errorf("%+v, want 30 overspent", got)
	}
}

// Whatever the shares of several processes are, and however it was leased, the
// overage is what they used together beyond the amount.
func TestOverageOfASoftQuotaIsExact(t *testing.T) {
	for name, percent := range map[string]int{"without grace": 0, "with grace": 20} {
		t.Run(name, func(t *testing.T) {
			limit := daily(100)
			limit.Mode, limit.GracePercent = controlplane.Soft, percent
			db, key, _ := newQuota(t, limit)
			a, b := newGateway(t, db, 1, key), newGateway(t, db, 2, key)
			a.report(midday, true)
			b.report(midday, true)
			a.held.Used, b.held.Used = 60, 38
			a.report(midday, true)
			b.report(midday, true)
			if s := standing(t, db, key.Account, midday); s.Overage() != 0 {
				t.Errorf("with 98 of 100 used: overage %d, %+v", s.Overage(), s)
			}
			a.held.Used += 9
			a.report(midday, true)
			b.held.Used += 5
			b.held.Refunded = 2
			for range 3 {
				b.report(midday, true)
				a.report(midday, true)
			}
			if s := standing(t, db, key.Account, midday); s.Overage() != 10 {
				t.Errorf("with 110 of 100 used: overage %d, %+v", s.Overage(), s)
			}
			// What a process that dies held may have been used, but nobody knows.
			if _, err := db.CloseSilentLeases(t.Context(), midday.Add(postgres.LeaseTTL)); err != nil {
				t.Fatal(err)
			}
			if s := standing(t, db, key.Account, midday); s.Overage() != 10 {
				t.Errorf("after the processes have gone: overage %d, %+v", s.Overage(), s)
			}
		})
	}
}

func TestQuotasOfClaimedTiersHaveStandings(t *testing.T) {
	db, own, _ := newQuota(t, daily(100))
	gold, unused := newTier(t, db, "Gold", daily(500)), newTier(t, db, "Silver", daily(200))
	claimed := wire.LeaseKey{Account: own.Account, Limit: uint64(gold.Limits[0].ID)}
	left := wire.LeaseKey{Account: own.Account, Limit: uint64(unused.Limits[0].ID)}
	send(t, db, wire.ProcessID{1}, midday, wire.HeldLease{LeaseKey: claimed, Born: 1, Plan: uint64(gold.ID), Used: 7},
		wire.HeldLease{LeaseKey: left, Born: 1, Used: 3}) // as of an account that was moved off it
	all, err := db.QuotaStandings(t.Context(), []controlplane.ID{controlplane.ID(own.Account)}, midday)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || uint64(all[0].LimitID) != own.Limit || all[1].TierID != gold.ID || all[1].Amount != 500 || all[1].Consumed != 7 {
		t.Errorf("%+v, want the own quota and the claimed one with 7 of 500 used", all)
	}
	if all, err = db.QuotaStandings(t.Context(), []controlplane.ID{controlplane.ID(own.Account)}, midday.Add(24*time.Hour)); err != nil || len(all) != 1 {
		t.Errorf("the next day: %+v, %v; want the own one", all, err)
	}
}

func TestWhatIsGivenBackIsNotConsumed(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a := newGateway(t, db, 1, key)
	a.report(midday, true)
	a.held.Used = 100
	late := a.held
	if got := a.report(midday, true); !got.Spent {
		t.Errorf("used up: %+v", got)
	}
	a.held.Used, a.held.Refunded = 110, 40
	if got := a.report(midday, false); got.Spent || got.Remaining != 30 {
		t.Errorf("with 40 given back: %+v", got)
	}
	send(t, db, a.id, midday, late) // says nothing new
	wantSums(t, db, key.Account, midday, 70, 30, 0)
}

func TestGrantsAreSizedByDemand(t *testing.T) {
	db, key, _ := newQuota(t, daily(500))
	a := newGateway(t, db, 1, key)
	report := func(asks bool, wants, recent uint64) wire.LeaseGrant {
		t.Helper()
		a.held.Asks, a.held.Wants, a.held.Recent = asks, wants, recent
		l := send(t, db, a.id, midday, a.held).Leases[0]
		a.take(l)
		return l
	}
	for _, tc := range []struct {
		what          string
		used          uint64
		asks          bool
		wants, recent uint64
		granted       uint64
	}{
		{"a first request", 0, true, 1, 0, 9},
		{"more of them, that wait", 9, true, 20, 9, 9 + 29},
		{"and go on coming", 29, true, 0, 100, 129},
		{"until they stop", 79, false, 0, 10, 79 + 10},
		{"for long", 79, false, 0, 0, 79 + 10},
	} {
		a.held.Used = tc.used
		if got := report(tc.asks, tc.wants, tc.recent); got.Granted != tc.granted {
			t.Errorf("%s: %d granted, want %d", tc.what, got.Granted, tc.granted)
		}
	}
}

// The plan under which a process keeps a lease comes back with a recall, by which
// another of its workers finds it.
func TestARecallIsAnnouncedAndSaysWhereTheLeaseIs(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan wire.ProcessID, 10), make(chan error)
	go func() { ended <- db.WatchRecalls(ctx, func(p wire.ProcessID) { told <- p }) }()
	defer func() {
		stop()
		<-ended
	}()
	a, b := newGateway(t, db, 1, key), newGateway(t, db, 2, key)
	a.held.Plan = 3
	a.report(midday, true)
	for { // until it listens
		b.report(midday, true)
		select {
		case p := <-told:
			if p != a.id {
				t.Errorf("process %v is told, want %v", p, a.id)
			}
			reply := send(t, db, a.id, midday)
			if len(reply.Leases) != 1 || reply.Leases[0].Plan != 3 || reply.Leases[0].Granted != 50 || reply.Leases[0].Born != 0 {
				t.Errorf("%+v, want a recall to 50 under plan 3", reply.Leases)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestALeaseOfTheNextPeriodComesInTime(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a := newGateway(t, db, 1, key)
	a.report(midday, true)
	a.held.Used = 100
	midnight := midday.Add(12 * time.Hour)
	if got := a.report(midnight.Add(-2*time.Minute), true); got.NextStart != 0 {
		t.Errorf("two minutes before the end: %+v", got)
	}
	got := a.report(midnight.Add(-time.Minute), true)
	if got.NextStart != midnight.Unix() || got.NextEnd != midnight.Unix()+86400 || got.NextGranted != 100 {
		t.Errorf("a minute before the end: %+v", got)
	}
	a.held = wire.HeldLease{LeaseKey: key, Born: 1, Start: got.NextStart, Granted: got.NextGranted, Used: 7}
	if got := a.report(midnight.Add(time.Second), false); got.Granted != 100 || got.Remaining != 93 {
		t.Errorf("after it: %+v", got)
	}
	wantSums(t, db, key.Account, midnight, 7, 93, 0)
}

// A client that was told to come back when the period is over does so, and until
// then nobody asks for anything.
func TestALeaseOfTheNextPeriodComesUnasked(t *testing.T) {
	db, key, _ := newQuota(t, daily(100))
	a := newGateway(t, db, 1, key)
	a.report(midday, true)
	a.held.Used = 100
	a.report(midday, true)
	midnight := midday.Add(12 * time.Hour)
	if reply := send(t, db, a.id, midnight.Add(-2*time.Minute)); len(reply.Leases) != 0 {
		t.Errorf("two minutes before the end: %+v", reply)
	}
	reply := send(t, db, a.id, midnight.Add(-time.Minute))
	if len(reply.Leases) != 1 {
		t.Fatalf("a minute before the end: %+v", reply)
	}
	got := reply.Leases[0]
	if got.Born != 0 || got.Start != a.held.Start || got.NextStart != midnight.Unix() || got.NextGranted != 8 {
		t.Errorf("a minute before the end: %+v", got)
	}
	if reply := send(t, db, a.id, midnight.Add(-time.Second)); len(reply.Leases) != 0 {
		t.Errorf("it is told twice: %+v", reply)
	}
	a.take(got)
	a.held = wire.HeldLease{LeaseKey: key, Born: 1, Start: got.NextStart, Granted: got.NextGranted, Used: 7}
	if got := a.report(midnight.Add(time.Second), false); got.Granted != 8 || got.Remaining != 93 {
		t.Errorf("after it: %+v", got)
	}
	wantSums(t, db, key.Account, midnight, 7, 1, 0)
}

func TestEditsOfAQuota(t *testing.T) {
	edit := func(t *testing.T, db *postgres.DB, tier controlplane.Tier, change func(*controlplane.Limit)) {
		t.Helper()
		limits := tier.Limits
		change(&limits[0])
		if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Limits: &limits}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("raised, the rest can be leased", func(t *testing.T) {
		db, key, tier := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		a.held.Used = 100
		if !a.report(midday, true).Spent {
			t.Error("not spent before")
		}
		edit(t, db, tier, func(l *controlplane.Limit) { l.Amount = 150 })
		if got := a.report(midday, true); got.Spent || got.Granted != 150 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("lowered, what is too much is recalled", func(t *testing.T) {
		db, key, tier := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		a.held.Used = 20
		edit(t, db, tier, func(l *controlplane.Limit) { l.Amount = 60 })
		a.report(midday, false)
		a.report(midday, false)
		wantSums(t, db, key.Account, midday, 20, 40, 0)
	})
	t.Run("an override counts instead", func(t *testing.T) {
		db, key, _ := newQuota(t, daily(100))
		setOverride(t, db, controlplane.Override{AccountID: controlplane.ID(key.Account), LimitID: controlplane.ID(key.Limit), Amount: 7})
		if got := newGateway(t, db, 1, key).report(midday, true); got.Granted != 7 {
			t.Errorf("%+v", got)
		}
		if s := standing(t, db, key.Account, midday); s.Amount != 7 {
			t.Errorf("standing %+v", s)
		}
	})
	t.Run("an override waits while the account is on another tier, and the tier is claimed", func(t *testing.T) {
		db, key, tier := newQuota(t, daily(100))
		other := newTier(t, db, "Other", daily(50))
		account := controlplane.ID(key.Account)
		newKey(t, db, account)
		setOverride(t, db, controlplane.Override{AccountID: account, LimitID: controlplane.ID(key.Limit), Amount: 7})
		for _, on := range []struct {
			tier   controlplane.ID
			amount uint64
		}{{other.ID, 100}, {tier.ID, 7}} {
			if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account, TierID: &on.tier}); err != nil {
				t.Fatal(err)
			}
			g := newGateway(t, db, byte(on.amount), key)
			g.held.Plan = uint64(tier.ID)
			// The ledger and the filter, by the plan it has, say the same.
			p := readPolicy(t, db)
			plan := planOf(t, p, account)
			if on.tier != tier.ID {
				plan = p.Plans[slices.IndexFunc(p.Plans, func(q book.Plan) bool { return q.ID == uint64(tier.ID) })]
			}
			if got := g.report(midday, true); got.Remaining != on.amount || plan.Limits[0].Amount != on.amount {
				t.Errorf("of the quota %d remains, and the plan says %d; want %d", got.Remaining, plan.Limits[0].Amount, on.amount)
			}
		}
	})
	t.Run("deleted, nothing is granted", func(t *testing.T) {
		db, key, tier := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: tier.ID, Limits: &[]controlplane.Limit{}}); err != nil {
			t.Fatal(err)
		}
		if reply := send(t, db, a.id, midday, asking(a.held, true)); len(reply.Leases) != 0 {
			t.Errorf("%+v", reply)
		}
	})
	t.Run("reset, it begins anew and old counts stay where they were", func(t *testing.T) {
		db, key, _ := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		a.held.Used = 100
		a.report(midday, true)
		if _, _, err := db.ResetAccount(t.Context(), controlplane.ID(key.Account)); err != nil {
			t.Fatal(err)
		}
		old := a.held
		later := midday.Add(time.Minute)
		a.held = wire.HeldLease{LeaseKey: key, Epoch: 1, Born: 2}
		if got := a.report(later, true); got.Granted != 100 || got.Start != later.Unix() || got.Spent {
			t.Errorf("%+v", got)
		}
		old.Used = 110
		send(t, db, wire.ProcessID{1}, later, old)
		wantSums(t, db, key.Account, later, 0, 100, 0)
	})
	t.Run("reset, a process that has not heard of it gets nothing yet, and so loses nothing", func(t *testing.T) {
		db, key, _ := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		a.held.Used = 90
		if _, _, err := db.ResetAccount(t.Context(), controlplane.ID(key.Account)); err != nil {
			t.Fatal(err)
		}
		later := midday.Add(time.Minute)
		if reply := send(t, db, a.id, later, asking(a.held, true)); len(reply.Leases) != 0 {
			t.Errorf("%+v", reply)
		}
		a.held = wire.HeldLease{LeaseKey: key, Epoch: 1, Born: 2}
		if got := a.report(later, true); got.Granted != 100 || got.Spent {
			t.Errorf("%+v", got)
		}
		wantSums(t, db, key.Account, later, 0, 100, 0)
	})
	t.Run("reset again and again at one moment, it begins anew each time", func(t *testing.T) {
		for name, at := range map[string]time.Time{"in the middle of a period": midday, "towards its end": midday.Add(12*time.Hour - time.Second)} {
			t.Run(name, func(t *testing.T) {
				db, key, _ := newQuota(t, daily(100))
				a := newGateway(t, db, 1, key)
				var last wire.HeldLease
				for n := range uint32(9) {
					a.held = wire.HeldLease{LeaseKey: key, Epoch: n, Born: int64(n + 1)}
					if got := a.report(at, true); got.Granted != 100 || got.Spent || got.Start > at.Unix() || got.End <= at.Unix() {
						t.Fatalf("after %d resets: %+v", n, got)
					}
					// What it counted before the last reset is no part of what it counts now.
					if last.Start != 0 {
						last.Used = 100
						if reply := send(t, db, a.id, at, asking(last, true)); len(reply.Leases) > 1 || len(reply.Leases) == 1 && reply.Leases[0].Granted > 100 {
							t.Errorf("after %d resets an old count got %+v", n, reply.Leases)
						}
					}
					if s := standing(t, db, key.Account, at); s.Consumed != 0 || s.Outstanding != 100 {
						t.Errorf("after %d resets: %+v", n, s)
					}
					a.held.Used = 40
					last = a.held
					a.report(at, false)
					if _, _, err := db.ResetAccount(t.Context(), controlplane.ID(key.Account)); err != nil {
						t.Fatal(err)
					}
				}
				a.held = wire.HeldLease{LeaseKey: key, Epoch: 9, Born: 99}
				if got := a.report(midday.Add(12*time.Hour), true); got.Granted != 100 {
					t.Errorf("in the next period: %+v", got)
				}
			})
		}
	})
	t.Run("a new time zone counts from the next period on", func(t *testing.T) {
		db, key, _ := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		before := a.report(midday, true)
		zone := "Asia/Kathmandu" // its midnight is at 18:15 UTC
		if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: controlplane.ID(key.Account), TimeZone: &zone}); err != nil {
			t.Fatal(err)
		}
		if got := a.report(midday.Add(8*time.Hour), true); got.Start != before.Start || got.End != before.End {
			t.Errorf("the running period became %+v", got)
		}
		a.held = wire.HeldLease{LeaseKey: key, Born: 1}
		got := a.report(time.Unix(before.End, 0), true)
		if got.Start != before.End || got.End != midday.Add(24*time.Hour+6*time.Hour+15*time.Minute).Unix() {
			t.Errorf("the next one is %+v", got)
		}
	})
	t.Run("another period begins at once", func(t *testing.T) {
		db, key, tier := newQuota(t, daily(100))
		a := newGateway(t, db, 1, key)
		a.report(midday, true)
		edit(t, db, tier, func(l *controlplane.Limit) { l.Period = controlplane.Month })
		if got := a.report(midday, true); got.Start <= midday.Unix()-1 || got.End != time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Unix() || got.Granted != 100 {
			t.Errorf("%+v", got)
		}
	})
}

func TestSoftAndShadowQuotasAreLeasedButNotEnforced(t *testing.T) {
	for name, tc := range map[string]struct {
		mode    controlplane.LimitMode
		percent int
		seconds int
		granted uint64
		spent   bool // when all of it is used
		later   bool // two minutes later
	}{
		"shadow":                {controlplane.Shadow, 0, 0, 100, false, false},
		"soft without grace":    {controlplane.Soft, 0, 0, 100, false, false},
		"soft with percent":     {controlplane.Soft, 20, 0, 120, true, true},
		"soft with grace times": {controlplane.Soft, 0, 60, 100, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			limit := daily(100)
			limit.Mode, limit.GracePercent, limit.GraceSeconds = tc.mode, tc.percent, tc.seconds
			db, key, _ := newQuota(t, limit)
			a := newGateway(t, db, 1, key)
			if got := a.report(midday, true); got.Granted != tc.granted || got.Remaining != 100 {
				t.Errorf("at first %+v", got)
			}
			a.held.Used = a.held.Granted
			if got := a.report(midday, true); got.Spent != tc.spent || got.Remaining != 0 {
				t.Errorf("used up: %+v", got)
			}
			if got := a.report(midday.Add(2*time.Minute), true); got.Spent != tc.later {
				t.Errorf("later: %+v", got)
			}
		})
	}
}

func TestStrangersGetNothing(t *testing.T) {
	limit := daily(100)
	limit.Subject = controlplane.SubjectKey
	db, key, tier := newQuota(t, limit)
	other := newAccount(t, db, "Elm", tier.ID)
	mine, theirs := newKey(t, db, controlplane.ID(key.Account)), newKey(t, db, other.ID)
	for name, tc := range map[string]struct {
		key  wire.LeaseKey
		want int
	}{
		"a key of the account":     {wire.LeaseKey{Account: key.Account, Key: uint64(mine.ID), Limit: key.Limit}, 1},
		"another account's key":    {wire.LeaseKey{Account: key.Account, Key: uint64(theirs.ID), Limit: key.Limit}, 0},
		"no key":                   {key, 0},
		"an account that is not":   {wire.LeaseKey{Account: 999, Limit: key.Limit}, 0},
		"a limit that is not":      {wire.LeaseKey{Account: key.Account, Limit: 999}, 0},
		"a limit that is no quota": {wire.LeaseKey{Account: key.Account, Limit: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			reply := send(t, db, wire.ProcessID{1}, midday, wire.HeldLease{LeaseKey: tc.key, Born: 1, Asks: true})
			if len(reply.Leases) != tc.want {
				t.Errorf("%+v", reply.Leases)
			}
		})
	}
}

// TestManyProcessesSideBySide has processes report the same quotas at once, in
// orders of their own, while others are swept and periods are opened.
func TestManyProcessesSideBySide(t *testing.T) {
	const processes, accounts, rounds, amount = 8, 40, 6, 100
	url := databases.New(t)
	db := connect(t, url)
	tier := newTier(t, db, "Basic", daily(amount))
	var keys []wire.LeaseKey
	for i := range accounts {
		account := newAccount(t, db, fmt.Sprintf("account %d", i), tier.ID)
		keys = append(keys, wire.LeaseKey{Account: uint64(account.ID), Limit: uint64(tier.Limits[0].ID)})
	}
	var wg sync.WaitGroup
	held := make([][]wire.HeldLease, processes)
	for p := range processes {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(p), 1))
			all := make([]wire.HeldLease, accounts)
			for i, k := range keys {
				all[i] = wire.HeldLease{LeaseKey: k, Born: 1, Asks: true}
			}
			for range rounds {
				report := &wire.LeaseReport{Process: wire.ProcessID{byte(p + 1)}, Node: "n"}
				for i := range all {
					if random.IntN(4) > 0 {
						report.Held = append(report.Held, all[i])
					}
				}
				reply, err := db.ReportLeases(t.Context(), report, midday)
				if err != nil {
					t.Error(err)
					return
				}
				for _, l := range reply.Leases {
					for i := range all {
						if all[i].LeaseKey == l.LeaseKey && (l.Born != 0 || all[i].Start == l.Start) {
							g := gateway{held: all[i]}
							g.take(l)
							all[i] = g.held
							all[i].Asks = true
							all[i].Used += (all[i].Granted - min(all[i].Granted, all[i].Used)) / 2
						}
					}
				}
			}
			held[p] = all
		})
	}
	wg.Go(func() {
		for range rounds {
			if _, err := db.CloseSilentLeases(t.Context(), midday.Add(postgres.LeaseTTL)); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	wantSound(t, url)
	for i, k := range keys {
		var used uint64
		for p := range processes {
			if held[p] != nil {
				used += max(held[p][i].Used, held[p][i].Granted)
			}
		}
		s := standing(t, db, k.Account, midday)
		if used > amount || s.Consumed+s.Outstanding > amount {
			t.Errorf("processes hold %d of %d, %+v", used, amount, s)
		}
	}
}
