package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/plugin/wire"
)

// LeaseTTL is for how long a process that is not heard of counts as alive, and
// for how long a reply lets it use its leases.
const LeaseTTL = 30 * time.Second

// ReportLeases takes in what a process says of its leases, and answers with what
// it may use from now on. It is one transaction, apart from the opening of
// periods: what it granted stands in the ledger before the process learns of it,
// so no crash grants anything twice. Any report may come again, late, or never.
//
// Locks are taken in one order everywhere: the process, then ledgers by id. A
// report costs about ten statements however many leases it names.
func (db *DB) ReportLeases(ctx context.Context, report *wire.LeaseReport, now time.Time) (*wire.LeaseReply, error) {
	named := make(map[wire.LeaseKey]*wire.HeldLease, len(report.Held))
	for i := range report.Held {
		named[report.Held[i].LeaseKey] = &report.Held[i]
	}
	keys, due, err := db.reportedKeys(ctx, report, now)
	if err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	asks := func(k wire.LeaseKey) bool { h := named[k]; return h != nil && h.Asks || due[k] }
	budgets, err := db.openBudgets(ctx, keys, asks, now)
	if err != nil {
		return nil, fmt.Errorf("read quotas: %w", err)
	}
	s := &settlement{process: report.Process, now: now, budgets: budgets, named: named, due: due, lacks: map[int64]uint64{}}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		if err := s.begin(ctx, tx, report.Node); err != nil {
			return err
		}
		s.hear()
		if err := s.recall(ctx, tx); err != nil {
			return err
		}
		return s.save(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("settle leases: %w", err)
	}
	return s.reply(), nil
}

// reportedKeys returns, sorted, what a report names, what of its process is being
// recalled, and what of it is due: what it holds in a period that is about to end,
// without anything yet in the one after. A process gets that unasked, so that who
// comes back as the next period begins finds a lease.
func (db *DB) reportedKeys(ctx context.Context, report *wire.LeaseReport, now time.Time) (keys []wire.LeaseKey, due map[wire.LeaseKey]bool, err error) {
	rows, err := db.pool.Query(ctx, `
		select account_id, key_id, limit_id, false from leases join quota_ledger q on q.id = ledger_id
		where process = $1 and recalled > 0 and period_end > $2
		union all
		select account_id, key_id, limit_id, true from quota_ledger q join leases l on l.ledger_id = q.id and l.process = $1
		join accounts a on a.id = account_id and a.epoch = q.epoch
		where recalled = 0 and period_end > $2 and period_end <= $3 and not exists (
			select from leases n join quota_ledger m on m.id = n.ledger_id
			where n.process = $1 and m.period_start >= q.period_end
			and (m.account_id, m.key_id, m.limit_id, m.epoch) = (q.account_id, q.key_id, q.limit_id, q.epoch))
		order by 1, 2, 3 limit $4`, [16]byte(report.Process), now, now.Add(nextWithin), wire.MaxLeaseGrants-wire.MaxHeldLeases)
	if err != nil {
		return nil, nil, err
	}
	due = map[wire.LeaseKey]bool{}
	var k wire.LeaseKey
	var isDue bool
	_, err = pgx.ForEachRow(rows, []any{&k.Account, &k.Key, &k.Limit, &isDue}, func() error {
		keys = append(keys, k)
		if isDue {
			due[k] = true
		}
		return nil
	})
	for i := range report.Held {
		keys = append(keys, report.Held[i].LeaseKey)
	}
	slices.SortFunc(keys, wire.LeaseKey.Compare)
	return slices.Compact(keys), due, err
}

// settlement is the work on one report.
type settlement struct {
	process   wire.ProcessID
	now       time.Time
	budgets   []budget
	named     map[wire.LeaseKey]*wire.HeldLease
	due       map[wire.LeaseKey]bool // see reportedKeys
	processes int                    // how many live

	ledgers map[int64]*ledger // locked, by id
	leases  map[int64]*lease  // of the process, by ledger
	lacks   map[int64]uint64  // by ledger, what wasn't there for this process
	others  []*lease          // of other processes, recalled from
}

// ledger is a row of quota_ledger.
type ledger struct {
	id int64
	quota.Ledger
	overSince time.Time // zero: what was used is below the amount
	terms     quota.Terms
}

// lease is a row of leases.
type lease struct {
	ledger  int64
	process [16]byte
	plan    uint64 // under which the process keeps it, see wire.HeldLease
	quota.Lease
	recalledAt time.Time   // zero: never
	stored     quota.Lease // as the database has it
	storedPlan uint64
}

// hear takes in what the report says, and grants what it asks for.
func (s *settlement) hear() {
	for i := range s.budgets {
		b := &s.budgets[i]
		held := s.named[b.LeaseKey]
		if held == nil {
			s.foresee(b)
			continue
		}
		current, next := b.current(s.now), b.next(s.now)
		past := b.heldIn(held)
		if past != nil && past != current && past != next {
			s.hearOf(past, held, known(held))
		}
		if b.outlived(held, past) {
			continue
		}
		if current != nil {
			s.hearOfCurrent(current, held)
		}
		if next != nil {
			s.hearOfNext(next, held)
		}
	}
}

// outlived says that the process counts what the quota counted before a reset or
// a change of its measure. It is about to begin a new count, by which all that it
// was given for the new period until then would be lost, so it gets nothing yet.
func (b *budget) outlived(held *wire.HeldLease, in *entry) bool {
	return !b.counts(held.Epoch) || in != nil && in.measure != b.measure
}

func (s *settlement) hearOfCurrent(e *entry, held *wire.HeldLease) {
	holding := quota.Holding{}
	switch start := e.Start.Unix(); {
	case held.Start == start:
		holding = known(held)
	case held.NextStart == start: // it has not noticed yet that the period began
		holding = quota.Holding{Known: true, Granted: held.NextGranted}
	case held.Start == 0:
		holding.Used, holding.Refunded = held.Used, held.Refunded
	}
	g, l, upToDate := s.hearOf(e, held, holding)
	if g == nil {
		return
	}
	g.Trim(&l.Lease)
	switch {
	case !upToDate:
	case held.Asks:
		if lacks := g.Grant(&l.Lease, demand(held), s.processes); lacks > 0 {
			s.lacks[e.id] = lacks
		}
	default:
		g.Shrink(&l.Lease, demand(held))
	}
}

// known is what a report says of a lease that the process knows.
func known(held *wire.HeldLease) quota.Holding {
	return quota.Holding{Known: true, Revision: held.Revision, Granted: held.Granted, Used: held.Used, Refunded: held.Refunded}
}

func demand(held *wire.HeldLease) quota.Demand {
	return quota.Demand{Now: held.Wants, Recent: held.Recent}
}

func (s *settlement) hearOfNext(e *entry, held *wire.HeldLease) {
	start := e.Start.Unix()
	if held.Start == start {
		return // its clock is ahead of ours; it will say so again
	}
	g, l, _ := s.hearOf(e, held, quota.Holding{Known: held.NextStart == start, Granted: held.NextGranted})
	if g != nil && (held.Asks || s.due[held.LeaseKey]) && l.Granted == 0 {
		g.Grant(&l.Lease, quota.Demand{Recent: held.Recent}, s.processes)
	}
}

// foresee grants what is due of a lease that the report doesn't name.
func (s *settlement) foresee(b *budget) {
	current, next := b.current(s.now), b.next(s.now)
	if !s.due[b.LeaseKey] || next == nil || s.leases[current.id] == nil || s.ledgers[next.id] == nil || s.leases[next.id] != nil {
		return
	}
	l := &lease{ledger: next.id, process: s.process, plan: s.leases[current.id].plan}
	s.leases[next.id] = l
	g := s.ledgers[next.id]
	g.Hear(&l.Lease, quota.Holding{Born: s.leases[current.id].Born})
	g.Grant(&l.Lease, quota.Demand{}, s.processes)
}

// hearOf tells a ledger of a holding. The ledger is nil when it was not locked:
// it is newer than what was read before.
func (s *settlement) hearOf(e *entry, held *wire.HeldLease, h quota.Holding) (*ledger, *lease, bool) {
	g := s.ledgers[e.id]
	if g == nil {
		return nil, nil, false
	}
	l := s.leases[e.id]
	if l == nil {
		l = &lease{ledger: e.id, process: s.process}
		s.leases[e.id] = l
	}
	h.Born, l.plan = held.Born, held.Plan
	upToDate := g.Hear(&l.Lease, h)
	g.Cover(&l.Lease)
	return g, l, upToDate
}

// reply says what the process may use.
func (s *settlement) reply() *wire.LeaseReply {
	reply := &wire.LeaseReply{TTLSeconds: uint32(LeaseTTL / time.Second)}
	for i := range s.budgets {
		b := &s.budgets[i]
		e := b.current(s.now)
		if e == nil || s.leases[e.id] == nil || s.ledgers[e.id] == nil {
			continue
		}
		g, l := s.ledgers[e.id], s.leases[e.id]
		grant := wire.LeaseGrant{
			LeaseKey: b.LeaseKey, Plan: l.plan, Revision: l.Revision, Granted: l.Granted,
			Start: e.Start.Unix(), End: e.End.Unix(),
			Remaining: b.terms.Remaining(g.Total()), Spent: b.terms.Spent(g.Total(), g.overSince, s.now),
		}
		if s.named[b.LeaseKey] != nil {
			grant.Born = l.Born
		}
		if n := b.next(s.now); n != nil && s.leases[n.id] != nil {
			grant.NextStart, grant.NextEnd, grant.NextGranted = n.Start.Unix(), n.End.Unix(), s.leases[n.id].Granted
		}
		reply.Leases = append(reply.Leases, grant)
	}
	return reply
}
