package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/plugin/wire"
)

// liveColumns sums rollup rows into live.Counts.
const liveColumns = `
	sum(u.requests)::bigint,
	coalesce(sum(u.requests) filter (where u.decision = 1), 0)::bigint,
	coalesce(sum(u.requests) filter (where u.decision = 2), 0)::bigint,
	coalesce(sum(u.requests) filter (where u.decision > 5), 0)::bigint,
	sum(u.bytes_in)::bigint, sum(u.bytes_out)::bigint`

// announcedWithin is of which sources a base for live figures says what is committed:
// no announcement is on its way for so long.
const announcedWithin = time.Hour

// LiveBase is [live.Store.LiveBase]. It reads everything in one snapshot and one
// round trip.
func (db *DB) LiveBase(ctx context.Context, w live.Wanted) (live.Base, error) {
	base := live.Base{
		Committed: map[wire.SourceID]live.Sequences{}, Scopes: map[live.Scope]live.Counts{}, Accounts: map[controlplane.ID]live.Counts{},
	}
	batch := &pgx.Batch{}
	queueCommitted(batch, &base)
	if w.Accounts {
		batch.Queue(`select u.account_id, 0::bigint, 0::bigint, 0::bigint, `+liveColumns+`
			from usage_day u where u.bucket = $1 group by u.account_id`, w.Day).Query(eachCell(func(c live.Cell) {
			base.Accounts[c.Account] = c.Counts
		}))
	}
	queueScopes(batch, &base, w)
	if !w.Since.IsZero() {
		batch.Queue(`select u.account_id, 0::bigint, 0::bigint, extract(epoch from u.bucket)::bigint / 60, `+liveColumns+`
			from usage_minute u where u.bucket >= $1 group by u.account_id, u.bucket`, w.Since).Query(eachCell(func(c live.Cell) {
			base.Minutes = append(base.Minutes, c)
		}))
	}
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return live.Base{}, fmt.Errorf("read live usage: %w", err)
	}
	return base, nil
}

func queueCommitted(batch *pgx.Batch, base *live.Base) {
	batch.Queue(`select coalesce(max(id), 0) from corrections`).QueryRow(func(row pgx.Row) error {
		var id controlplane.ID
		if err := row.Scan(&id); err != nil {
			return err
		}
		base.CorrectionsUpTo(id)
		return nil
	})
	var source [16]byte
	var through int64
	var ahead []int64
	batch.Queue(`select source, committed, ahead from sources where last_at > now() - make_interval(secs => $1)`, announcedWithin.Seconds()).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&source, &through, &ahead}, func() error {
			s := live.Sequences{Through: uint64(through)}
			for _, n := range ahead {
				s.Ahead = append(s.Ahead, uint64(n))
			}
			base.Committed[source] = s
			return nil
		})
		return err
	})
}

// queueScopes asks for the scopes of each shape at once.
func queueScopes(batch *pgx.Batch, base *live.Base, w live.Wanted) {
	type shape struct{ account, key, endpoint bool }
	shapes := map[shape][]live.Scope{}
	for _, s := range w.Scopes {
		of := shape{s.Account != 0, s.Key != 0, s.Endpoint != 0}
		shapes[of] = append(shapes[of], s)
	}
	for of, scopes := range shapes {
		var accounts, keys, endpoints []int64
		for _, s := range scopes {
			accounts, keys, endpoints = append(accounts, int64(s.Account)), append(keys, int64(s.Key)), append(endpoints, int64(s.Endpoint))
		}
		on := "u.bucket = $4"
		if of.account {
			on += " and u.account_id = w.account_id"
		}
		if of.key {
			on += " and u.key_id = w.key_id"
		}
		if of.endpoint {
			on += " and u.endpoint_id = w.endpoint_id"
		}
		batch.Queue(`select w.account_id, w.key_id, w.endpoint_id, 0::bigint, `+liveColumns+`
			from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as w (account_id, key_id, endpoint_id)
			join usage_day u on `+on+` group by 1, 2, 3`, accounts, keys, endpoints, w.Day).Query(eachCell(func(c live.Cell) {
			base.Scopes[c.Scope] = c.Counts
		}))
	}
}

// eachCell reads rows of a scope, a minute and liveColumns.
func eachCell(do func(live.Cell)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var c live.Cell
		_, err := pgx.ForEachRow(rows, []any{&c.Account, &c.Key, &c.Endpoint, &c.Minute, &c.Requests, &c.Allowed, &c.Throttled, &c.Corrected, &c.BytesIn, &c.BytesOut}, func() error {
			do(c)
			return nil
		})
		return err
	}
}
