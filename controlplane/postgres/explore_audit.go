package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
)

// Reconcile compares what was sent with what is in the rollups by the day, from a
// day to another, both inclusive; account 0 is all of them. It returns at most first
// rows, those after the given place, or from the beginning for nil.
func (db *DB) Reconcile(ctx context.Context, from, to time.Time, account controlplane.ID, after *controlplane.ReconciledPlace, first int) (*controlplane.Reconciliation, error) {
	r := &controlplane.Reconciliation{From: from, To: to, AccountID: account}
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		summed, other, err := summedDays(ctx, tx, controlplane.Range{From: from, To: to.AddDate(0, 0, 1)})
		if err != nil {
			return err
		}
		place := controlplane.ReconciledPlace{Differs: true, Date: to.AddDate(0, 0, 1)} // before the first row
		if after != nil {
			place = *after
		}
		rows, err := tx.Query(ctx, reconciledSQL(account, place.Differs, first+1), summed, other, orNull(account), place.Date, place.AccountID)
		if err != nil {
			return err
		}
		return readReconciled(rows, r)
	})
	r.Rows, r.More = pageOf(r.Rows, first)
	if err != nil {
		return r, tooLarge(fmt.Errorf("reconcile usage: %w", err))
	}
	return r, nil
}

// readReconciled reads rows with the totals beside each; beyond the last page there
// is one that has nothing else.
func readReconciled(rows pgx.Rows, r *controlplane.Reconciliation) error {
	var day *time.Time
	var account, sent, rolledUp, corrected, imported *int64
	t := &r.Totals
	into := []any{&r.RowCount, &r.Differing, &t.Sent, &t.RolledUp, &t.Corrected, &t.Imported, &day, &account, &sent, &rolledUp, &corrected, &imported}
	_, err := pgx.ForEachRow(rows, into, func() error {
		if day == nil {
			return nil
		}
		n := controlplane.ReconciliationRow{Date: *day, AccountID: controlplane.ID(*account)}
		n.Figures.Sent, n.Figures.RolledUp, n.Figures.Corrected, n.Figures.Imported = *sent, *rolledUp, *corrected, *imported
		r.Rows = append(r.Rows, n)
		return nil
	})
	return err
}

// reconciledSQL compares the days $1, which have been summed up, and $2, which are
// read from the rollups, of account $3. The page is that after the row of day $4 and
// account $5, which differs or does not. Of the days that were summed up it reads no
// more rows than the page can have.
func reconciledSQL(account controlplane.ID, differs bool, first int) string {
	narrow, days := `$3::bigint is null`, `select rows, differing, sent, by_day, corrected, imported from cube_reconciled_day where day = any($1::date[])`
	if account != 0 {
		narrow = `account_id = $3`
		days = `select 1, (sent <> by_day)::int, sent, by_day, corrected, imported from cube_reconciled where day = any($1::date[]) and ` + narrow
	}
	page := `select day, account_id, sent, by_day as rolled_up, corrected, imported from cube_reconciled where day = any($1::date[]) and ` + narrow
	const beyond = `(day, account_id) < ($4::date, $5::bigint)`
	differing, equal := `false`, beyond
	if differs {
		differing, equal = beyond, `true`
	}
	return `
		with other (day, account_id, sent, rolled_up, corrected, imported) as materialized (` + comparedSQL(`$2`, narrow) + `
		), totals as (
			select sum(rows) as rows, sum(differing) as differing, sum(sent) as sent, sum(rolled_up) as rolled_up, sum(corrected) as corrected, sum(imported) as imported
			from (
				` + days + `
				union all
				select count(*), count(*) filter (where sent <> rolled_up), sum(sent), sum(rolled_up), sum(corrected), sum(imported) from other
			) d (rows, differing, sent, rolled_up, corrected, imported)
		), page as (
			(` + page + ` and sent <> by_day and ` + differing + `)
			union all
			(` + page + ` and sent = by_day and ` + equal + ` order by day desc, account_id desc limit ` + strconv.Itoa(first) + `)
			union all
			select * from other where case when sent <> rolled_up then ` + differing + ` else ` + equal + ` end
		)
		select t.rows::bigint, t.differing::bigint, coalesce(t.sent, 0)::bigint, coalesce(t.rolled_up, 0)::bigint, coalesce(t.corrected, 0)::bigint, coalesce(t.imported, 0)::bigint, p.*
		from totals t left join (
			select * from page order by sent <> rolled_up desc, day desc, account_id desc limit ` + strconv.Itoa(first) + `
		) p on true order by p.sent <> p.rolled_up desc, p.day desc, p.account_id desc`
}

// summedDays tells the days of a range that have been summed up from those that
// have not.
func summedDays(ctx context.Context, tx pgx.Tx, r controlplane.Range) (summed, other []time.Time, err error) {
	built, err := builtIn(ctx, tx, []explore.Part{{Level: controlplane.ByDay, Range: r}})
	if err != nil {
		return nil, nil, err
	}
	summed, other = []time.Time{}, []time.Time{}
	for day := r.From; day.Before(r.To); day = day.AddDate(0, 0, 1) {
		if built[controlplane.ByDay][day.Unix()] {
			summed = append(summed, day)
		} else {
			other = append(other, day)
		}
	}
	return summed, other, nil
}

// comparedSQL compares some days, given as an array, in the rollup itself.
func comparedSQL(days, condition string) string {
	return `
		select coalesce(s.day, u.day), coalesce(s.account_id, u.account_id), coalesce(sent, 0)::bigint,
			coalesce(rolled_up, 0)::bigint, coalesce(corrected, 0)::bigint, coalesce(imported, 0)::bigint
		from (
			select day, account_id, requests as sent from sent_usage where day = any(` + days + `::date[]) and ` + condition + `
		) s full join (
			select (bucket at time zone 'UTC')::date as day, account_id,
				sum(requests) filter (where decision <= 5) as rolled_up,
				sum(requests) filter (where decision = 6) as corrected,
				sum(requests) filter (where decision = 7) as imported
			from usage_day where bucket = any(` + days + `::timestamptz[]) and ` + condition + ` group by bucket, account_id
		) u on s.day = u.day and s.account_id = u.account_id`
}

// ReconcileSources returns what the sources of a range sent, those first of which
// the rollups have more or less.
func (db *DB) ReconcileSources(ctx context.Context, from, to time.Time, first int) ([]controlplane.ReconciledSource, error) {
	rows, err := db.pool.Query(ctx, `
		with ranged as (
			select source, least(sum(requests), 9223372036854775807) as sent from sent_source where day between $1::date and $2::date group by source
		), ever as (
			select source, least(sum(requests) + forgotten_requests, 9223372036854775807) as sent
			from sent_source join sources using (source) where source in (select source from ranged) group by source, forgotten_requests
		)
		select s.source, s.node, r.sent::bigint, e.sent::bigint, s.counted, s.committed_requests, s.last_at, s.ended_at is not null
		from ranged r join ever e using (source) join sources s using (source)
		order by e.sent <> s.committed_requests desc, r.sent desc, s.source limit $3`, from, to, first)
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
		select `+unaccountedColumns+`
		from unaccounted where ($1::bigint = 0 or id < $1) and ($2::boolean is null or (resolved_at is null) = $2)
		order by id desc limit $3`, after, open, first+1)
	if err != nil {
		return nil, false, fmt.Errorf("list unaccounted usage: %w", err)
	}
	found, err := unaccountedOf(rows)
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
		from corrections where ($1::bigint = 0 or account_id = $1) and ($2::bigint = 0 or id < $2) order by id desc limit $3`, account, after, first+1)
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
