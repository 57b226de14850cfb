package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
)

const (
	exportRows = 2_000 // read at once
	// exportWithin bounds the sorting before the first rows and the reading of
	// each of the next; exportInAll bounds the transaction, which keeps Postgres
	// from tidying up after commits.
	exportWithin = 10 * time.Minute
	exportInAll  = 2 * time.Hour
)

// fetched has a cursor described anew: its columns are other ones each time, and
// what is remembered of a statement goes by its text.
const fetched = pgx.QueryExecModeDescribeExec

// Export reads the answer to an export, by time and dimensions, some rows at a
// time, and gives them to each; begin is told once that there is an answer. All
// of it is of one moment, and it holds no more than those rows. It ends with the
// first error, its own or one of theirs. A row and its lists are good only until
// each returns.
func (db *DB) Export(ctx context.Context, e explore.Export, begin func() error, each func([]explore.ExportRow) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		// Postgres has transaction_timeout from version 17 on.
		_, err := tx.Exec(ctx, fmt.Sprintf(`
			select set_config('transaction_timeout', '%d', true) from pg_settings where name = 'transaction_timeout';
			set local statement_timeout = %d; set local jit = off`,
			exportInAll.Milliseconds(), exportWithin.Milliseconds()))
		if err != nil {
			return fmt.Errorf("begin an export: %w", err)
		}
		kept, err := keptOf(ctx, tx)
		if err != nil {
			return err
		}
		plan, err := e.Plan(kept)
		if err != nil {
			return err
		}
		built, err := builtIn(ctx, tx, plan.Parts)
		if err != nil {
			return err
		}
		plan = plan.InTables(built, explore.NeedOf(e.GroupBy, e.Filter, true))
		for i, piece := range e.Pieces(plan) {
			if i > 0 {
				begin = func() error { return nil }
			}
			if err := exportPiece(ctx, tx, e, piece, begin, each); err != nil {
				return err
			}
		}
		return nil
	})
}

// exportPiece reads the answer to an export over some of its points.
func exportPiece(ctx context.Context, tx pgx.Tx, e explore.Export, p explore.Plan, begin func() error, each func([]explore.ExportRow) error) error {
	sql, args := exportSQL(e, p)
	if _, err := tx.Exec(ctx, `declare exported no scroll cursor for `+sql, args...); err != nil {
		return fmt.Errorf("export usage: %w", err)
	}
	if err := begin(); err != nil {
		return err
	}
	rows := make([]explore.ExportRow, 0, exportRows)
	for {
		var err error
		if rows, err = fetchExported(ctx, tx, e, rows[:0]); err != nil {
			return fmt.Errorf("export usage: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		if err := each(rows); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `close exported`); err != nil {
		return fmt.Errorf("export usage: %w", err)
	}
	return nil
}

// named are the queries for the names of what dimensions name.
var named = map[explore.Dimension]string{
	explore.ByAccount:  `select id, name from accounts`,
	explore.ByEndpoint: `select id, method || ' ' || template as name from endpoints`,
	explore.ByTier:     `select id, name from tiers`,
	// Both have ids of one sequence; the first letter tells them apart.
	explore.ByKey: `select id, 'k' || name as name from keys union all select id, 'i' || value from identities`,
}

// exportSQL writes the query of an export: the moment, each dimension, each name,
// the sums, requests and amount of each meter, and the latency.
func exportSQL(e explore.Export, p explore.Plan) (string, []any) {
	var keys, names, joins []string
	for i, d := range e.GroupBy {
		keys = append(keys, fmt.Sprintf(`k%d`, i))
		name := `''`
		if table, ok := named[d]; ok {
			joins = append(joins, fmt.Sprintf(` left join (%s) n%d on n%[2]d.id = k%[2]d`, table, i))
			name = fmt.Sprintf(`coalesce(n%d.name, '')`, i)
		}
		names = append(names, name)
	}
	rows, having, args := exportRowsSQL(e, p)
	at := append([]string{`at`}, keys...)
	sums, summed := []string{figureSums}, []string{}
	for _, f := range figures {
		summed = append(summed, f.column)
	}
	for i := range e.Meters {
		sums = append(sums, fmt.Sprintf(`coalesce(sum(metered) filter (where meter = %d), 0)::bigint`, i),
			fmt.Sprintf(capped(`coalesce(sum(amount) filter (where meter = %d), 0)`), i))
		summed = append(summed, fmt.Sprintf(`r%d`, i), fmt.Sprintf(`m%d`, i))
	}
	sums, summed = append(sums, `string_agg(latency, '')`), append(summed, `latency`)
	groups := strings.Join(at, `, `)
	return `select ` + strings.Join(slices.Concat(at, names, summed), `, `) + `
		from (select ` + strings.Join(slices.Concat(at, sums), `, `) + ` from (` + rows + `) u group by ` + groups + having + `)
		as x (` + strings.Join(slices.Concat(at, summed), `, `) + `)` + strings.Join(joins, ``) + ` order by ` + groups, args
}

// exportRowsSQL writes the query for the rows that an export adds up.
func exportRowsSQL(e explore.Export, p explore.Plan) (sql, having string, args []any) {
	var keys string
	for i, d := range e.GroupBy {
		keys += fmt.Sprintf(`, %s as k%d`, dimensionColumns[d], i)
	}
	s := newScan(p, e.Filter, e.GroupBy)
	at := s.exportTime(e) + ` as at` + keys + `, `
	columns := at + figureColumns + `, ` + latencyColumn
	if s.local() {
		columns += `, decision as decision_of`
	}
	if len(e.Meters) == 0 {
		return s.usage(columns), s.having(), s.args
	}
	// What stands for the columns of the other: figures first, as they are summed up.
	none := make([]string, len(figures))
	for i := range none {
		none[i] = `null::bigint`
	}
	usage := s.usage(columns + `, null::int as meter, null::bigint as metered, null::numeric as amount`)
	m := newScan(p.OnRollups(), e.Filter, e.GroupBy)
	m.table, m.meters, m.args, m.at = "meter_", e.Meters, s.args, s.at
	which := `array_position(` + m.arg(toInt64s(e.Meters)) + `::bigint[], meter_id) - 1`
	metered := m.usage(at + strings.Join(none, `, `) + `, null::bytea, ` + which + `, requests, amount::numeric + corrected`)
	return usage + ` union all ` + metered, ``, m.args
}

// exportTime is when the point begins that a row is in.
func (s *scan) exportTime(e explore.Export) string {
	switch {
	case e.Granularity == nil:
		return s.arg(s.plan.From) + `::timestamptz`
	case s.plan.Points == nil:
		return `bucket`
	}
	return `(` + s.arg(s.plan.Points) + `::timestamptz[])[` + pointColumn + ` + 1]`
}

func fetchExported(ctx context.Context, tx pgx.Tx, e explore.Export, rows []explore.ExportRow) ([]explore.ExportRow, error) {
	found, err := tx.Query(ctx, fmt.Sprintf(`fetch %d from exported`, exportRows), fetched)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	n := len(e.GroupBy)
	var r explore.ExportRow
	t := &r.Totals
	var latency []byte
	into := make([]any, 1+2*n, 15+2*n+2*len(e.Meters))
	into = append(into, &t.Requests, &t.Allowed, &t.Throttled, &t.Refused, &t.Corrected, &t.Imported, &t.Errors,
		&t.Shadowed, &t.Late, &t.Cost, &t.BytesIn, &t.BytesOut, &t.AllowedDurationUS)
	meters := len(into)
	into = append(into[:meters+2*len(e.Meters)], &latency)
	for found.Next() {
		r.Identity, r.Values, r.Names, r.Meters = false, make([]int64, n), make([]string, n), make([]explore.MeterAmount, len(e.Meters))
		into[0] = &r.At
		for i := range n {
			into[1+i], into[1+n+i] = &r.Values[i], &r.Names[i]
		}
		for i, id := range e.Meters {
			r.Meters[i].MeterID = id
			into[meters+2*i], into[meters+2*i+1] = &r.Meters[i].Requests, &r.Meters[i].Amount
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		if i := slices.Index(e.GroupBy, explore.ByKey); i >= 0 && r.Names[i] != "" {
			r.Identity, r.Names[i] = r.Names[i][0] == 'i', r.Names[i][1:]
		}
		if t.Latency, err = usage.ReadLatency(latency); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}
