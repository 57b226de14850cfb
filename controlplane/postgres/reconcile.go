package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
)

// addSent adds to what sources sent, in the order in which it is given.
func addSent(ctx context.Context, tx pgx.Tx, sent []usage.Sent) error {
	if len(sent) == 0 {
		return nil
	}
	var days []time.Time
	var accounts, requests []int64
	var sources [][16]byte
	for _, s := range sent {
		days, accounts, sources, requests = append(days, s.Day), append(accounts, int64(s.Account)), append(sources, s.Source), append(requests, s.Requests)
	}
	_, err := tx.Exec(ctx, `
		insert into sent_usage as s (day, account_id, source, requests)
		select * from unnest($1::date[], $2::bigint[], $3::uuid[], $4::bigint[])
		on conflict (day, account_id, source) do update set requests = s.requests + excluded.requests`, days, accounts, sources, requests)
	if err != nil {
		return fmt.Errorf("note what was sent: %w", err)
	}
	return nil
}

// ForgetSent adds up, day by day, what sources sent that ended before a time: what
// accounts sent is kept for ever, and what each source sent is not. When another
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
				delete from sent_usage where source = any($1) returning day, account_id, source, requests
			), counted as (
				update sources s set forgotten_requests = s.forgotten_requests + g.requests
				from (select source, sum(requests)::bigint as requests from gone group by source) g where s.source = g.source
			)
			insert into sent_usage as s (day, account_id, source, requests)
			select day, account_id, $2, sum(requests)::bigint from gone group by day, account_id order by 1, 2
			on conflict (day, account_id, source) do update set requests = s.requests + excluded.requests`, ids, [16]byte{})
		return err
	})
	if err != nil {
		return fmt.Errorf("forget what sources sent: %w", err)
	}
	return nil
}

// forgetLock is the advisory lock of the one who forgets what sources sent.
const forgetLock = 0x77656972_73656e74
