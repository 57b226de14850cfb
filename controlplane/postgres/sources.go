package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// sourceSet is the sources of some batches, with their ledgers.
type sourceSet struct {
	ids     [][16]byte // sorted, which is the lock order
	nodes   []string
	began   []time.Time
	ledgers map[wire.SourceID]*sourceLedger
}

// sourceLedger is what a commit adds to the row of a source.
type sourceLedger struct {
	*usage.Ledger
	requests int64 // of the fresh batches
	counted  int64 // the highest Counted of them
	frozenMS int64 // of the one with that
	fresh    int
}

func sourcesOf(batches []*wire.Batch) *sourceSet {
	latest := map[[16]byte]*wire.Batch{}
	set := &sourceSet{ledgers: map[wire.SourceID]*sourceLedger{}}
	for _, b := range batches {
		if _, ok := latest[b.Source]; !ok {
			set.ids = append(set.ids, b.Source)
		}
		latest[b.Source] = b
	}
	slices.SortFunc(set.ids, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range set.ids {
		set.nodes, set.began = append(set.nodes, latest[id].Node), append(set.began, time.UnixMilli(latest[id].BeganMS))
	}
	return set
}

// queueLock makes the rows that are missing, locks all and reads them.
func (s *sourceSet) queueLock(batch *pgx.Batch) {
	batch.Queue(`
		insert into sources (source, node, began_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[]) order by 1
		on conflict do nothing`, s.ids, s.nodes, s.began)
	var source [16]byte
	var committed int64
	var ahead []int64
	batch.Queue(`select source, committed, ahead from sources where source = any($1) order by source for update`, s.ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&source, &committed, &ahead}, func() error {
			ledger := usage.NewLedger(uint64(committed))
			for _, n := range ahead {
				ledger.Claim(uint64(n))
			}
			s.ledgers[source] = &sourceLedger{Ledger: ledger}
			return nil
		})
		return err
	})
}

// claim records the batches as committed and returns those that were not before.
func (s *sourceSet) claim(batches []*wire.Batch) (fresh []*wire.Batch) {
	for _, b := range batches {
		l := s.ledgers[b.Source]
		if !l.Claim(b.Sequence) {
			continue
		}
		fresh = append(fresh, b)
		l.fresh++
		if l.counted <= int64(b.Counted) {
			l.counted, l.frozenMS = int64(b.Counted), b.SentMS
		}
		for i := range b.Entries {
			l.requests += int64(b.Entries[i].Requests)
		}
	}
	return fresh
}

// save writes the ledgers of sources that had a fresh batch.
func (s *sourceSet) save(ctx context.Context, tx pgx.Tx) error {
	var ids [][16]byte
	var committed, lost, requests, counted []int64
	var frozen []time.Time
	var ahead []string
	for _, id := range s.ids {
		l := s.ledgers[id]
		if l.fresh == 0 {
			continue
		}
		ids, committed, lost = append(ids, id), append(committed, int64(l.Committed())), append(lost, int64(l.Lost()))
		requests, counted = append(requests, l.requests), append(counted, l.counted)
		frozen = append(frozen, time.UnixMilli(l.frozenMS))
		ahead = append(ahead, arrayText(l.Ahead()))
	}
	_, err := tx.Exec(ctx, `
		update sources s set committed = c.committed, ahead = c.ahead::bigint[], lost = s.lost + c.lost,
			lost_from = case when c.lost > 0 then coalesce(s.lost_from, s.last_at) else s.lost_from end,
			lost_until = case when c.lost > 0 then now() else s.lost_until end,
			committed_requests = s.committed_requests + least(c.requests, 9223372036854775807 - s.committed_requests), -- as Counted, it stays at its maximum
			frozen_at = case when c.counted >= s.batch_counted then c.frozen_at else s.frozen_at end,
			batch_counted = greatest(s.batch_counted, c.counted), counted = greatest(s.counted, c.counted),
			last_at = now(), ended_at = null
		from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[]) as c (source, committed, ahead, lost, requests, counted, frozen_at)
		where s.source = c.source`, ids, committed, ahead, lost, requests, counted, frozen)
	return err
}

// arrayText writes an array as Postgres reads it: an array of arrays of several
// lengths can't be passed in another way.
func arrayText(numbers []uint64) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.FormatUint(n, 10)
	}
	return "{" + strings.Join(texts, ",") + "}"
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
