package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
)

// addSent adds to what sources sent: by account, and by source. The two orders are
// those of all writers.
func addSent(ctx context.Context, tx pgx.Tx, sent []usage.Sent) error {
	if len(sent) == 0 {
		return nil
	}
	var accounts sentSums[int64]
	var sources sentSums[[16]byte]
	for _, s := range sent {
		accounts.add(s.Day, int64(s.Account), s.Requests)
		sources.add(s.Day, s.Source, s.Requests)
	}
	var both pgx.Batch
	both.Queue(`
		insert into sent_usage as s (day, account_id, requests)
		select day, account_id, sum(requests) from unnest($1::date[], $2::bigint[], $3::bigint[]) as t (day, account_id, requests)
		group by day, account_id order by day, account_id
		on conflict (day, account_id) do update set requests = s.requests + excluded.requests`, accounts.days, accounts.of, accounts.requests)
	both.Queue(`
		insert into sent_source as s (day, source, requests)
		select day, source, least(sum(requests), 9223372036854775807) from unnest($1::date[], $2::uuid[], $3::bigint[]) as t (day, source, requests)
		group by day, source order by day, source
		on conflict (day, source) do update set -- stays at its maximum, as what is committed of a source does
			requests = s.requests + least(excluded.requests, 9223372036854775807 - s.requests)`, sources.days, sources.of, sources.requests)
	if err := tx.SendBatch(ctx, &both).Close(); err != nil {
		return fmt.Errorf("note what was sent: %w", err)
	}
	return nil
}

// sentSums is columns of days, whose requests they are, and how many. Neighbours
// that are alike are one row.
type sentSums[K comparable] struct {
	days     []time.Time
	of       []K
	requests []int64
}

func (s *sentSums[K]) add(day time.Time, of K, requests int64) {
	if last := len(s.of) - 1; last >= 0 && s.of[last] == of && s.days[last].Equal(day) {
		s.requests[last] += requests
		return
	}
	s.days, s.of, s.requests = append(s.days, day), append(s.of, of), append(s.requests, requests)
}

// ForgetSent adds up what sources sent that ended before a time: what a source sent
// on which day is not kept for ever, and what accounts sent is. When another
// process is at it, it does nothing.
func (db *DB) ForgetSent(ctx context.Context, before time.Time) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, `select pg_try_advisory_xact_lock($1)`, int64(forgetLock)).Scan(&alone); err != nil || !alone {
			return err
		}
		// Locked first, as a commit does, so that nothing of them is added meanwhile.
		ended, err := list[struct{ ID [16]byte }](ctx, tx, `
			select source from sources where ended_at < $1 and forgotten_requests < committed_requests
			order by source limit 100 for update skip locked`, before)
		if err != nil || len(ended) == 0 {
			return err
		}
		ids := make([][16]byte, len(ended))
		for i, e := range ended {
			ids[i] = e.ID
		}
		_, err = tx.Exec(ctx, `
			with gone as (
				delete from sent_source where source = any($1) returning source, requests
			)
			update sources s set forgotten_requests = least(s.forgotten_requests + g.requests, 9223372036854775807)
			from (select source, sum(requests) as requests from gone group by source) g where s.source = g.source`, ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget what sources sent: %w", err)
	}
	return nil
}

// forgetLock is the advisory lock of the one who forgets what sources sent.
const forgetLock = 0x77656972_73656e74
