package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// reconciledRows compares each account and day of a range; $1 and $2 are its
// first day and the one after its last, $3 an account or null.
const reconciledRows = `
	with sent as (
		select day, account_id, sum(requests) as sent from sent_usage
		where day >= $1::date and day < $2::date and ($3::bigint is null or account_id = $3)
		group by day, account_id
	), rolled as (
		select bucket::date as day, account_id,
			coalesce(sum(requests) filter (where decision <= 5), 0) as rolled_up,
			coalesce(sum(requests) filter (where decision = 6), 0) as corrected,
			coalesce(sum(requests) filter (where decision = 7), 0) as imported
		from usage_day where bucket >= $1::timestamptz and bucket < $2::timestamptz and ($3::bigint is null or account_id = $3)
		group by bucket, account_id
	), compared as (
		select day, account_id, coalesce(sent, 0) as sent, coalesce(rolled_up, 0) as rolled_up,
			coalesce(corrected, 0) as corrected, coalesce(imported, 0) as imported
		from sent full join rolled using (day, account_id)
	)`

// Reconcile compares what was sent with what is in the rollups by the day, from a
// day to another, both inclusive; account 0 is all of them. It returns the rows
// after the first so many, at most first of them.
func (db *DB) Reconcile(ctx context.Context, from, to time.Time, account controlplane.ID, after, first int) (*controlplane.Reconciliation, error) {
	r := &controlplane.Reconciliation{From: from, To: to, AccountID: account, After: after}
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		args := []any{from, to.AddDate(0, 0, 1), orNull(account)}
		err := tx.QueryRow(ctx, reconciledRows+`
			select coalesce(sum(sent), 0)::bigint, coalesce(sum(rolled_up), 0)::bigint, coalesce(sum(corrected), 0)::bigint,
				coalesce(sum(imported), 0)::bigint, count(*), count(*) filter (where sent <> rolled_up)
			from compared`, args...).Scan(&r.Totals.Sent, &r.Totals.RolledUp, &r.Totals.Corrected, &r.Totals.Imported, &r.RowCount, &r.Differing)
		if err != nil {
			return fmt.Errorf("reconcile usage: %w", err)
		}
		rows, err := tx.Query(ctx, reconciledRows+`
			select day, account_id, sent::bigint, rolled_up::bigint, corrected::bigint, imported::bigint from compared
			order by sent <> rolled_up desc, day desc, sent desc, account_id limit `+strconv.Itoa(first)+` offset `+strconv.Itoa(after), args...)
		if err != nil {
			return fmt.Errorf("reconcile usage: %w", err)
		}
		r.Rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n controlplane.ReconciliationRow, err error) {
			err = row.Scan(&n.Date, &n.AccountID, &n.Figures.Sent, &n.Figures.RolledUp, &n.Figures.Corrected, &n.Figures.Imported)
			return n, err
		})
		if err != nil {
			return fmt.Errorf("reconcile usage: %w", err)
		}
		return nil
	})
	return r, tooLarge(err)
}

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
	err := tx.QueryRow(ctx, `
		select
			(select coalesce(sum(requests), 0)::bigint from sent_usage
			 where day >= $1::date and day < $2::date and ($3::bigint is null or account_id = $3)),
			(select coalesce(sum(requests), 0)::bigint from usage_`+g.String()+`
			 where bucket >= $1::timestamptz and bucket < $2::timestamptz and decision <= 5 and ($3::bigint is null or account_id = $3))`,
		from, end, orNull(account)).Scan(&l.Sent, &l.RolledUp)
	return l, err
}

// ReconcileSources returns what the sources of a range sent, those first of which
// the rollups have more or less.
func (db *DB) ReconcileSources(ctx context.Context, from, to time.Time, first int) ([]controlplane.ReconciledSource, error) {
	rows, err := db.pool.Query(ctx, `
		with ranged as (
			select source, sum(requests) as sent from sent_usage where day between $1::date and $2::date group by source
		), ever as (
			select source, sum(requests) as sent from sent_usage where source in (select source from ranged) group by source
		)
		select s.source, s.node, r.sent::bigint, (e.sent + s.forgotten_requests)::bigint, s.counted, s.committed_requests, s.last_at, s.ended_at is not null
		from ranged r join ever e using (source) join sources s using (source)
		order by e.sent + s.forgotten_requests <> s.committed_requests desc, r.sent desc, s.source limit $3`, from, to, first)
	if err != nil {
		return nil, fmt.Errorf("reconcile sources: %w", err)
	}
	sources, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s controlplane.ReconciledSource, err error) {
		var id [16]byte
		err = row.Scan(&id, &s.Node, &s.Sent, &s.SentEver, &s.Counted, &s.Committed, &s.LastSeenAt, &s.Ended)
		s.ID = id
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("reconcile sources: %w", err)
	}
	return sources, nil
}

// UnaccountedUsage returns usage that went missing, newest first, that after the
// given one (0: from the newest), and whether there is more. Nil in open does not
// narrow.
func (db *DB) UnaccountedUsage(ctx context.Context, open *bool, after controlplane.ID, first int) ([]controlplane.UnaccountedUsage, bool, error) {
	rows, err := db.pool.Query(ctx, `
		select id, kind, source, node, counted_from, counted_until, at_least, at_most, batches, found_at, resolved_at
		from unaccounted where ($1 = 0 or id < $1) and ($2::boolean is null or (resolved_at is null) = $2)
		order by id desc limit $3`, after, open, first+1)
	if err != nil {
		return nil, false, fmt.Errorf("list unaccounted usage: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u controlplane.UnaccountedUsage, err error) {
		var source [16]byte
		err = row.Scan(&u.ID, &u.Kind, &source, &u.Node, &u.From, &u.Until, &u.AtLeast, &u.AtMost, &u.Batches, &u.FoundAt, &u.ResolvedAt)
		u.Source = source
		return u, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list unaccounted usage: %w", err)
	}
	page, more := pageOf(found, first)
	return page, more, nil
}

// Corrections returns changes of past usage, newest first, those after the given
// one (0: from the newest), and whether there are more. Account 0 is all of them.
func (db *DB) Corrections(ctx context.Context, account, after controlplane.ID, first int) ([]controlplane.Correction, bool, error) {
	found, err := list[controlplane.Correction](ctx, db.pool, `
		select `+correctionColumns+`
		from corrections where ($1 = 0 or account_id = $1) and ($2 = 0 or id < $2) order by id desc limit $3`, account, after, first+1)
	if err != nil {
		return nil, false, fmt.Errorf("list corrections: %w", err)
	}
	page, more := pageOf(found, first)
	return page, more, nil
}

// pageOf cuts off what was read only to know whether there is more.
func pageOf[T any](found []T, first int) ([]T, bool) {
	if len(found) > first {
		return found[:first], true
	}
	return found, false
}
