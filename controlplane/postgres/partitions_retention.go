package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
)

// keptLevel is the retention of a level.
type keptLevel struct {
	days int       // 0: for ever
	from time.Time // it has everything from then on, and nothing of before
}

func retentionOf(ctx context.Context, q querier) (map[usage.Level]keptLevel, error) {
	rows, err := q.Query(ctx, `select level, coalesce(kept_days, 0), case when isfinite(kept_from) then kept_from end from retention`)
	if err != nil {
		return nil, err
	}
	kept := map[usage.Level]keptLevel{}
	var name string
	var days int
	var from *time.Time
	_, err = pgx.ForEachRow(rows, []any{&name, &days, &from}, func() error {
		for l := range levelTables {
			if l.String() != name {
				continue
			}
			k := keptLevel{days: days}
			if from != nil {
				k.from = from.UTC()
			}
			kept[l] = k
		}
		return nil
	})
	return kept, err
}

// KeptFrom returns from when on the level of a granularity has everything; it has
// nothing of before. The zero time is from the beginning.
func (db *DB) KeptFrom(ctx context.Context, g controlplane.Granularity) (time.Time, error) {
	kept, err := retentionOf(ctx, db.pool)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the retention: %w", err)
	}
	return kept[usage.Level(g)].from, nil
}

// MakePartitionsAhead makes the partitions of a time and the next ones, so that no
// commit has to.
func (db *DB) MakePartitionsAhead(ctx context.Context, now time.Time) error {
	var needed []partition
	for l := range levelTables {
		this := partitionOf(l, now.Unix()/60)
		needed = append(needed, this, this.next())
	}
	return db.makePartitions(ctx, needed)
}

// DropExpired drops the partitions that are older than the retention, and returns
// how many tables that were. Commits and queries don't wait for it: a partition is
// detached while others work on, which waits for the transactions that still use
// it, and is dropped when nobody knows of it any more. When another process is at
// it, it does nothing.
func (db *DB) DropExpired(ctx context.Context, now time.Time) (dropped int, err error) {
	err = db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		var alone bool
		if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(dropLock)).Scan(&alone); err != nil || !alone {
			return err
		}
		dropped, err = dropExpired(ctx, conn, now)
		_, unlockErr := conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, int64(dropLock))
		return errors.Join(err, unlockErr)
	})
	if err != nil {
		return dropped, fmt.Errorf("drop expired partitions: %w", err)
	}
	return dropped, nil
}

// dropLock is the advisory lock of the one who drops partitions.
const dropLock = 0x77656972_64726f70

func dropExpired(ctx context.Context, conn *pgxpool.Conn, now time.Time) (dropped int, err error) {
	kept, err := advanceKept(ctx, conn, now)
	if err != nil {
		return 0, err
	}
	for l, tables := range levelTables {
		for _, table := range tables {
			parts, err := partitionsOf(ctx, conn, table)
			if err != nil {
				return dropped, err
			}
			for _, p := range parts {
				if p.attached && !p.pending && !p.expired(l, table, kept[l].from) {
					continue
				}
				if err := p.drop(ctx, conn, table); err != nil {
					return dropped, err
				}
				dropped++
			}
		}
	}
	return dropped, nil
}

// advanceKept moves kept_from to the first partition that is still kept. From the
// commit of that on, nobody makes an older one.
func advanceKept(ctx context.Context, conn *pgxpool.Conn, now time.Time) (kept map[usage.Level]keptLevel, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(partitionLock)); err != nil {
			return err
		}
		if kept, err = retentionOf(ctx, tx); err != nil {
			return err
		}
		for l, k := range kept {
			if k.days == 0 {
				continue
			}
			if from, _ := bounds(l, now.UTC().AddDate(0, 0, -k.days)); from.After(k.from) {
				k.from = from
				kept[l] = k
				if _, err := tx.Exec(ctx, `update retention set kept_from = $2 where level = $1`, l.String(), from); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return kept, err
}

// storedPartition is a partition as the database has it. One that isn't attached
// is left over from a drop that was cut short.
type storedPartition struct {
	Name     string
	attached bool
	pending  bool // its detachment was cut short
}

func partitionsOf(ctx context.Context, q querier, table string) ([]storedPartition, error) {
	rows, err := q.Query(ctx, `
		select c.relname, i.inhrelid is not null, coalesce(i.inhdetachpending, false)
		from pg_class c left join pg_inherits i on i.inhrelid = c.oid
		where c.relkind = 'r' and c.relnamespace = (select relnamespace from pg_class where oid = to_regclass($1)) and c.relname ~ ('^' || $1 || '_[0-9]+$')
		order by c.relname`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p storedPartition, err error) {
		err = row.Scan(&p.Name, &p.attached, &p.pending)
		return p, err
	})
}

// expired says whether all of a partition is from before a time.
func (p storedPartition) expired(l usage.Level, table string, keptFrom time.Time) bool {
	if keptFrom.IsZero() {
		return false
	}
	first := partitionOf(l, keptFrom.Unix()/60)
	return p.Name < first.name(table)
}

// drop detaches and drops. Names are made of digits, so they need no quotes.
func (p storedPartition) drop(ctx context.Context, conn *pgxpool.Conn, table string) error {
	var owned bool
	if err := conn.QueryRow(ctx, `select pg_has_role(relowner, 'USAGE') from pg_class where oid = to_regclass($1)`, table).Scan(&owned); err != nil {
		return err
	}
	switch {
	case !owned:
		_, err := conn.Exec(ctx, `select drop_partition($1, $2)`, table, p.Name)
		return err
	case p.pending:
		// It waits for the partition's readers, and who needs a new partition waits for
		// it: so not for long, and again in the next sweep.
		if _, err := conn.Exec(ctx, `set lock_timeout = '500ms'`); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `alter table `+table+` detach partition `+p.Name+` finalize`)
		if _, resetErr := conn.Exec(context.WithoutCancel(ctx), `reset lock_timeout`); err != nil || resetErr != nil {
			return errors.Join(err, resetErr)
		}
	case p.attached:
		if _, err := conn.Exec(ctx, `alter table `+table+` detach partition `+p.Name+` concurrently`); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, `drop table `+p.Name)
	return err
}
