package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// figures are the counts of controlplane.Totals, in its order: their columns in the
// tables of cubes, and what a row of another table has of each, null where it has
// nothing.
var figures = [...]struct{ column, row string }{
	{`requests`, `requests`},
	{`allowed`, `case when decision = 1 then requests end`},
	{`throttled`, `case when decision = 2 then requests end`},
	{`refused`, `case when decision between 3 and 5 then requests end`},
	{`corrected`, `case when decision = 6 then requests end`},
	{`imported`, `case when decision = 7 then requests end`},
	{`errors`, `case when decision = 1 and status >= 500 then requests end`},
	{`shadowed`, `shadowed`},
	{`late`, `late`},
	{`cost`, `cost`},
	{`bytes_in`, `bytes_in`},
	{`bytes_out`, `bytes_out`},
	{`duration_us`, `case when decision = 1 then duration_us end`},
}

// figureColumns stand for all figures in the columns of usage, and figureSums adds
// them up.
const figureColumns = `<figures>`

var figureSums = func() string {
	sums := make([]string, len(figures))
	for i, f := range figures {
		sums[i] = `coalesce(sum(` + f.column + `), 0)::bigint`
	}
	return strings.Join(sums, `, `)
}()

// latencyColumn stands for a row's part of the latencies, which joined are the sum,
// in the columns of usage.
const latencyColumn = `<latency>`

// measureColumn stands for a row's part of the measure in the columns of usage.
const measureColumn = `<measure>`

// measures are the figures that groups are ranked by.
var measures = [...]string{
	explore.Requests: `requests`, explore.Allowed: `allowed`, explore.Throttled: `throttled`, explore.Shadowed: `shadowed`,
	explore.Errors: `errors`, explore.Cost: `cost`, explore.BytesIn: `bytes_in`, explore.BytesOut: `bytes_out`,
}

// expand writes what stands for figures in the columns of one table.
func expand(columns string, cube explore.Cube, measure explore.Measure) string {
	latency := `case when decision = 1 then latency end as latency`
	all := make([]string, len(figures))
	for i, f := range figures {
		all[i] = f.row + ` as ` + f.column
		if cube != explore.NoCube {
			f.row, all[i], latency = f.column, f.column, `latency`
		}
		if f.column == measures[measure] {
			columns = strings.ReplaceAll(columns, measureColumn, f.row)
		}
	}
	return strings.NewReplacer(figureColumns, strings.Join(all, `, `), latencyColumn, latency).Replace(columns)
}

var dimensionColumns = [...]string{
	explore.ByAccount: `account_id`, explore.ByKey: `key_id`, explore.ByEndpoint: `endpoint_id`,
	explore.ByStatus: `status`, explore.ByDecision: `decision`, explore.ByTier: `tier_id`,
}

// scan writes the query for the rows of a plan.
type scan struct {
	plan    explore.Plan
	filter  controlplane.UsageFilter
	groupBy []explore.Dimension
	table   string // what the tables' names begin with
	meters  []controlplane.ID
	among   [][]int64 // by dimension to split by: the only values of interest
	points  bool
	measure explore.Measure // of measureColumn
	args    []any
	at      string // the placeholder of the points
}

func newScan(p explore.Plan, f controlplane.UsageFilter, groupBy []explore.Dimension) *scan {
	return &scan{plan: p, filter: f, groupBy: groupBy, table: "usage_", points: p.Points != nil}
}

func (s *scan) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// usage returns the rows of all parts with the given columns.
func (s *scan) usage(columns string) string {
	parts := make([]string, len(s.plan.Parts))
	where := s.where()
	for i, p := range s.plan.Parts {
		name := p.Level.String()
		switch {
		case p.Local:
			name = "local_" + name
		case p.Tabled:
			name = p.Cube.String() + "_" + name
		}
		selected := columns
		if strings.Contains(columns, pointColumn) {
			selected = strings.ReplaceAll(columns, pointColumn, s.point(p))
		}
		selected = expand(selected, p.Cube, s.measure)
		parts[i] = `select ` + selected + ` from ` + s.table + name +
			` where bucket >= ` + s.arg(p.From) + ` and bucket < ` + s.arg(p.To) + where
	}
	return strings.Join(parts, ` union all `)
}

// pointColumn stands for the number of the point, from 0, in the columns of usage.
const pointColumn = `<point>`

func (s *scan) point(p explore.Part) string {
	if !s.points {
		return `0`
	}
	starts := s.plan.Points
	if p.Local {
		starts = s.plan.Dates
	}
	if s.at == "" {
		s.at = s.arg(starts)
	}
	return `width_bucket(bucket, ` + s.at + `::timestamptz[]) - 1`
}

// local says whether the rows are those of accounts in their own zones. Some of
// these take away what others have, so that a group may be there and have nothing.
func (s *scan) local() bool { return len(s.plan.Parts) > 0 && s.plan.Parts[0].Local }

// having leaves out groups that have nothing, where there may be such.
func (s *scan) having() string {
	if !s.local() {
		return ``
	}
	sums := make([]string, 0, explore.Imported)
	for d := wire.Allowed; d <= explore.Imported; d++ {
		sums = append(sums, `sum(requests) filter (where decision_of = `+strconv.Itoa(int(d))+`) <> 0`)
	}
	return ` having ` + strings.Join(sums, ` or `)
}

// where writes the conditions of the filter.
func (s *scan) where() string {
	var b strings.Builder
	any := func(column string, list any, n int, kind string) {
		if n > 0 {
			b.WriteString(` and ` + column + ` = any(` + s.arg(list) + kind + `)`)
		}
	}
	f := s.filter
	any(`account_id`, toInt64s(f.Accounts), len(f.Accounts), `::bigint[]`)
	any(`key_id`, toInt64s(f.Keys), len(f.Keys), `::bigint[]`)
	any(`endpoint_id`, toInt64s(f.Endpoints), len(f.Endpoints), `::bigint[]`)
	any(`tier_id`, toInt64s(f.Tiers), len(f.Tiers), `::bigint[]`)
	any(`status`, f.Statuses, len(f.Statuses), `::int[]`)
	any(`decision`, decisionNumbers(f.Decisions), len(f.Decisions), `::smallint[]`)
	for i, values := range s.among {
		any(dimensionColumns[s.groupBy[i]], values, len(values), `::bigint[]`)
	}
	any(`meter_id`, toInt64s(s.meters), len(s.meters), `::bigint[]`)
	return b.String()
}

// onlyAmong leaves out rows of which it is easily seen that they are in none of
// some groups.
func (s *scan) onlyAmong(keys []explore.GroupKey) {
	s.among = make([][]int64, len(s.groupBy))
	for i := range s.groupBy {
		for _, k := range keys {
			if !slices.Contains(s.among[i], k[i]) {
				s.among[i] = append(s.among[i], k[i])
			}
		}
	}
}

// dimensions lists the columns to split by.
func (s *scan) dimensions() string {
	columns := make([]string, len(s.groupBy))
	for i, d := range s.groupBy {
		columns[i] = dimensionColumns[d]
	}
	return strings.Join(columns, `, `)
}

// keyColumns lists the columns of a group's key: those to split by, and zeros.
func (s *scan) keyColumns() string {
	columns := make([]string, explore.MaxDimensions)
	for i := range columns {
		columns[i] = `0::bigint`
		if i < len(s.groupBy) {
			columns[i] = dimensionColumns[s.groupBy[i]] + `::bigint`
		}
	}
	return strings.Join(columns, `, `)
}

// ranked returns the rows of all parts with their point, their group's rank and
// the given columns. Rank 0 is what is not among the groups.
func (s *scan) ranked(keys []explore.GroupKey, columns string) string {
	if len(keys) == 0 {
		return s.usage(pointColumn + ` as point, 0 as rank, ` + columns)
	}
	inner := columns
	on := make([]string, len(s.groupBy))
	lists := make([]string, len(s.groupBy))
	for i, d := range s.groupBy {
		name := `k` + strconv.Itoa(i)
		inner += `, ` + dimensionColumns[d] + ` as ` + name
		values := make([]int64, len(keys))
		for j, k := range keys {
			values[j] = k[i]
		}
		on[i], lists[i] = `r.`+name+` = g.`+name, s.arg(values)+`::bigint[]`
	}
	names := make([]string, len(on))
	for i := range names {
		names[i] = `k` + strconv.Itoa(i)
	}
	return `select r.*, coalesce(g.rank, 0) as rank from (` + s.usage(pointColumn+` as point, `+inner) + `) r left join unnest(` + strings.Join(lists, `, `) +
		`) with ordinality as g (` + strings.Join(names, `, `) + `, rank) on ` + strings.Join(on, ` and `)
}
