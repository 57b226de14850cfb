package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

var denialColumns = []string{
	"at", "request_id", "account_id", "key_id", "endpoint_id", "limit_id", "decision", "method", "path", "retry_after_ms", "levels",
}

// addDenials keeps the denials of batches.
func addDenials(ctx context.Context, tx pgx.Tx, batches []*wire.Batch) error {
	var rows [][]any
	for _, b := range batches {
		for i := range b.Denials {
			d := &b.Denials[i]
			levels := make([]int64, 0, 3*len(d.Levels))
			for _, l := range d.Levels {
				levels = append(levels, int64(l.Limit), l.Remaining, int64(l.Amount))
			}
			rows = append(rows, []any{
				time.UnixMilli(d.AtMS), d.RequestID, int64(d.Account), int64(d.Key), int64(d.Endpoint), int64(d.Limit), int16(d.Decision),
				d.Method, d.Path, int64(d.RetryAfterMS), levels,
			})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"denials"}, denialColumns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("keep denials: %w", err)
	}
	return nil
}

// Denials returns the denials that filter finds, newest first, those after the
// given one (0: from the newest), and whether there are more.
func (db *DB) Denials(ctx context.Context, filter controlplane.DenialFilter, after controlplane.ID, first int) ([]controlplane.Denial, bool, error) {
	where, args := denialsWhere(filter, after)
	denials, err := listDenials(ctx, db.pool, where+` order by at desc, id desc limit `+strconv.Itoa(first+1), args...)
	if err != nil {
		return nil, false, fmt.Errorf("list denials: %w", err)
	}
	found, more := pageOf(denials, first)
	return found, more, nil
}

func listDenials(ctx context.Context, q querier, where string, args ...any) ([]controlplane.Denial, error) {
	rows, err := q.Query(ctx, `
		select id, at, request_id, account_id, key_id, endpoint_id, limit_id, decision, method, path, retry_after_ms, levels
		from denials `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (d controlplane.Denial, err error) {
		var levels []int64
		var retryMS int64
		err = r.Scan(&d.ID, &d.At, &d.RequestID, &d.AccountID, &d.KeyID, &d.EndpointID, &d.LimitID, &d.Decision, &d.Method, &d.Path, &retryMS, &levels)
		d.At, d.RetryAfter = d.At.UTC(), time.Duration(retryMS)*time.Millisecond
		for i := 0; i+2 < len(levels); i += 3 {
			d.Levels = append(d.Levels, controlplane.DenialLevel{LimitID: controlplane.ID(levels[i]), Remaining: levels[i+1], Amount: levels[i+2]})
		}
		return d, err
	})
}

// denialsWhere writes only the conditions that narrow, so that each kind of
// search uses its index.
func denialsWhere(filter controlplane.DenialFilter, after controlplane.ID) (where string, args []any) {
	where = ` where true`
	narrow := func(condition string, value any) {
		args = append(args, value)
		where += ` and ` + fmt.Sprintf(condition, len(args))
	}
	if filter.RequestID != "" {
		narrow(`request_id = $%d`, filter.RequestID)
	}
	if filter.AccountID != 0 {
		narrow(`account_id = $%d`, filter.AccountID)
	}
	if after != 0 {
		narrow(`(at, id) < (select at, id from denials where id = $%d)`, after)
	}
	return where, args
}

// ForgetDenials deletes denials from before a time, and the oldest of those
// beyond most. It deletes at most atOnce, and returns how many that were.
func (db *DB) ForgetDenials(ctx context.Context, before time.Time, most, atOnce int) (int, error) {
	tag, err := db.pool.Exec(ctx, `
		delete from denials where id in (
			select id from denials
			where at < $1 or (at, id) <= (select at, id from denials order by at desc, id desc offset $2 limit 1)
			order by at, id limit $3 for update skip locked)`, before, most, atOnce)
	if err != nil {
		return 0, fmt.Errorf("forget denials: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
