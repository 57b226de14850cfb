package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/plugin/wire"
)

// maxStored is how many stored rows of a replay are read: of one that is played there are
// as many as it had tiers, statuses and decisions.
const maxStored = 4 * preview.MaxRows

// replayUsage streams the usage of the accounts in the order of its primary key, so
// that nothing is sorted and little is in memory. Rows of one minute, account, key and
// endpoint are added up here: the database takes three times as long for that.
func replayUsage(ctx context.Context, tx pgx.Tx, r controlplane.Range, accounts []preview.Account, replay *preview.Replay) error {
	ids := make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = int64(a.ID)
	}
	rows, err := tx.Query(ctx, `
		select bucket, account_id, key_id, endpoint_id, decision, requests, cost, bytes_in + bytes_out
		from usage_minute where bucket >= $1 and bucket < $2 and account_id = any($3) and decision in (1, 2)
		order by bucket, account_id, key_id, endpoint_id limit $4`, r.From, r.To, ids, maxStored+1)
	if err != nil {
		return err
	}
	sums := summed{replay: replay}
	var bucket time.Time
	var row preview.Row
	var decision int16
	var requests int64
	stored := 0
	_, err = pgx.ForEachRow(rows, []any{&bucket, &row.Account, &row.Key, &row.Endpoint, &decision, &requests, &row.Cost, &row.Bytes}, func() error {
		if stored++; stored > maxStored {
			return errPreviewTooLarge
		}
		row.Minute, row.Allowed, row.Throttled = bucket.Unix()/60, requests, 0
		if wire.Decision(decision) != wire.Allowed {
			row.Allowed, row.Throttled, row.Cost, row.Bytes = 0, requests, 0, 0
		}
		return sums.add(&row)
	})
	if err != nil {
		return err
	}
	return sums.end()
}

// summed adds rows up that follow each other and are of the same, for a replay.
type summed struct {
	replay *preview.Replay
	row    preview.Row
	any    bool
	n      int
}

func (s *summed) add(row *preview.Row) error {
	last := &s.row
	if s.any && last.Minute == row.Minute && last.Account == row.Account && last.Key == row.Key && last.Endpoint == row.Endpoint {
		last.Allowed += row.Allowed
		last.Throttled += row.Throttled
		last.Cost += row.Cost
		last.Bytes += row.Bytes
		return nil
	}
	err := s.end()
	s.row, s.any = *row, true
	return err
}

// end passes the last row on.
func (s *summed) end() error {
	if !s.any {
		return nil
	}
	if s.n++; s.n > preview.MaxRows {
		return errPreviewTooLarge
	}
	s.any = false
	return s.replay.Add(s.row)
}
