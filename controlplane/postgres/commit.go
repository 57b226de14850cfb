package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/controlplane/zone"
	"github.com/weirhq/weir/plugin/wire"
)

// CommitBatches adds the usage, the verdicts and the custom meters of those
// batches that were not committed before to the rollups of every level, notes
// what was sent, and keeps their denials, in one transaction with the batches'
// identities. It returns those batches. The same batches may be given again at
// any time, by any number of processes at once. When there is more in them than
// one transaction should have, it takes several, of whole batches: with an error
// it returns what was committed before.
//
// Locks are taken in one order everywhere, so that writers wait for one another
// but never in a ring: sources first, then the rollups of usage, of verdicts and
// of meters, level by level and sorted by key, then what was sent, then levels.
// The more batches one call has, the less each costs: their rows are added up
// before the database sees them.
func (db *DB) CommitBatches(ctx context.Context, batches []*wire.Batch) (fresh []*wire.Batch, err error) {
	for _, part := range transactions(batches) {
		var added []*wire.Batch
		err := db.withPartitions(ctx, func() error {
			return db.inTx(ctx, func(tx pgx.Tx) (err error) {
				added, err = db.commit(ctx, tx, part)
				return err
			})
		})
		if err != nil {
			return fresh, err
		}
		fresh = append(fresh, added...)
	}
	return fresh, nil
}

// One transaction takes no more rows of the finest level than maxRows, so that it
// ends well within the time of its callers even when nothing of it is there yet,
// and no more entries than maxEntries, which bounds the memory that it takes.
const (
	maxRows    = 75_000
	maxEntries = 300_000
)

// transactions splits batches, in their order.
func transactions(batches []*wire.Batch) (parts [][]*wire.Batch) {
	begin, entries := 0, 0
	rows := map[wire.EntryKey]struct{}{}
	for i, b := range batches {
		entries += len(b.Entries)
		addKeys(rows, b)
		if i > begin && (entries > maxEntries || len(rows) > maxRows) {
			parts = append(parts, batches[begin:i])
			begin, entries = i, len(b.Entries)
			clear(rows)
			addKeys(rows, b)
		}
	}
	if begin < len(batches) {
		parts = append(parts, batches[begin:])
	}
	return parts
}

func addKeys(rows map[wire.EntryKey]struct{}, b *wire.Batch) {
	for i := range b.Entries {
		rows[b.Entries[i].EntryKey] = struct{}{}
	}
}

func (db *DB) commit(ctx context.Context, tx pgx.Tx, batches []*wire.Batch) ([]*wire.Batch, error) {
	sources := sourcesOf(batches)
	terms, err := prepareCommit(ctx, tx, sources, accountsOf(batches))
	if err != nil {
		return nil, fmt.Errorf("prepare to commit batches: %w", err)
	}
	fresh := sources.claim(batches)
	if len(fresh) == 0 {
		return nil, nil
	}
	if err := sources.save(ctx, tx); err != nil {
		return nil, fmt.Errorf("claim batches: %w", err)
	}
	if err := db.addRollups(ctx, tx, usage.Fold(fresh, terms)); err != nil {
		return nil, err
	}
	if err := addSent(ctx, tx, usage.SentBy(fresh)); err != nil {
		return nil, err
	}
	if err := setLevels(ctx, tx, usage.LastLevels(fresh)); err != nil {
		return nil, err
	}
	return fresh, addDenials(ctx, tx, fresh)
}

// prepareCommit locks the sources, reads what was committed of them, and returns
// the terms of the commit, all in one round trip.
func prepareCommit(ctx context.Context, tx pgx.Tx, sources *sourceSet, accounts []int64) (usage.Terms, error) {
	batch := &pgx.Batch{}
	sources.queueLock(batch)
	terms := queueTerms(batch, accounts)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return usage.Terms{}, err
	}
	return terms.read(), nil
}

// How far ahead of the database's clock the levels go that have many partitions.
// What an Envoy whose clock is further ahead counts, is in the coarser levels only.
const (
	minutesAhead = 2 * 24 * time.Hour
	hoursAhead   = 32 * 24 * time.Hour
)

// termsReader collects the terms of a transaction.
type termsReader struct {
	now       time.Time
	kept      [usage.Levels]usage.Span
	zoneNames map[controlplane.ID]string
}

// queueTerms asks for the terms of a transaction that adds usage of the accounts.
func queueTerms(batch *pgx.Batch, accounts []int64) *termsReader {
	t := &termsReader{zoneNames: map[controlplane.ID]string{}}
	for l := range t.kept {
		t.kept[l] = usage.Span{From: math.MinInt64, Until: math.MaxInt64}
	}
	var level string
	var from *int64
	batch.Queue(`
		select now(), level, case when isfinite(kept_from) then extract(epoch from kept_from)::bigint / 60 end from retention`).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&t.now, &level, &from}, func() error {
			t.keep(level, from)
			return nil
		})
		return err
	})
	var account controlplane.ID
	var timeZone string
	batch.Queue(`select id, time_zone from accounts where id = any($1) and time_zone <> 'UTC'`, accounts).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&account, &timeZone}, func() error {
			t.zoneNames[account] = timeZone
			return nil
		})
		return err
	})
	return t
}

// keep notes from when on a level is kept, in minutes since the Unix epoch.
func (t *termsReader) keep(level string, from *int64) {
	for l := range t.kept {
		if from != nil && levelKept[l] == level {
			t.kept[l].From = *from
		}
	}
	t.kept[usage.Minutes].Until = t.now.Add(minutesAhead).Unix() / 60
	t.kept[usage.Hours].Until = t.now.Add(hoursAhead).Unix() / 60
}

// levelKept names the retention of each level.
var levelKept = [usage.Levels]string{"minute", "hour", "day", "month", "day", "month"}

func (t *termsReader) read() usage.Terms {
	terms := usage.Terms{Now: t.now, Kept: t.kept, Zones: make(map[controlplane.ID]*time.Location, len(t.zoneNames))}
	var zones zone.Cache
	for account, name := range t.zoneNames {
		terms.Zones[account] = zones.OrUTC(name)
	}
	return terms
}

// accountsOf returns the distinct accounts of the batches' entries.
func accountsOf(batches []*wire.Batch) []int64 {
	seen := map[uint64]struct{}{}
	var accounts []int64
	for _, b := range batches {
		for i := range b.Entries {
			account := b.Entries[i].Account
			if _, ok := seen[account]; !ok && account != 0 {
				seen[account] = struct{}{}
				accounts = append(accounts, int64(account))
			}
		}
	}
	return accounts
}

func setLevels(ctx context.Context, tx pgx.Tx, levels []controlplane.Level) error {
	if len(levels) == 0 {
		return nil
	}
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
