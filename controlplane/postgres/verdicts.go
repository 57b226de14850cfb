package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
)

// queueVerdicts adds rows, in their order, to a rollup of verdicts.
func queueVerdicts(batch *pgx.Batch, l usage.Level, rows []usage.VerdictRow) {
	if len(rows) == 0 {
		return
	}
	var buckets []time.Time
	var limits, accounts, requests, amounts []int64
	var verdicts []int16
	for i := range rows {
		r := &rows[i]
		buckets, limits, accounts = append(buckets, time.Unix(r.Minute*60, 0)), append(limits, int64(r.Limit)), append(accounts, int64(r.Account))
		verdicts, requests, amounts = append(verdicts, int16(r.Verdict)), append(requests, r.Requests), append(amounts, r.Amount)
	}
	batch.Queue(`
		insert into verdict_`+l.String()+` as v (bucket, limit_id, account_id, verdict, requests, amount)
		select * from unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[])
		on conflict (bucket, limit_id, account_id, verdict) do update
		set requests = v.requests + excluded.requests, amount = v.amount + excluded.amount`,
		buckets, limits, accounts, verdicts, requests, amounts)
}

// verdictColumns sums rollup rows into controlplane.VerdictTotals.
const verdictColumns = `
	coalesce(sum(requests) filter (where verdict = 1), 0)::bigint,
	coalesce(sum(requests) filter (where verdict = 2), 0)::bigint,
	coalesce(sum(amount) filter (where verdict = 2), 0)::bigint,
	coalesce(sum(requests) filter (where verdict = 3), 0)::bigint,
	coalesce(sum(requests) filter (where verdict = 4), 0)::bigint`

func verdictTotals(t *controlplane.VerdictTotals) []any {
	return []any{&t.Denied, &t.Over, &t.OverAmount, &t.Shadowed, &t.FailedOpen}
}

// LimitSeries returns what a limit did in each bucket of the range, of those in
// which it did something.
func (db *DB) LimitSeries(ctx context.Context, limit controlplane.ID, g controlplane.Granularity, r controlplane.Range) (map[time.Time]controlplane.VerdictTotals, error) {
	rows, err := db.pool.Query(ctx, `
		select bucket, `+verdictColumns+` from verdict_`+g.String()+`
		where limit_id = $1 and bucket >= $2 and bucket < $3 group by bucket`, limit, r.From, r.To)
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	series := map[time.Time]controlplane.VerdictTotals{}
	var bucket time.Time
	var t controlplane.VerdictTotals
	_, err = pgx.ForEachRow(rows, append([]any{&bucket}, verdictTotals(&t)...), func() error {
		series[bucket.UTC()] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read verdicts: %w", err)
	}
	return series, nil
}

// LimitAccounts returns the accounts that a limit affected most in the range.
func (db *DB) LimitAccounts(ctx context.Context, limit controlplane.ID, r controlplane.Range, first int) ([]controlplane.AccountEffect, error) {
	from, args := verdictStretches(r, ` and limit_id = `, limit)
	rows, err := db.pool.Query(ctx, `
		select account_id, `+verdictColumns+` from (`+from+`) v group by account_id
		order by sum(requests) desc, account_id limit `+strconv.Itoa(first), args...)
	if err != nil {
		return nil, fmt.Errorf("rank affected accounts: %w", err)
	}
	effects, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e controlplane.AccountEffect, err error) {
		err = row.Scan(append([]any{&e.AccountID}, verdictTotals(&e.Totals)...)...)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("rank affected accounts: %w", err)
	}
	return effects, nil
}

// LimitActivity returns what each limit that exists did in the range, if
// anything, most first. Zero in tier or account does not narrow.
func (db *DB) LimitActivity(ctx context.Context, r controlplane.Range, tier, account controlplane.ID, first int) ([]controlplane.LimitActivity, error) {
	from, args := verdictStretches(r, "", nil)
	if account != 0 {
		from, args = verdictStretches(r, ` and account_id = `, account)
	}
	wanted := `$` + strconv.Itoa(len(args)+1)
	var activity []controlplane.LimitActivity
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		// By account first: counting the accounts of each limit would sort all rows.
		rows, err := tx.Query(ctx, `
			select limit_id, `+verdictColumns+`, count(distinct account_id)
			from (select limit_id, account_id, verdict, sum(requests) as requests, sum(amount) as amount from (`+from+`) v group by limit_id, account_id, verdict) v
			where exists (select from limits l where l.id = limit_id and (`+wanted+` = 0 or l.tier_id = `+wanted+`))
			group by limit_id order by sum(requests) desc, limit_id limit `+strconv.Itoa(first), append(args, tier)...)
		if err != nil {
			return err
		}
		activity, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a controlplane.LimitActivity, err error) {
			err = row.Scan(append(append([]any{&a.LimitID}, verdictTotals(&a.Totals)...), &a.Accounts)...)
			return a, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("total verdicts by limit: %w", err)
	}
	return activity, nil
}

// verdictStretches is stretches for verdicts, with one more condition that ends
// before its value; nil leaves it out.
func verdictStretches(r controlplane.Range, condition string, value any) (sql string, args []any) {
	var parts []string
	for _, s := range controlplane.Stretches(r) {
		n := len(args)
		part := `select limit_id, account_id, verdict, requests, amount from verdict_` + s.Granularity.String() +
			` where bucket >= $` + strconv.Itoa(n+1) + ` and bucket < $` + strconv.Itoa(n+2)
		args = append(args, s.From, s.To)
		if value != nil {
			part += condition + `$` + strconv.Itoa(n+3)
			args = append(args, value)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " union all "), args
}
