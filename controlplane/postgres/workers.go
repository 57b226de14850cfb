package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// SeeWorker notes what a worker's message, a batch or a heartbeat, says beside its
// usage: that the worker lives, which snapshot it runs, and how much it has
// counted. Both only rise: a message that says otherwise is an old one, sent again.
func (db *DB) SeeWorker(ctx context.Context, message *wire.Batch) error {
	_, err := db.pool.Exec(ctx, `
		with confirmed as (
			insert into confirmations (source, snapshot)
			select $1, $4 where $4 > coalesce((select snapshot from workers where source = $1), 0)
			on conflict do nothing)
		insert into workers as w (source, node, began_at, snapshot, counted)
		values ($1, $2, $3, $4, $5)
		on conflict (source) do update set last_seen_at = now(), node = excluded.node, snapshot = greatest(w.snapshot, excluded.snapshot),
			snapshot_since = case when w.snapshot >= excluded.snapshot then w.snapshot_since else now() end,
			counted = greatest(w.counted, excluded.counted)`,
		[16]byte(message.Source), message.Node, time.UnixMilli(message.BeganMS), int64(message.Snapshot), int64(message.Counted))
	if err != nil {
		return fmt.Errorf("note worker: %w", err)
	}
	return nil
}

// RolloutQuestion is what to find out of the rollout.
type RolloutQuestion struct {
	Asked  uint64        // a version to look at; 0: the newest
	Recent int           // how many of the latest versions to look at
	Silent time.Duration // how long a worker may be silent and still be there
}

// Rollout returns which policy runs where, as of one moment.
func (db *DB) Rollout(ctx context.Context, ask RolloutQuestion) (*controlplane.Rollout, error) {
	r := &controlplane.Rollout{}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		if err := readVersions(ctx, tx, ask, r); err != nil {
			return err
		}
		return readWorkers(ctx, tx, ask.Silent.Seconds(), r)
	})
	if err != nil {
		return nil, fmt.Errorf("read the rollout: %w", err)
	}
	return r, nil
}

const versionColumns = `
	select version, made_at, coalesce(record, 0), coalesce(action, '')
	from policy_versions left join audit_records on seq = record`

func readVersions(ctx context.Context, q querier, ask RolloutQuestion, r *controlplane.Rollout) (err error) {
	r.Newest, err = one[controlplane.PolicyVersion](ctx, q, versionColumns+` join policy using (version)`)
	if err != nil {
		return err
	}
	r.Asked = r.Newest
	if ask.Asked != 0 {
		r.Asked, err = one[controlplane.PolicyVersion](ctx, q, versionColumns+` where version = $1`, int64(ask.Asked))
		if errors.Is(err, pgx.ErrNoRows) {
			r.Asked.Version, err = ask.Asked, nil
		}
		if err != nil {
			return err
		}
	}
	r.Recent, err = list[controlplane.PolicyVersion](ctx, q, versionColumns+` order by version desc limit $1`, ask.Recent)
	return err
}

const (
	goneShown = 100    // nodes that are gone are worth listing
	goneRead  = 10_000 // workers are looked at for that
)

func readWorkers(ctx context.Context, q querier, silent float64, r *controlplane.Rollout) (err error) {
	r.Workers, err = list[controlplane.Worker](ctx, q, `
		select source, node, snapshot, snapshot_since, first_seen_at, last_seen_at from workers
		where last_seen_at > now() - make_interval(secs => $1) order by node, source`, silent)
	if err != nil {
		return err
	}
	known, err := list[controlplane.Worker](ctx, q, `
		select source, node, snapshot, snapshot_since, first_seen_at, last_seen_at from workers
		where node in (select node from workers where last_seen_at <= now() - make_interval(secs => $1) group by node order by max(last_seen_at) desc limit $2)
		order by last_seen_at desc limit $3`, silent, goneShown, goneRead)
	if err != nil {
		return err
	}
	now, err := one[struct{ At time.Time }](ctx, q, `select now()`)
	if err != nil {
		return err
	}
	within := time.Duration(silent * float64(time.Second))
	r.Gone = controlplane.GoneAmong(known, now.At.Add(-within), within)
	oldest := r.Asked.Version
	for _, v := range r.Recent {
		oldest = min(oldest, v.Version)
	}
	r.Confirmations, err = list[controlplane.Confirmation](ctx, q, `
		select c.source, c.snapshot, c.at from confirmations c join workers w using (source)
		where w.last_seen_at > now() - make_interval(secs => $1) and c.snapshot >= $2`, silent, int64(oldest))
	return err
}
