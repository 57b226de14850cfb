package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/controlplane/zone"
	"github.com/weirhq/weir/plugin/wire"
)

// nextWithin is how long before the end of a period leases of the next one are
// given.
const nextWithin = 90 * time.Second

// budget is a quota of an account or of one of its keys, as the policy has it,
// with the last of its periods in the ledger.
type budget struct {
	wire.LeaseKey
	tier     controlplane.ID // of the limit
	epoch    int32
	calendar quota.Calendar
	period   controlplane.Period
	measure  controlplane.Measure
	terms    quota.Terms
	entries  []entry // those of the last epoch first, of these the newest
}

// entry is a budget's row in the ledger for one period.
type entry struct {
	id      int64
	epoch   int32
	period  controlplane.Period
	measure controlplane.Measure
	quota.Period
}

// counts says whether the budget counts in an epoch of the account, or is ahead
// of it because the counters were reset since.
func (b *budget) counts(epoch uint32) bool { return int64(epoch) >= int64(b.epoch) }

// same says whether an entry counts what the budget counts now.
func (b *budget) same(e entry) bool {
	return e.epoch == b.epoch && e.period == b.period && e.measure == b.measure
}

// current returns the entry whose period runs, or nil.
func (b *budget) current(now time.Time) *entry {
	for i := range b.entries {
		if e := &b.entries[i]; b.same(*e) && e.Contains(now) {
			return e
		}
	}
	return nil
}

// next returns the entry of the period after now's, or nil.
func (b *budget) next(now time.Time) *entry {
	current := b.current(now)
	for i := range b.entries {
		if e := &b.entries[i]; current != nil && b.same(*e) && e.Start.Equal(current.End) {
			return e
		}
	}
	return nil
}

// heldIn returns the entry of the period that a process holds something of, or
// nil.
func (b *budget) heldIn(held *wire.HeldLease) *entry {
	i := slices.IndexFunc(b.entries, func(e entry) bool {
		return e.Start.Unix() == held.Start && int64(e.epoch) == int64(held.Epoch)
	})
	if i < 0 {
		return nil
	}
	return &b.entries[i]
}

// missing returns the period that the ledger has no entry for and needs one
// now: the running one, or towards its end, for a process that asks, the next.
//
// A period that runs keeps its boundaries, whatever becomes of the account's
// time zone and billing day; the one after it begins where it ends. After a
// reset of the counters, and when the limit began to count otherwise, the rest
// of the period is a period by itself. A reset begins it at once, in the second in
// which another began, too: the epoch tells them apart.
func (b *budget) missing(now time.Time, asks bool) (quota.Period, bool) {
	if current := b.current(now); current != nil {
		if !asks || current.End.Sub(now) > nextWithin || b.next(now) != nil {
			return quota.Period{}, false
		}
		return quota.Period{Start: current.End, End: b.calendar.At(b.period, current.End).End}, true
	}
	p := b.calendar.At(b.period, now)
	begin := p.Start
	for _, e := range b.entries {
		switch {
		case b.same(e) && e.Start.Before(now):
			begin = later(begin, e.End)
		case e.epoch != b.epoch && p.Contains(e.Start):
			begin = later(begin, now.Truncate(time.Second))
		case !b.same(e) && p.Contains(e.Start):
			begin = later(begin, later(now.Truncate(time.Second), e.Start.Add(time.Second)))
		}
	}
	p.Start = begin
	return p, p.Start.Before(p.End)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// entriesRead is how many of a quota's periods are looked at, those of the last
// epoch first and of these the newest: the next, the running and the last, and some
// that resets cut off.
const entriesRead = 6

// readBudgets returns those of the quotas that the policy has, in their order.
// A key that is none of the account's, and a limit that is no quota, have none.
func readBudgets(ctx context.Context, q querier, keys []wire.LeaseKey) ([]budget, error) {
	accounts, ofKeys, limits := split(keys)
	rows, err := q.Query(ctx, `
		select n.account_id, n.key_id, n.limit_id, l.tier_id, a.epoch, a.time_zone, a.billing_day, l.period, l.measure,
			coalesce(o.amount, l.amount), coalesce(o.mode, l.mode), coalesce(l.grace_percent, 0), coalesce(l.grace_seconds, 0),
			coalesce(e.id, 0), coalesce(e.epoch, 0), coalesce(e.period, ''), coalesce(e.measure, ''),
			coalesce(e.period_start, 'epoch'), coalesce(e.period_end, 'epoch')
		from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as n (account_id, key_id, limit_id, place)
		join accounts a on a.id = n.account_id
		join account_versions v on v.account_id = a.id
		join limits i on i.id = n.limit_id
		join version_limits l on l.limit_id = i.id and l.kind = 'quota'
			-- A claim puts its bearer on the current version of another tier.
			and l.version_id = case when i.tier_id = v.tier_id then v.version_id
				else (select h.version_id from cohorts h where h.tier_id = i.tier_id and h.head) end
		left join overrides o on o.account_id = a.id and o.limit_id = l.limit_id and not o.ended
			-- One of a tier that the account has left waits for its return.
			and l.tier_id = v.tier_id
		left join lateral (
			select * from quota_ledger q
			where q.account_id = n.account_id and q.key_id = n.key_id and q.limit_id = n.limit_id
			order by q.epoch desc, period_start desc limit $4
		) e on true
		where case when l.subject <> 'key' then n.key_id = 0
			else exists (select from keys k where k.id = n.key_id and k.account_id = a.id)
				or exists (select from identities i where i.id = n.key_id and i.account_id = a.id) end
		order by n.place, e.epoch desc, e.period_start desc`, accounts, ofKeys, limits, entriesRead)
	if err != nil {
		return nil, err
	}
	var all []budget
	var zones zone.Cache
	var b budget
	var e entry
	var timeZone string
	_, err = pgx.ForEachRow(rows, []any{
		&b.Account, &b.Key, &b.Limit, &b.tier, &b.epoch, &timeZone, &b.calendar.BillingDay, &b.period, &b.measure,
		&b.terms.Amount, &b.terms.Mode, &b.terms.GracePercent, &b.terms.GraceSeconds,
		&e.id, &e.epoch, &e.period, &e.measure, &e.Start, &e.End,
	}, func() error {
		if n := len(all); n == 0 || all[n-1].LeaseKey != b.LeaseKey {
			b.calendar.Zone = zones.OrUTC(timeZone)
			all = append(all, b)
		}
		if e.id != 0 {
			to := &all[len(all)-1]
			to.entries = append(to.entries, e)
		}
		return nil
	})
	return all, err
}

func split(keys []wire.LeaseKey) (accounts, ofKeys, limits []int64) {
	for _, k := range keys {
		accounts, ofKeys, limits = append(accounts, int64(k.Account)), append(ofKeys, int64(k.Key)), append(limits, int64(k.Limit))
	}
	return accounts, ofKeys, limits
}

// openBudgets returns the budgets of the quotas with every period in the ledger
// that is needed now. asks says who is about to need the next period.
func (db *DB) openBudgets(ctx context.Context, keys []wire.LeaseKey, asks func(wire.LeaseKey) bool, now time.Time) ([]budget, error) {
	lacking := func(budgets []budget) (lack []wire.LeaseKey) {
		for i := range budgets {
			if _, ok := budgets[i].missing(now, asks(budgets[i].LeaseKey)); ok {
				lack = append(lack, budgets[i].LeaseKey)
			}
		}
		return lack
	}
	budgets, err := readBudgets(ctx, db.pool, keys)
	if err != nil {
		return nil, err
	}
	lack := lacking(budgets)
	if len(lack) == 0 {
		return budgets, nil
	}
	// A transaction of its own, so that nobody waits for a new entry while
	// holding the lock of an old one.
	err = db.inTx(ctx, func(tx pgx.Tx) error { return openPeriods(ctx, tx, lack, asks, now) })
	if err != nil {
		return nil, fmt.Errorf("open periods: %w", err)
	}
	return readBudgets(ctx, db.pool, keys)
}

// openPeriods adds what is missing. The accounts' locks make all who do so for
// an account, and who change its calendar or reset it, queue up: so periods
// never overlap.
func openPeriods(ctx context.Context, tx pgx.Tx, keys []wire.LeaseKey, asks func(wire.LeaseKey) bool, now time.Time) error {
	accounts, _, _ := split(keys)
	if _, err := tx.Exec(ctx, `select from accounts where id = any($1) order by id for no key update`, accounts); err != nil {
		return err
	}
	budgets, err := readBudgets(ctx, tx, keys)
	if err != nil {
		return err
	}
	var opened []wire.LeaseKey
	var epochs []int32
	var periods, measures []string
	var starts, ends []time.Time
	var amounts, leasable []int64
	for i := range budgets {
		b := &budgets[i]
		p, ok := b.missing(now, asks(b.LeaseKey))
		if !ok {
			continue
		}
		opened, epochs = append(opened, b.LeaseKey), append(epochs, b.epoch)
		periods, measures = append(periods, string(b.period)), append(measures, string(b.measure))
		starts, ends = append(starts, p.Start), append(ends, p.End)
		amounts, leasable = append(amounts, int64(b.terms.Amount)), append(leasable, int64(b.terms.Leasable()))
	}
	of, ofKeys, limits := split(opened)
	_, err = tx.Exec(ctx, `
		insert into quota_ledger (account_id, key_id, limit_id, epoch, period, measure, period_start, period_end, amount, leasable)
		select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::timestamptz[],
			$8::timestamptz[], $9::bigint[], $10::bigint[])
		order by 1, 2, 3
		on conflict do nothing`, of, ofKeys, limits, epochs, periods, measures, starts, ends, amounts, leasable)
	return err
}
