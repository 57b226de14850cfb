package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/plugin/wire"
)

// QuotaStandings says where accounts stand with the quotas of their tiers in
// the periods that run now, and after these with those of tiers that claims named
// in this period. A quota that each key has to itself is there for the keys that
// have used it in this period.
func (db *DB) QuotaStandings(ctx context.Context, accounts []controlplane.ID, now time.Time) ([]controlplane.QuotaStanding, error) {
	var all []controlplane.QuotaStanding
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			with asked as (
				select a.id, a.epoch, v.tier_id, v.version_id
				from accounts a join account_versions v on v.account_id = a.id where a.id = any($1)
			)
			select a.id, coalesce(q.key_id, 0), l.limit_id, 0 as claimed, l.tier_id, l.position
			from asked a join version_limits l on l.version_id = a.version_id and l.kind = 'quota'
			left join lateral (
				select distinct key_id from quota_ledger q
				where q.account_id = a.id and q.limit_id = l.limit_id and q.key_id <> 0 and q.period_start <= $2 and q.period_end > $2
			) q on l.subject = 'key'
			where l.subject <> 'key' or q.key_id is not null
			union
			select a.id, q.key_id, l.limit_id, 1, l.tier_id, l.position
			from asked a join quota_ledger q on q.account_id = a.id and q.epoch = a.epoch and q.period_start <= $2 and q.period_end > $2
			join version_limits l on l.limit_id = q.limit_id and l.tier_id <> a.tier_id and l.kind = 'quota'
			join cohorts h on h.version_id = l.version_id and h.head
			where exists (select from leases s where s.ledger_id = q.id and s.plan <> 0)
			order by 1, claimed, tier_id, position, 2`, toInt64s(accounts), now)
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k wire.LeaseKey, err error) {
			err = r.Scan(&k.Account, &k.Key, &k.Limit, nil, nil, nil)
			return k, err
		})
		if err != nil {
			return err
		}
		budgets, err := readBudgets(ctx, tx, keys)
		if err != nil {
			return err
		}
		all, err = standings(ctx, tx, budgets, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read quotas: %w", err)
	}
	return all, nil
}

func standings(ctx context.Context, tx pgx.Tx, budgets []budget, now time.Time) ([]controlplane.QuotaStanding, error) {
	var ids []int64
	for i := range budgets {
		if e := budgets[i].current(now); e != nil {
			ids = append(ids, e.id)
		}
	}
	rows, err := tx.Query(ctx, `select id, committed, consumed, written_off, overspent from quota_ledger where id = any($1)`, ids)
	if err != nil {
		return nil, err
	}
	sums := map[int64]quota.Ledger{}
	var id int64
	var g quota.Ledger
	_, err = pgx.ForEachRow(rows, []any{&id, &g.Committed, &g.Consumed, &g.WrittenOff, &g.Overspent}, func() error {
		sums[id] = g
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]controlplane.QuotaStanding, len(budgets))
	for i := range budgets {
		b := &budgets[i]
		s := controlplane.QuotaStanding{
			AccountID: controlplane.ID(b.Account), KeyID: controlplane.ID(b.Key), LimitID: controlplane.ID(b.Limit), TierID: b.tier, Amount: int64(b.terms.Amount),
		}
		if e := b.current(now); e != nil {
			g := sums[e.id]
			s.PeriodStart, s.PeriodEnd = e.Start.UTC(), e.End.UTC()
			s.Consumed, s.Outstanding = int64(g.Consumed), int64(g.Outstanding())
			s.WrittenOff, s.Overspent = int64(g.WrittenOff), int64(g.Overspent)
		} else if p, ok := b.missing(now, false); ok {
			s.PeriodStart, s.PeriodEnd = p.Start, p.End
		} else {
			p := b.calendar.At(b.period, now)
			s.PeriodStart, s.PeriodEnd = p.Start, p.End
		}
		all[i] = s
	}
	return all, nil
}
