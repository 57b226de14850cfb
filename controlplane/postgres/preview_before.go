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
// accounts.
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

// periodsBegun are the stretches of rollups that the periods which accounts are in have
// had so far, by rollup.
type periodsBegun [len(controlplane.Granularities)]accountStretches

// accountStretches are stretches of one rollup, each of a period of an account, in
// columns. The database sees how many there are, and so scans the rollup once where they
// are of many accounts.
type accountStretches struct {
	accounts   []int64
	periods    []int32 // by their places in the list of periods
	begin, end []time.Time
	surely     []bool
}

func newPeriodsBegun(from time.Time, kept explore.Kept, periods []controlplane.Period, accounts []preview.Account) *periodsBegun {
	p := &periodsBegun{}
	since := map[time.Time][]preview.Stretch{}
	for i, period := range periods {
		for _, a := range accounts {
			start := a.Calendar.At(period, from).Start
			if !start.Before(from) {
				continue
			}
			all, ok := since[start]
			if !ok {
				all = preview.Since(start, from, kept)
				since[start] = all
			}
			for _, s := range all {
				p[s.Granularity].add(a.ID, i, s)
			}
		}
	}
	return p
}

func (a *accountStretches) add(account controlplane.ID, period int, s preview.Stretch) {
	a.accounts, a.periods, a.surely = append(a.accounts, int64(account)), append(a.periods, int32(period)), append(a.surely, s.Surely)
	a.begin, a.end = append(a.begin, s.From), append(a.end, s.To)
}

// query writes the question; it is empty when there is nothing to ask. The first and
// last moments of a rollup are there for its partitions to be chosen by.
func (p *periodsBegun) query(byKey, byEndpoint bool) (string, []any) {
	args := []any{preview.MaxRows + 1}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	key, endpoint := `0::bigint`, `0::bigint`
	if byKey {
		key = `key_id`
	}
	if byEndpoint {
		endpoint = `endpoint_id`
	}
	var parts []string
	for _, g := range controlplane.Granularities {
		s := &p[g]
		if len(s.accounts) == 0 {
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
			select s.period, u.account_id, s.surely, `+key+` as key, `+endpoint+` as endpoint, requests, cost, bytes_in + bytes_out as bytes
			from unnest(`+arg(s.accounts)+`::bigint[], `+arg(s.periods)+`::int[], `+arg(s.begin)+`::timestamptz[], `+arg(s.end)+`::timestamptz[], `+arg(s.surely)+`::bool[])
				as s (account_id, period, begins, ends, surely)
			join usage_`+g.String()+` u on u.account_id = s.account_id and u.bucket >= s.begins and u.bucket < s.ends
			where u.bucket >= `+arg(first)+` and u.bucket < `+arg(last)+` and u.decision = 1`)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return `select period, account_id, surely, key, endpoint, sum(requests)::bigint, sum(cost)::bigint, sum(bytes)::bigint
		from (` + strings.Join(parts, ` union all `) + `) u group by period, account_id, surely, key, endpoint limit $1`, args
}
