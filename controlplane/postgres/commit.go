package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// CommitBatches adds the usage and the verdicts of those batches that were not
// committed before to the rollups of every granularity, and keeps their denials,
// in one transaction with the batches' identities. It returns those batches. The same batches may be given again at
// any time, by any number of processes at once.
//
// Locks are taken in one order everywhere, sources first, then the rollups of
// usage, levels, and those of verdicts, by granularity and key, so that writers wait for one another but never in a ring.
func (db *DB) CommitBatches(ctx context.Context, batches []*wire.Batch) (fresh []*wire.Batch, err error) {
	if len(batches) == 0 {
		return nil, nil
	}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		if fresh, err = claimBatches(ctx, tx, batches); err != nil {
			return fmt.Errorf("claim batches: %w", err)
		}
		rows := usage.Fold(fresh)
		if err := stage(ctx, tx, rows); err != nil {
			return fmt.Errorf("stage usage: %w", err)
		}
		for _, g := range controlplane.Granularities {
			if _, err := tx.Exec(ctx, addStaged[g], int16(g)); err != nil {
				return fmt.Errorf("add usage by the %s: %w", g, err)
			}
		}
		if err := setLevels(ctx, tx, usage.LastLevels(fresh)); err != nil {
			return err
		}
		if err := addVerdicts(ctx, tx, usage.FoldVerdicts(fresh)); err != nil {
			return err
		}
		return addDenials(ctx, tx, fresh)
	})
	if err != nil {
		return nil, err
	}
	return fresh, nil
}

// claimBatches records the batches as committed and returns those that were not.
func claimBatches(ctx context.Context, tx pgx.Tx, batches []*wire.Batch) ([]*wire.Batch, error) {
	sources, nodes := sourcesOf(batches)
	_, err := tx.Exec(ctx, `
		insert into sources (source, node) select * from unnest($1::uuid[], $2::text[]) order by 1
		on conflict do nothing`, sources, nodes)
	if err != nil {
		return nil, err
	}
	ledgers, err := lockLedgers(ctx, tx, sources)
	if err != nil {
		return nil, err
	}
	var fresh []*wire.Batch
	for _, b := range batches {
		if ledgers[b.Source].Claim(b.Sequence) {
			fresh = append(fresh, b)
		}
	}
	return fresh, saveLedgers(ctx, tx, sources, ledgers)
}

// sourcesOf returns the distinct sources, sorted, with their nodes.
func sourcesOf(batches []*wire.Batch) (sources [][16]byte, nodes []string) {
	node := map[[16]byte]string{}
	for _, b := range batches {
		if _, ok := node[b.Source]; !ok {
			sources = append(sources, b.Source)
		}
		node[b.Source] = b.Node
	}
	slices.SortFunc(sources, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, s := range sources {
		nodes = append(nodes, node[s])
	}
	return sources, nodes
}

func lockLedgers(ctx context.Context, tx pgx.Tx, sources [][16]byte) (map[wire.SourceID]*usage.Ledger, error) {
	ledgers := map[wire.SourceID]*usage.Ledger{}
	rows, err := tx.Query(ctx, `select source, committed from sources where source = any($1) order by source for update`, sources)
	if err != nil {
		return nil, err
	}
	var source [16]byte
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&source, &n}, func() error {
		ledgers[source] = usage.NewLedger(uint64(n))
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `select source, sequence from batches where source = any($1)`, sources)
	if err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&source, &n}, func() error {
		ledgers[source].Claim(uint64(n))
		return nil
	})
	return ledgers, err
}

func saveLedgers(ctx context.Context, tx pgx.Tx, sources [][16]byte, ledgers map[wire.SourceID]*usage.Ledger) error {
	var committed, lost []int64
	var aheadOf [][16]byte
	var ahead []int64
	for _, s := range sources {
		committed, lost = append(committed, int64(ledgers[s].Committed())), append(lost, int64(ledgers[s].Lost()))
		for _, n := range ledgers[s].Ahead() {
			aheadOf, ahead = append(aheadOf, s), append(ahead, int64(n))
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		update sources set committed = c.committed, lost = sources.lost + c.lost, last_at = now()
		from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as c (source, committed, lost)
		where sources.source = c.source`, sources, committed, lost)
	batch.Queue(`
		delete from batches using sources
		where batches.source = any($1) and sources.source = batches.source and sequence <= committed`, sources)
	batch.Queue(`
		insert into batches (source, sequence) select * from unnest($1::uuid[], $2::bigint[])
		on conflict do nothing`, aheadOf, ahead)
	return tx.SendBatch(ctx, batch).Close()
}

// createStaging makes the connection's own table that rollup rows are copied
// into before they are added to the rollups.
func createStaging(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `
		create temporary table staged_usage (
			granularity smallint, bucket timestamptz, account_id bigint, key_id bigint, endpoint_id bigint,
			status smallint, decision smallint, requests bigint, cost bigint, bytes_in bigint, bytes_out bigint,
			duration_us bigint, latency bigint[]
		) on commit delete rows`)
	return err
}

var stagedColumns = []string{
	"granularity", "bucket", "account_id", "key_id", "endpoint_id", "status", "decision",
	"requests", "cost", "bytes_in", "bytes_out", "duration_us", "latency",
}

func stage(ctx context.Context, tx pgx.Tx, rows []usage.Row) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"staged_usage"}, stagedColumns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		return []any{
			int16(r.Granularity), r.Bucket, int64(r.Account), int64(r.Key), int64(r.Endpoint), int16(r.Status), int16(r.Decision),
			int64(r.Requests), int64(r.Cost), int64(r.BytesIn), int64(r.BytesOut), int64(r.DurationUS), flatten(r.Latency),
		}, nil
	}))
	return err
}

// addStaged adds the staged rows of a granularity to its rollup. The order by
// is the lock order.
var addStaged = func() (sql [len(controlplane.Granularities)]string) {
	for _, g := range controlplane.Granularities {
		table := "usage_" + g.String()
		sql[g] = `
			insert into ` + table + ` as u
			select bucket, account_id, key_id, endpoint_id, status, decision,
			       requests, cost, bytes_in, bytes_out, duration_us, latency
			from staged_usage where granularity = $1
			order by bucket, account_id, key_id, endpoint_id, status, decision
			on conflict (bucket, account_id, key_id, endpoint_id, status, decision) do update set
				requests = u.requests + excluded.requests, cost = u.cost + excluded.cost,
				bytes_in = u.bytes_in + excluded.bytes_in, bytes_out = u.bytes_out + excluded.bytes_out,
				duration_us = u.duration_us + excluded.duration_us, latency = latency_merge(u.latency, excluded.latency)`
	}
	return sql
}()

func setLevels(ctx context.Context, tx pgx.Tx, levels []controlplane.Level) error {
	var accounts, limits, keys, remaining []int64
	var observed []time.Time
	for _, l := range levels {
		accounts, limits, keys = append(accounts, int64(l.AccountID)), append(limits, int64(l.LimitID)), append(keys, int64(l.KeyID))
		remaining, observed = append(remaining, l.Remaining), append(observed, l.ObservedAt)
	}
	_, err := tx.Exec(ctx, `
		insert into levels as l (account_id, limit_id, key_id, remaining, observed_at)
		select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[]) order by 1, 2, 3
		on conflict (account_id, limit_id, key_id) do update set remaining = excluded.remaining, observed_at = excluded.observed_at
		where l.observed_at <= excluded.observed_at`, accounts, limits, keys, remaining, observed)
	if err != nil {
		return fmt.Errorf("store levels: %w", err)
	}
	return nil
}

// Committed returns the highest sequence up to which every batch of the source
// is in the rollups; 0 if none is.
func (db *DB) Committed(ctx context.Context, source wire.SourceID) (uint64, error) {
	var n int64
	err := db.pool.QueryRow(ctx, `select committed from sources where source = $1`, [16]byte(source)).Scan(&n)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read what is committed: %w", err)
	}
	return uint64(n), nil
}

// flatten writes a histogram as the pairs that latency_merge takes.
func flatten(h wire.Histogram) []int64 {
	pairs := make([]int64, 0, 2*len(h))
	for _, bin := range h {
		pairs = append(pairs, int64(bin.Index), int64(bin.Count))
	}
	return pairs
}

// unflatten reads the pairs that latency_merge gives.
func unflatten(pairs []int64) wire.Histogram {
	h := make(wire.Histogram, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		h = append(h, wire.Bin{Index: uint16(pairs[i]), Count: uint64(pairs[i+1])})
	}
	return h
}
