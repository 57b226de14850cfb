package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
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
	const narrow = `($3::bigint is null or account_id = $3)`
	args := []any{summed, other, orNull(account)}
	sent := `
		(select coalesce(sum(sent), 0) from cube_reconciled where day = any($1::date[]) and ` + narrow + `) +
		(select coalesce(sum(requests), 0) from sent_usage where day = any($2::date[]) and ` + narrow + `)`
	rolledUp := `
		(select coalesce(sum(by_` + g.String() + `), 0) from cube_reconciled where day = any($1::date[]) and ` + narrow + `) +
		(select coalesce(sum(n.requests), 0) from unnest($2::timestamptz[]) d, lateral ` + rolledUpSQL(g, `d`, narrow) + ` n)`
	if g == controlplane.ByMonth {
		rolledUp = `(select coalesce(sum(requests), 0) from usage_month where bucket >= $4 and bucket < $5 and decision <= 5 and ` + narrow + `)`
		args = append(args, from, end)
	}
	err = tx.QueryRow(ctx, `select (`+sent+`)::bigint, (`+rolledUp+`)::bigint`, args...).Scan(&l.Sent, &l.RolledUp)
	return l, err
}

// rolledUpSQL adds up, by account, the requests of a day that a rollup has of
// Envoys.
func rolledUpSQL(g controlplane.Granularity, day, condition string) string {
	return `(
			select account_id, sum(requests) as requests from usage_` + g.String() + `
			where bucket >= ` + day + ` and bucket < ` + day + ` + interval '1 day' and decision <= 5 and ` + condition + ` group by account_id)`
}
