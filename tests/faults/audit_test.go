package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const usageSums = `sum(requests) as requests, sum(shadowed) as shadowed, sum(late) as late, sum(cost) as cost,
	sum(bytes_in) as bytes_in, sum(bytes_out) as bytes_out, sum(duration_us) as duration_us`
const usageDims = `account_id, key_id, endpoint_id, tier_id, status, decision`
const meterSums = `sum(requests) as requests, sum(amount) as amount, sum(corrected) as corrected`
const meterDims = `account_id, key_id, endpoint_id, tier_id, meter_id`

// levels are each a level with what it has to be the sum of. A bucket of the
// finer one is put into its own by an expression.
var levels = []struct{ name, coarse, fine, bucket, dims, sums string }{
	{"hours", "usage_hour", "usage_minute", "date_trunc('hour', bucket, 'UTC')", usageDims, usageSums},
	{"days", "usage_day", "usage_hour", "date_trunc('day', bucket, 'UTC')", usageDims, usageSums},
	{"months", "usage_month", "usage_day", "date_trunc('month', bucket, 'UTC')", usageDims, usageSums},
	{"local days", "usage_local_day", localMinutes, "date_trunc('day', bucket at time zone zone) at time zone 'UTC'", usageDims, usageSums},
	{"local months", "usage_local_month", localMinutes, "date_trunc('month', bucket at time zone zone) at time zone 'UTC'", usageDims, usageSums},
	{"hours of meters", "meter_hour", "meter_minute", "date_trunc('hour', bucket, 'UTC')", meterDims, meterSums},
	{"days of meters", "meter_day", "meter_hour", "date_trunc('day', bucket, 'UTC')", meterDims, meterSums},
	{"months of meters", "meter_month", "meter_day", "date_trunc('month', bucket, 'UTC')", meterDims, meterSums},
}

// localMinutes are minutes with the time zone of their account.
const localMinutes = `(select u.*, coalesce(a.time_zone, 'UTC') as zone from usage_minute u left join accounts a on a.id = u.account_id)`

// reconciliations count what must not be there.
var reconciliations = []struct{ what, sql string }{
	{"accounts and days of which the sources sent something else", `
		select count(*) from (
			select day, account_id, requests as n from sent_usage
		) s full join (
			select (bucket at time zone 'UTC')::date as day, account_id, sum(requests) as n from usage_day group by 1, 2
		) u using (day, account_id) where s.n is distinct from u.n`},
	{"sources of which something else is committed than they sent", `
		select count(*) from sources left join (select source, sum(requests) as n from sent_source group by 1) s using (source)
		where committed_requests <> coalesce(n, 0) + forgotten_requests`},
	{"sources that counted something else than is committed of them", `
		select count(*) from sources where ended_at is null and batch_counted <> committed_requests`},
	{"sources with batches that wait for one before them", `select count(*) from sources where ended_at is null and ahead <> '{}'`},
}

// connect opens the database directly, past all faults.
func (w *world) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, w.database.url())
}

// audit returns what the database has that can't be so.
func audit(ctx context.Context, conn *pgx.Conn) (faults []string, err error) {
	for _, l := range levels {
		fine := fmt.Sprintf("select %s as bucket, %s, %s from %s f group by 1, %s", l.bucket, l.dims, l.sums, l.fine, l.dims)
		coarse := fmt.Sprintf("select bucket, %s, %s from %s group by 1, %[1]s having sum(requests) <> 0", l.dims, l.sums, l.coarse)
		var n int
		err := conn.QueryRow(ctx, fmt.Sprintf("with f as (%s), c as (%s) select count(*) from ((table f except table c) union all (table c except table f)) d", fine, coarse)).Scan(&n)
		if err != nil {
			return nil, fmt.Errorf("add up %s: %w", l.name, err)
		}
		if n > 0 {
			faults = append(faults, fmt.Sprintf("%d rows of %s are not the sum of the level below", n, l.name))
		}
	}
	for _, r := range reconciliations {
		var n int
		if err := conn.QueryRow(ctx, r.sql).Scan(&n); err != nil {
			return nil, fmt.Errorf("count %s: %w", r.what, err)
		}
		if n > 0 {
			faults = append(faults, fmt.Sprintf("%d %s", n, r.what))
		}
	}
	return faults, nil
}

// drainWithin is when everything has to be committed. The stream itself takes up
// to 30 s to give a batch out again that a killed control plane had taken.
const drainWithin = 90 * time.Second

// drain waits until the database has as many requests as clients saw, compares
// both, and returns the differences.
func (w *world) drain(ctx context.Context) (differences []string, err error) {
	conn, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	draining, cancel := context.WithTimeout(ctx, w.drainWithin)
	defer cancel()
	var requests, tokens int64
	var failed error
	_ = poll(draining, func() bool { // out of time is a difference
		failed = conn.QueryRow(ctx, `select (select coalesce(sum(requests), 0)::bigint from usage_minute), (select coalesce(sum(requests), 0)::bigint from meter_minute)`).Scan(&requests, &tokens)
		return failed != nil || requests >= w.truth.total()
	})
	if failed != nil {
		return nil, failed
	}
	return w.differences(ctx, conn)
}

// differences are those between the database and what clients saw, and within it.
func (w *world) differences(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	f, err := w.read(ctx, conn)
	if err != nil {
		return nil, err
	}
	differences := w.truth.compare(f)
	faults, err := audit(ctx, conn)
	if err != nil {
		return nil, err
	}
	var unaccounted int
	if err := conn.QueryRow(ctx, `select count(*) from unaccounted where resolved_at is null`).Scan(&unaccounted); err != nil {
		return nil, err
	}
	if unaccounted > w.lost {
		faults = append(faults, fmt.Sprintf("%d rows of unaccounted usage where there should be %d", unaccounted, w.lost))
	}
	return append(differences, faults...), nil
}

// told is differences in one text.
func told(differences []string) string {
	if len(differences) > maxDifferences {
		differences = append(differences[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", len(differences)-maxDifferences))
	}
	return "\n\t" + strings.Join(differences, "\n\t")
}
