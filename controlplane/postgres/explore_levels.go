package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
)

// ReconcileLevels compares what was sent with each rollup, over those whole days
// (or whole months) of a range that it has.
func (db *DB) ReconcileLevels(ctx context.Context, from, to time.Time, account controlplane.ID) ([]controlplane.ReconciledLevel, error) {
	var levels []controlplane.ReconciledLevel
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		kept, err := keptOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, g := range controlplane.Granularities {
			l, err := reconcileLevel(ctx, tx, g, later(from, kept[g]), to.AddDate(0, 0, 1), account)
			if err != nil {
				return fmt.Errorf("reconcile the %s: %w", g, err)
			}
			levels = append(levels, l)
		}
		return nil
	})
	return levels, tooLarge(err)
}

func reconcileLevel(ctx context.Context, tx pgx.Tx, g controlplane.Granularity, from, end time.Time, account controlplane.ID) (controlplane.ReconciledLevel, error) {
	l := controlplane.ReconciledLevel{Granularity: g}
	whole := controlplane.ByDay
	if g == controlplane.ByMonth {
		whole = controlplane.ByMonth
	}
	if begin := whole.Truncate(from); begin.Before(from) {
		from = whole.Next(begin)
	}
	end = whole.Truncate(end)
	if !from.Before(end) {
		return l, nil
	}
	last := end.AddDate(0, 0, -1)
	l.From, l.To = &from, &last
	summed, other, err := summedDays(ctx, tx, controlplane.Range{From: from, To: end})
	if err != nil {
		return l, err
	}
	if err := sentOn(ctx, tx, &l, g, summed, other, account); err != nil || g == controlplane.ByMonth {
		if err == nil {
			err = tx.QueryRow(ctx, `
				select coalesce(sum(requests), 0)::bigint from usage_month
				where bucket >= $1 and bucket < $2 and decision <= 5 and ($3::bigint is null or account_id = $3)`, from, end, orNull(account)).Scan(&l.RolledUp)
		}
		return l, err
	}
	rolledUp, err := rolledUpOn(ctx, tx, g, other, account)
	l.RolledUp += rolledUp
	return l, err
}

// sentOn reads what was sent, and of the days that have been summed up what is in a
// rollup; months are not among those.
func sentOn(ctx context.Context, tx pgx.Tx, l *controlplane.ReconciledLevel, g controlplane.Granularity, summed, other []time.Time, account controlplane.ID) error {
	table, narrow := `cube_reconciled_day`, `$3::bigint is null`
	if account != 0 {
		table, narrow = `cube_reconciled`, `account_id = $3`
	}
	rolledUp := `0`
	if g != controlplane.ByMonth {
		rolledUp = `by_` + g.String()
	}
	return tx.QueryRow(ctx, `
		select (n.sent + (select coalesce(sum(requests), 0) from sent_usage where day = any($2::date[]) and `+narrow+`))::bigint, n.rolled_up::bigint
		from (select coalesce(sum(sent), 0) as sent, coalesce(sum(`+rolledUp+`), 0) as rolled_up from `+table+` where day = any($1::date[]) and `+narrow+`) n`,
		summed, other, orNull(account)).Scan(&l.Sent, &l.RolledUp)
}

// rolledUpOn adds up the requests of Envoys that a rollup has on some days, from
// packs where there are any.
func rolledUpOn(ctx context.Context, tx pgx.Tx, g controlplane.Granularity, days []time.Time, account controlplane.ID) (sum int64, err error) {
	var p explore.Plan
	for _, day := range days {
		p.Parts = append(p.Parts, explore.Part{Level: g, Range: controlplane.Range{From: day, To: day.AddDate(0, 0, 1)}})
	}
	var f controlplane.UsageFilter
	if account != 0 {
		f.Accounts = []controlplane.ID{account}
	} else if len(days) > 0 {
		built, err := builtIn(ctx, tx, p.Parts)
		if err != nil {
			return 0, err
		}
		p = p.InPacks(built, explore.NeedOf(nil, f, false))
	}
	packed, rest := p.Split()
	fold := explore.NewFold(p, nil, f, nil, false)
	if err := readPacks(ctx, tx, packed.Parts, false, fold.Add); err != nil {
		return 0, err
	}
	fold.Each(func(_, _ int, t controlplane.Totals) { sum += t.Requests - t.Corrected - t.Imported })
	if len(rest.Parts) == 0 {
		return sum, nil
	}
	var more int64
	s := newScan(rest, f, nil)
	err = tx.QueryRow(ctx, `select coalesce(sum(requests), 0)::bigint from (`+s.usage(`requests, decision`)+`) u where decision <= 5`, s.args...).Scan(&more)
	return sum + more, err
}

// rolledUpSQL adds up, by account, the requests of a day that a rollup has of
// Envoys.
func rolledUpSQL(g controlplane.Granularity, day, condition string) string {
	return `(
			select account_id, sum(requests) as requests from usage_` + g.String() + `
			where bucket >= ` + day + ` and bucket < ` + day + ` + interval '1 day' and decision <= 5 and ` + condition + ` group by account_id)`
}

// HaveZone says whether all of some accounts, at least one, have a time zone other
// than UTC: such are asked for in the days that they had.
func (db *DB) HaveZone(ctx context.Context, accounts []controlplane.ID, zone string) (bool, error) {
	if len(accounts) == 0 || zone == time.UTC.String() {
		return false, nil
	}
	have, err := one[struct{ All bool }](ctx, db.pool, `
		select not exists (select from unnest($1::bigint[]) asked (id) left join accounts a using (id) where a.time_zone is distinct from $2)`,
		toInt64s(accounts), zone)
	if err != nil {
		return false, fmt.Errorf("read the accounts' time zones: %w", err)
	}
	return have.All, nil
}
