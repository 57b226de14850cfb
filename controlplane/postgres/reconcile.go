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
