package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/quota"
)

// begin notes that the process lives, and locks and reads what its report is about.
func (s *settlement) begin(ctx context.Context, tx pgx.Tx, node string) error {
	_, err := tx.Exec(ctx, `
		insert into lease_processes as p (process, node, expires_at) values ($1, $2, $3)
		on conflict (process) do update
		set node = excluded.node, expires_at = greatest(p.expires_at, excluded.expires_at), closed = false`,
		[16]byte(s.process), node, s.now.Add(LeaseTTL))
	if err != nil {
		return fmt.Errorf("note process: %w", err)
	}
	if err := tx.QueryRow(ctx, `select count(*) from lease_processes where not closed`).Scan(&s.processes); err != nil {
		return fmt.Errorf("count processes: %w", err)
	}
	var ids []int64
	running := map[int64]*budget{}
	for i := range s.budgets {
		b := &s.budgets[i]
		of := []*entry{b.current(s.now), b.next(s.now)}
		if held := s.named[b.LeaseKey]; held != nil {
			of = append(of, b.heldIn(held))
		}
		for _, e := range of {
			if e != nil {
				ids = append(ids, e.id)
				if b.same(*e) {
					running[e.id] = b
				}
			}
		}
	}
	if s.ledgers, err = lockQuotas(ctx, tx, ids); err != nil {
		return fmt.Errorf("lock ledgers: %w", err)
	}
	for id, b := range running {
		if g := s.ledgers[id]; g != nil {
			g.terms, g.Amount = b.terms, b.terms.Leasable()
			g.Least, g.Handful = quota.LeastOf(b.measure), quota.HandfulOf(b.measure)
		}
	}
	own, err := readLeases(ctx, tx, `where ledger_id = any($1) and process = $2`, ids, [16]byte(s.process))
	if err != nil {
		return fmt.Errorf("read leases: %w", err)
	}
	s.leases = make(map[int64]*lease, len(own))
	for _, l := range own {
		s.leases[l.ledger] = l
	}
	return nil
}

func lockQuotas(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]*ledger, error) {
	rows, err := tx.Query(ctx, `
		select id, leasable, committed, consumed, written_off, overspent, amount, over_since
		from quota_ledger where id = any($1) order by id for no key update`, ids)
	if err != nil {
		return nil, err
	}
	ledgers := make(map[int64]*ledger, len(ids))
	var l ledger
	var over *time.Time
	_, err = pgx.ForEachRow(rows, []any{&l.id, &l.Amount, &l.Committed, &l.Consumed, &l.WrittenOff, &l.Overspent, &l.terms.Amount, &over}, func() error {
		copied := l
		if over != nil {
			copied.overSince = *over
		}
		ledgers[l.id] = &copied
		return nil
	})
	return ledgers, err
}

const leaseColumns = `ledger_id, process, born, revision, recalled, granted, held, used, refunded, before, lost, over, plan, closed, recalled_at`

func readLeases(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]*lease, error) {
	rows, err := tx.Query(ctx, `select `+leaseColumns+` from leases `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (*lease, error) {
		l := &lease{}
		var recalledAt *time.Time
		err := r.Scan(&l.ledger, &l.process, &l.Born, &l.Revision, &l.Recalled, &l.Granted, &l.Held, &l.Used, &l.Refunded, &l.Before, &l.Lost, &l.Over, &l.plan, &l.Closed, &recalledAt)
		if recalledAt != nil {
			l.recalledAt = *recalledAt
		}
		l.stored, l.storedPlan = l.Lease, l.plan
		return l, err
	})
}

// heardWithin is how long ago a process that is well has reported last: one that
// does nothing reports each quarter of LeaseTTL.
const heardWithin = LeaseTTL / 3

// answeredWithin is within what time a process that is well answers a recall: it is
// told at once over the poll that it has open. Of one that doesn't nothing is
// waited for; others are asked.
const answeredWithin = time.Second

// recallFrom is how many leases of a ledger are recalled from at once.
const recallFrom = 16

// recall asks other processes for what this one lacks, and has them told. Of each
// ledger it looks at the leases that most is left of, first at those that are being
// recalled from already; but at those of processes that weren't heard of lately, or
// not since something was recalled that they should have answered, only when there
// is no other: they may never answer.
func (s *settlement) recall(ctx context.Context, tx pgx.Tx) error {
	if len(s.lacks) == 0 {
		return nil
	}
	others, err := readLeases(ctx, tx, `
		join unnest($1::bigint[]) with ordinality as n (of_ledger, place) on of_ledger = ledger_id
		join lateral (
			select o.process as of_process, row_number() over (
				order by expires_at > $3 and not exists (
					select from leases r where r.process = o.process and r.recalled > 0 and r.recalled_at <= $5 and r.recalled_at >= expires_at - $6::interval
				) desc, o.recalled > 0 desc, o.granted - o.used + o.refunded desc) as rank
			from leases o join lease_processes p using (process)
			where o.ledger_id = of_ledger and o.process <> $2 and not o.closed and (o.granted > o.used - o.refunded or o.recalled > 0)
			order by rank limit $4
		) most on of_process = process
		order by place, rank`,
		slices.Sorted(maps.Keys(s.lacks)), [16]byte(s.process), s.now.Add(LeaseTTL-heardWithin), recallFrom,
		s.now.Add(-answeredWithin), LeaseTTL)
	if err != nil {
		return fmt.Errorf("read leases to recall: %w", err)
	}
	of := map[int64][]quota.Other{}
	for _, l := range others {
		of[l.ledger] = append(of[l.ledger], quota.Other{Lease: &l.Lease, Overdue: !l.recalledAt.After(s.now.Add(-answeredWithin))})
	}
	for id, lacks := range s.lacks {
		s.ledgers[id].Gather(of[id], lacks, s.leases[id].Unused())
	}
	tell := map[[16]byte]bool{}
	for _, l := range others {
		if l.Recalled > 0 {
			tell[l.process] = true
		}
		if l.noteChange(s.now) {
			s.others = append(s.others, l)
		}
	}
	return announceRecalls(ctx, tx, slices.Collect(maps.Keys(tell)))
}

// save writes what has changed.
func (s *settlement) save(ctx context.Context, tx pgx.Tx) error {
	changed := s.others
	for _, l := range s.leases {
		if l.noteChange(s.now) {
			changed = append(changed, l)
		}
	}
	batch := &pgx.Batch{}
	queueLeases(batch, changed)
	s.queueLedgers(batch)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store leases: %w", err)
	}
	return nil
}

// noteChange notes when a recall begins, and returns whether the database has the
// lease otherwise.
func (l *lease) noteChange(now time.Time) bool {
	if l.Recalled > 0 && l.Recalled != l.stored.Recalled {
		l.recalledAt = now
	}
	return l.Lease != l.stored || l.plan != l.storedPlan
}

func queueLeases(batch *pgx.Batch, leases []*lease) {
	var ledgers []int64
	var processes [][16]byte
	var numbers [11][]int64
	var closed []bool
	var recalledAt []*time.Time
	for _, l := range leases {
		recalledAt = append(recalledAt, orNull(l.recalledAt))
		ledgers, processes, closed = append(ledgers, l.ledger), append(processes, l.process), append(closed, l.Closed)
		for i, n := range [...]uint64{uint64(l.Born), l.Revision, l.Recalled, l.Granted, l.Held, l.Used, l.Refunded, l.Before, l.Lost, l.Over, l.plan} {
			numbers[i] = append(numbers[i], int64(n))
		}
	}
	n := &numbers
	batch.Queue(`
		insert into leases (`+leaseColumns+`)
		select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bool[], $15::timestamptz[])
		on conflict (ledger_id, process) do update set
			born = excluded.born, revision = excluded.revision, recalled = excluded.recalled, granted = excluded.granted, held = excluded.held,
			used = excluded.used, refunded = excluded.refunded, before = excluded.before, lost = excluded.lost, over = excluded.over,
			plan = excluded.plan, closed = excluded.closed, recalled_at = excluded.recalled_at`,
		ledgers, processes, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], closed, recalledAt)
}

func (s *settlement) queueLedgers(batch *pgx.Batch) {
	var ids []int64
	var numbers [6][]int64
	var over []*time.Time
	for _, g := range s.ledgers {
		switch {
		case g.Total() < g.terms.Amount:
			g.overSince = time.Time{}
		case g.overSince.IsZero():
			g.overSince = s.now
		}
		ids = append(ids, g.id)
		for i, n := range [...]uint64{g.terms.Amount, g.Amount, g.Committed, g.Consumed, g.WrittenOff, g.Overspent} {
			numbers[i] = append(numbers[i], int64(n))
		}
		over = append(over, orNull(g.overSince))
	}
	n := &numbers
	batch.Queue(`
		update quota_ledger q
		set amount = n.amount, leasable = n.leasable, committed = n.committed, consumed = n.consumed, written_off = n.written_off,
			overspent = n.overspent, over_since = n.over
		from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::timestamptz[])
			as n (id, amount, leasable, committed, consumed, written_off, overspent, over)
		where q.id = n.id`, ids, n[0], n[1], n[2], n[3], n[4], n[5], over)
}

// Sweep sizes: what one transaction takes at most.
const (
	closeAtOnce  = 2000
	forgetAtOnce = 5000
)

// CloseSilentLeases writes off what processes that are not heard of any more may
// have used, and returns how many leases that were. What ended long ago is
// forgotten. It may run anywhere at any time; more than there is time for is left
// to the next call.
func (db *DB) CloseSilentLeases(ctx context.Context, now time.Time) (closed int, err error) {
	for {
		n, more, err := db.closeSome(ctx, now)
		closed += n
		if err != nil {
			return closed, fmt.Errorf("close leases: %w", err)
		}
		if !more {
			break
		}
	}
	_, err = db.pool.Exec(ctx, `
		delete from quota_ledger where id in (select id from quota_ledger where period_end < $1 order by period_end limit $2)`,
		now.Add(-ledgerKeptFor), forgetAtOnce)
	if err != nil {
		return closed, fmt.Errorf("forget old ledgers: %w", err)
	}
	_, err = db.pool.Exec(ctx, `
		delete from lease_processes p where closed and expires_at < $1 and not exists (select from leases l where l.process = p.process and not closed)`,
		now.Add(-ledgerKeptFor))
	if err != nil {
		return closed, fmt.Errorf("forget old processes: %w", err)
	}
	return closed, nil
}

// ledgerKeptFor is how long after its end a period can still be reported on.
const ledgerKeptFor = 7 * 24 * time.Hour

// closeSome closes leases of one silent process.
func (db *DB) closeSome(ctx context.Context, now time.Time) (closed int, more bool, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			select process from lease_processes where not closed and expires_at <= $1
			order by process limit 1 for update skip locked`, now)
		if err != nil {
			return err
		}
		silent, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
		if err != nil || len(silent) == 0 {
			return err
		}
		process := silent[0]
		more = true
		ids, err := list[struct{ ID int64 }](ctx, tx, `
			select id from quota_ledger
			where id in (select ledger_id from leases where process = $1 and not closed order by ledger_id limit $2)
			order by id for no key update`, process, closeAtOnce)
		if err != nil {
			return err
		}
		closed = len(ids)
		if closed < closeAtOnce {
			if _, err := tx.Exec(ctx, `update lease_processes set closed = true where process = $1`, process); err != nil {
				return err
			}
		}
		return writeOff(ctx, tx, process, ids)
	})
	return closed, more, err
}

// writeOff does to many leases what [quota.Ledger.Close] does to one.
func writeOff(ctx context.Context, tx pgx.Tx, process [16]byte, ids []struct{ ID int64 }) error {
	numbers := make([]int64, len(ids))
	for i := range ids {
		numbers[i] = ids[i].ID
	}
	_, err := tx.Exec(ctx, `
		with gone as (
			update leases set closed = true where process = $1 and ledger_id = any($2) and not closed
			returning ledger_id, held - least(held, used - refunded) as open
		)
		update quota_ledger q set consumed = consumed + open, written_off = written_off + open from gone where q.id = ledger_id`,
		process, numbers)
	return err
}
