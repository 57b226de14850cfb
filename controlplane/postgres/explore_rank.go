package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/explore"
)

// rank finds the groups of the answer.
func (r *reader) rank(ctx context.Context) error {
	if len(r.q.GroupBy) == 0 {
		return nil
	}
	if err := r.find(ctx, r.q.Top+1); err != nil {
		return err
	}
	if r.more = len(r.keys) > r.q.Top; r.more {
		r.keys = r.keys[:r.q.Top]
	}
	return nil
}

// find finds the largest groups after those that were given before.
func (r *reader) find(ctx context.Context, most int) error {
	if r.q.OrderByMeter != 0 {
		return r.rankByMeter(ctx, most)
	}
	packed, rest := r.in(r.whole(r.plan), explore.NeedOf(r.q.GroupBy, r.q.Filter, false)).Split()
	if len(packed.Parts) == 0 {
		return r.rankRows(ctx, rest, most)
	}
	ranking := explore.NewRanking(r.q.GroupBy, r.q.Filter, r.q.OrderBy)
	if err := readPacks(ctx, r.tx, packed.Parts, false, ranking.AddPacked); err != nil {
		return err
	}
	if len(rest.Parts) > 0 {
		if err := r.addRanked(ctx, rest, ranking); err != nil {
			return err
		}
	}
	r.keys, r.count = ranking.Top(most, r.q.After)
	return nil
}

// rankRows has the database find the largest groups.
func (r *reader) rankRows(ctx context.Context, whole explore.Plan, most int) error {
	s := newScan(whole, r.q.Filter, r.q.GroupBy)
	s.measure = r.q.OrderBy
	dimensions := s.dimensions()
	columns := dimensions + `, ` + measureColumn + ` as m`
	if s.local() {
		columns += `, requests, decision as decision_of`
	}
	return r.findAmong(ctx, fmt.Sprintf(`select %s, coalesce(sum(m), 0) from (%s) u group by %s%s`,
		s.keyColumns(), s.usage(columns), dimensions, s.having()), s, most)
}

// findAmong has the database find the groups of the answer among all of a scan, which
// come with their keys and what they are ranked by.
func (r *reader) findAmong(ctx context.Context, groups string, s *scan, most int) error {
	after := `true`
	if p := r.q.After; p != nil {
		after = fmt.Sprintf(`(m < %[1]s::bigint or m = %[1]s::bigint and (k0, k1, k2) > (%[2]s::bigint, %[3]s::bigint, %[4]s::bigint))`,
			s.arg(p.Value), s.arg(p.Key[0]), s.arg(p.Key[1]), s.arg(p.Key[2]))
	}
	// The count comes in a row of its own, as there may be no group after the place.
	rows, err := r.tx.Query(ctx, fmt.Sprintf(`
		with g (k0, k1, k2, m) as materialized (%s)
		select count(*), 0::bigint, 0::bigint, 0::bigint from g union all
		(select null, k0, k1, k2 from g where %s order by m desc, k0, k1, k2 limit %d)`, groups, after, most), s.args...)
	if err != nil {
		return err
	}
	var count *int
	var k explore.GroupKey
	_, err = pgx.ForEachRow(rows, []any{&count, &k[0], &k[1], &k[2]}, func() error {
		if count != nil {
			r.count = *count
		} else {
			r.keys = append(r.keys, k)
		}
		return nil
	})
	return err
}

// addRanked adds what rows have to a ranking. They are not in the accounts' own
// zones: such have no packs beside them.
func (r *reader) addRanked(ctx context.Context, p explore.Plan, ranking *explore.Ranking) error {
	s := newScan(p, r.q.Filter, r.q.GroupBy)
	s.measure = r.q.OrderBy
	rows, err := r.tx.Query(ctx, fmt.Sprintf(`select %s, coalesce(sum(m), 0)::bigint from (%s) u group by %s`,
		s.keyColumns(), s.usage(s.dimensions()+`, `+measureColumn+` as m`), s.dimensions()), s.args...)
	if err != nil {
		return err
	}
	var k explore.GroupKey
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&k[0], &k[1], &k[2], &n}, func() error { return ranking.Add(k, n) })
	return err
}
