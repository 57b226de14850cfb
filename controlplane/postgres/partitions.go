package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirhq/weir/controlplane/usage"
)

// A partition holds a stretch of a level: a day of minutes, a month of hours, a
// year of days, ten years of months; of each of the level's tables there is one.
// Before the year 2000 and from 2100 on there is one partition of days, and one
// of months, so that there are never more than a few hundred.
type partition struct {
	level usage.Level // one of the calendar; its shifts have the same partitions
	begin int64       // minutes since the Unix epoch
}

// levelTables are the tables of a level that are partitioned alike.
var levelTables = map[usage.Level][]string{
	usage.Minutes: {"usage_minute", "verdict_minute", "meter_minute"},
	usage.Hours:   {"usage_hour", "verdict_hour", "meter_hour"},
	usage.Days:    {"usage_day", "verdict_day", "meter_day", "usage_day_shift"},
	usage.Months:  {"usage_month", "verdict_month", "meter_month", "usage_month_shift"},
}

const firstYear, lastYear = 2000, 2100

// partitionOf returns the partition of a level that a bucket is in.
func partitionOf(l usage.Level, bucket int64) partition {
	switch l {
	case usage.DayShifts:
		l = usage.Days
	case usage.MonthShifts:
		l = usage.Months
	}
	begin, _ := bounds(l, time.Unix(bucket*60, 0).UTC())
	return partition{l, begin.Unix() / 60}
}

// bounds returns when the partition that t is in begins and ends.
func bounds(l usage.Level, t time.Time) (begin, end time.Time) {
	switch y, m, d := t.Date(); l {
	case usage.Minutes:
		begin = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, 0, 1)
	case usage.Hours:
		begin = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, 1, 0)
	default:
		years := 1
		if l == usage.Months {
			years = 10
		}
		year := func(n int) time.Time { return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC) }
		switch {
		case y < firstYear:
			return year(0), year(firstYear)
		case y >= lastYear:
			return year(lastYear), year(10_000)
		}
		y -= y % years
		return year(y), year(y + years)
	}
}

func (p partition) bounds() (begin, end time.Time) {
	return bounds(p.level, time.Unix(p.begin*60, 0).UTC())
}

// next returns the partition after p.
func (p partition) next() partition {
	_, end := p.bounds()
	return partitionOf(p.level, end.Unix()/60)
}

// name returns what the partition of a table is called.
func (p partition) name(table string) string {
	begin, _ := p.bounds()
	return table + "_" + begin.Format(map[usage.Level]string{usage.Minutes: "20060102", usage.Hours: "200601", usage.Days: "2006", usage.Months: "2006"}[p.level])
}

// create makes the partition of a table, as its owner. Names and times need no quotes
// of their own.
func (p partition) create(table string) string {
	begin, end := p.bounds()
	from, to := `'`+begin.Format(time.RFC3339)+`'`, `'`+end.Format(time.RFC3339)+`'`
	if begin.Year() < firstYear {
		from = `null`
	}
	if end.Year() > lastYear {
		to = `null`
	}
	return fmt.Sprintf(`select make_partition('%s', '%s', %s, %s);`, table, strings.TrimPrefix(p.name(table), table+"_"), from, to)
}

// partitions remembers which ones were seen. One that has gone since is missed by
// a commit, which then asks again.
type partitions struct {
	mu   sync.Mutex
	seen map[partition]struct{}
}

// missing returns those that rows need and nobody has seen, sorted.
func (p *partitions) missing(r usage.Rollups) missingPartitionsError {
	needed := map[partition]struct{}{}
	for l, rows := range r.Usage {
		need(needed, l, rows, func(r *usage.Row) int64 { return r.Minute })
	}
	for l, rows := range r.Verdicts {
		need(needed, l, rows, func(r *usage.VerdictRow) int64 { return r.Minute })
	}
	for l, rows := range r.Meters {
		need(needed, l, rows, func(r *usage.MeterRow) int64 { return r.Minute })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var missing missingPartitionsError
	for n := range needed {
		if _, ok := p.seen[n]; !ok {
			missing = append(missing, n)
		}
	}
	return missing
}

func need[R any](needed map[partition]struct{}, l int, rows []R, minute func(*R) int64) {
	last := int64(-1)
	for i := range rows {
		if m := minute(&rows[i]); m != last {
			last = m
			needed[partitionOf(usage.Level(l), m)] = struct{}{}
		}
	}
}

func (p *partitions) add(seen []partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[partition]struct{}{}
	}
	for _, n := range seen {
		p.seen[n] = struct{}{}
	}
}

func (p *partitions) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// missingPartitionsError lists partitions that a transaction needs.
type missingPartitionsError []partition

func (e missingPartitionsError) Error() string {
	return fmt.Sprintf("%d partitions of the rollups are missing", len(e))
}

// withPartitions runs a transaction, and runs it again when partitions had to be
// made for it first, or one was dropped under it. It makes them in a transaction
// of their own, while do holds no lock.
func (db *DB) withPartitions(ctx context.Context, do func() error) error {
	const attempts = 4
	for attempt := 1; ; attempt++ {
		err := do()
		var missing missingPartitionsError
		switch {
		case attempt == attempts:
			return err
		case errors.As(err, &missing):
			if err := db.makePartitions(ctx, missing); err != nil {
				return err
			}
		case isWithoutPartition(err):
			db.partitions.forget()
		default:
			return err
		}
	}
}

// isWithoutPartition recognises a row that no partition takes. It is a check
// violation, but of no constraint with a name.
func isWithoutPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == ""
}

// partitionLock is the advisory lock of those who make or drop partitions.
const partitionLock = 0x77656972_70617274

// makePartitions makes those that there aren't yet, but for what is no longer kept.
func (db *DB) makePartitions(ctx context.Context, needed []partition) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(partitionLock)); err != nil {
			return err
		}
		names, err := list[struct{ Name string }](ctx, tx, `select inhrelid::regclass::text from pg_inherits`)
		if err != nil {
			return err
		}
		there := map[string]bool{}
		for _, n := range names {
			there[n.Name] = true
		}
		kept, err := retentionOf(ctx, tx)
		if err != nil {
			return err
		}
		var sql strings.Builder
		for _, p := range needed {
			if _, end := p.bounds(); !end.After(kept[p.level].from) {
				continue
			}
			for _, table := range levelTables[p.level] {
				if !there[p.name(table)] {
					sql.WriteString(p.create(table))
				}
			}
		}
		if sql.Len() == 0 {
			return nil
		}
		_, err = tx.Exec(ctx, sql.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	db.partitions.add(slices.Clone(needed))
	return nil
}
