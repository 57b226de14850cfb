package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/preview"
)

// beginQuotas tells a replay what its quotas had of the periods that it begins in: the
// requests that were let through since. It is one question, whatever the number of
// accounts: those whose periods begin together share the stretches of rollups.
func beginQuotas(ctx context.Context, tx pgx.Tx, r controlplane.Range, kept explore.Kept, accounts []preview.Account, replay *preview.Replay) error {
	q := replay.Quotas()
	p := newPeriodsBegun(r.From, kept, q.Periods, accounts)
	sql, args := p.query(q.ByKey, q.ByEndpoint)
	if sql == "" {
		return nil
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var b preview.Before
	var period, n int
	_, err = pgx.ForEachRow(rows, []any{&period, &b.Account, &b.Surely, &b.Key, &b.Endpoint, &b.Requests, &b.Cost, &b.Bytes}, func() error {
		if n++; n > preview.MaxRows {
			return errPreviewTooLarge
		}
		b.Period = q.Periods[period]
		return replay.Begin(b)
	})
	return err
}

// periodsBegun are the periods that accounts are in, and the stretches of rollups that
// these have had so far. Periods that begin together are one group.
type periodsBegun struct {
	accounts []int64
	periods  []int32 // of each account, by its place in the list of periods, and
	groups   []int32 // of which group
	parts    [len(controlplane.Granularities)]groupedStretches
}

// groupedStretches are stretches of one rollup, in columns.
type groupedStretches struct {
	groups     []int32
	begin, end []time.Time
	surely     []bool
}

func newPeriodsBegun(from time.Time, kept explore.Kept, periods []controlplane.Period, accounts []preview.Account) (p periodsBegun) {
	groups := map[time.Time]int32{}
	for i, period := range periods {
		for _, a := range accounts {
			start := a.Calendar.At(period, from).Start
			if !start.Before(from) {
				continue
			}
			group, ok := groups[start]
			if !ok {
				group = int32(len(groups))
				groups[start] = group
				for _, s := range preview.Since(start, from, kept) {
					p.parts[s.Granularity].add(group, s)
				}
			}
			p.accounts, p.periods, p.groups = append(p.accounts, int64(a.ID)), append(p.periods, int32(i)), append(p.groups, group)
		}
	}
	return p
}

func (g *groupedStretches) add(group int32, s preview.Stretch) {
	g.groups, g.surely = append(g.groups, group), append(g.surely, s.Surely)
	g.begin, g.end = append(g.begin, s.From), append(g.end, s.To)
}

// query writes the question; it is empty when there is nothing to ask. The first and
// last moments of a rollup are there for its partitions to be chosen by.
func (p *periodsBegun) query(byKey, byEndpoint bool) (string, []any) {
	args := []any{p.accounts, p.periods, p.groups, preview.MaxRows + 1}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	var parts []string
	for _, g := range controlplane.Granularities {
		s := p.parts[g]
		if len(s.groups) == 0 {
			continue
		}
		first, last := s.begin[0], s.end[0]
		for i := range s.begin {
			if s.begin[i].Before(first) {
				first = s.begin[i]
			}
			last = later(last, s.end[i])
		}
		parts = append(parts, `
			select a.period, s.surely, u.* from a
			join unnest(`+arg(s.groups)+`::int[], `+arg(s.begin)+`::timestamptz[], `+arg(s.end)+`::timestamptz[], `+arg(s.surely)+`::bool[])
				as s (period_group, begins, ends, surely) on s.period_group = a.period_group
			join (select bucket, account_id, key_id, endpoint_id, requests, cost, bytes_in + bytes_out as bytes from usage_`+g.String()+`
				where bucket >= `+arg(first)+` and bucket < `+arg(last)+` and decision = 1) u
				on u.account_id = a.account_id and u.bucket >= s.begins and u.bucket < s.ends`)
	}
	if len(parts) == 0 {
		return "", nil
	}
	key, endpoint := `0::bigint`, `0::bigint`
	if byKey {
		key = `key_id`
	}
	if byEndpoint {
		endpoint = `endpoint_id`
	}
	return `with a as not materialized (select * from unnest($1::bigint[], $2::int[], $3::int[]) as a (account_id, period, period_group))
		select period, account_id, surely, ` + key + ` as key, ` + endpoint + ` as endpoint, sum(requests)::bigint, sum(cost)::bigint, sum(bytes)::bigint
		from (` + strings.Join(parts, ` union all `) + `) u group by period, account_id, surely, key, endpoint limit $4`, args
}
