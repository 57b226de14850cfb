package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/usage"
)

// Accounting is what AccountSources found.
type Accounting struct {
	Ended    int // sources that fell silent
	Found    int // rows of usage that is missing
	Resolved int // such rows of which the usage has come
}

// AccountSources ends the sources that were silent for so long, and writes down
// what is missing of them and of those that lost batches, and what has come after
// all; see [usage.Source.Account]. Each row leaves a record in the audit log when it
// is found and when it is resolved. It works in one transaction and passes over
// sources of which batches are being committed. Any number of processes may do so
// at once: each row is written once.
func (db *DB) AccountSources(ctx context.Context, silentFor time.Duration) (a Accounting, err error) {
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		var now time.Time
		if err := tx.QueryRow(ctx, `select now()`).Scan(&now); err != nil {
			return err
		}
		silentSince := now.Add(-silentFor)
		if err := adoptSilentWorkers(ctx, tx, silentSince); err != nil {
			return err
		}
		sources, err := openSources(ctx, tx, silentSince)
		if err != nil || len(sources) == 0 {
			return err
		}
		open, err := openMissing(ctx, tx, sources)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		var note notes
		for _, s := range sources {
			resolved, found := s.Account(open[s.id])
			if s.Silent {
				a.Ended++
			}
			a.Found, a.Resolved = a.Found+len(found), a.Resolved+len(resolved)
			s.queue(batch, resolved, found, &note)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return appendAudit(ctx, tx, note...)
	})
	if err != nil {
		return Accounting{}, fmt.Errorf("account for sources: %w", err)
	}
	return a, nil
}

// adoptSilentWorkers makes sources of workers that never got a batch through, and
// forgets workers that have been silent for a day and are accounted for, and when
// workers confirmed a snapshot more than an hour ago.
func adoptSilentWorkers(ctx context.Context, tx pgx.Tx, silentSince time.Time) error {
	_, err := tx.Exec(ctx, `
		insert into sources (source, node, began_at, counted, last_at)
		select source, node, began_at, counted, began_at from workers w
		where last_seen_at < $1 and not exists (select from sources s where s.source = w.source)
		order by source on conflict do nothing`, silentSince)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		delete from workers where source in (
			select source from workers w where last_seen_at < now() - interval '1 day'
				and not exists (select from sources s where s.source = w.source and s.ended_at is null)
			for update skip locked)`)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		delete from confirmations where (source, snapshot) in (
			select source, snapshot from confirmations where at < now() - interval '1 hour' limit 10000 for update skip locked)`)
	return err
}

// openSource is a source that may have something to account for.
type openSource struct {
	usage.Source
	id [16]byte
}

// openSources locks and reads the sources that have not ended and fell silent,
// lost batches, or were missing usage.
func openSources(ctx context.Context, tx pgx.Tx, silentSince time.Time) ([]*openSource, error) {
	rows, err := tx.Query(ctx, `
		select source, committed, ahead, lost, committed_requests, batch_counted,
			greatest(s.counted, coalesce(w.counted, 0)),
			s.began_at, coalesce(frozen_at, s.began_at), last_at, lost_from, lost_until,
			greatest(last_at, coalesce(w.last_seen_at, last_at)) < $1
		from sources s left join workers w using (source)
		where ended_at is null and (greatest(last_at, coalesce(w.last_seen_at, last_at)) < $1 or lost_until is not null
			or exists (select from unaccounted u where u.source = s.source and resolved_at is null))
		order by source for update of s skip locked`, silentSince)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*openSource, error) {
		s := &openSource{}
		var committed int64
		var ahead []int64
		var lostFrom, lostEnd *time.Time
		err := row.Scan(&s.id, &committed, &ahead, &s.Lost, &s.Committed, &s.BatchCounted, &s.Counted,
			&s.BeganAt, &s.FrozenAt, &s.LastAt, &lostFrom, &lostEnd, &s.Silent)
		if err != nil {
			return nil, err
		}
		s.Ledger = usage.NewLedger(uint64(committed))
		for _, n := range ahead {
			s.Ledger.Claim(uint64(n))
		}
		if lostFrom != nil && lostEnd != nil {
			s.LostFrom, s.LostEnd = *lostFrom, *lostEnd
		}
		return s, nil
	})
}

func openMissing(ctx context.Context, tx pgx.Tx, sources []*openSource) (map[[16]byte][]usage.OpenMissing, error) {
	ids := make([][16]byte, len(sources))
	for i, s := range sources {
		ids[i] = s.id
	}
	rows, err := tx.Query(ctx, `
		select source, id, kind, counted_from, counted_until, at_least, at_most, batches, counted
		from unaccounted where source = any($1) and resolved_at is null order by id`, ids)
	if err != nil {
		return nil, err
	}
	open := map[[16]byte][]usage.OpenMissing{}
	var source [16]byte
	var o usage.OpenMissing
	var until *time.Time
	_, err = pgx.ForEachRow(rows, []any{&source, &o.ID, &o.Kind, &o.From, &until, &o.AtLeast, &o.AtMost, &o.Batches, &o.Counted}, func() error {
		o.Until = time.Time{}
		if until != nil {
			o.Until = *until
		}
		open[source] = append(open[source], o)
		return nil
	})
	return open, err
}

// queue writes what was found, and that the source has ended.
func (s *openSource) queue(batch *pgx.Batch, resolved []controlplane.ID, found []usage.Missing, note *notes) {
	if len(resolved) > 0 {
		batch.Queue(`update unaccounted set resolved_at = now() where id = any($1) returning `+unaccountedColumns, toInt64s(resolved)).Query(func(rows pgx.Rows) error {
			gone, err := unaccountedOf(rows)
			for i := range gone {
				before := gone[i]
				before.ResolvedAt = nil
				note.add(audit.Changed(audit.ResolveUnaccountedUsage, audit.OfUnaccounted(&before), audit.OfUnaccounted(&gone[i])))
			}
			return err
		})
	}
	for _, m := range found {
		batch.Queue(`
			insert into unaccounted (source, node, kind, counted_from, counted_until, at_least, at_most, batches, counted)
			select source, node, $2, $3, $4, $5, $6, $7, $8 from sources where source = $1 returning `+unaccountedColumns,
			s.id, m.Kind, m.From, orNoTime(m.Until), m.AtLeast, m.AtMost, m.Batches, m.Counted).Query(func(rows pgx.Rows) error {
			made, err := unaccountedOf(rows)
			for i := range made {
				note.add(audit.Created(audit.ListUnaccountedUsage, audit.OfUnaccounted(&made[i])))
			}
			return err
		})
	}
	batch.Queue(`
		update sources set counted = $2, ended_at = case when $3 then now() end,
			lost_from = case when not $4 then lost_from end, lost_until = case when not $4 then lost_until end
		where source = $1`, s.id, s.Counted, s.Silent, s.Settled())
}

func orNoTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// unaccountedColumns are those of controlplane.UnaccountedUsage.
const unaccountedColumns = `id, kind, source, node, counted_from, counted_until, at_least, at_most, batches, found_at, resolved_at`

func unaccountedOf(rows pgx.Rows) ([]controlplane.UnaccountedUsage, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u controlplane.UnaccountedUsage, err error) {
		var source [16]byte
		err = row.Scan(&u.ID, &u.Kind, &source, &u.Node, &u.From, &u.Until, &u.AtLeast, &u.AtMost, &u.Batches, &u.FoundAt, &u.ResolvedAt)
		u.Source = source
		return u, err
	})
}
