package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

const tiers = 4 // with the one that a new database has

// surround stores what usage names.
func surround(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range []string{
		fmt.Sprintf(`insert into tiers (name) select 'Tier ' || n from generate_series(2, %d) n`, tiers),
		`insert into tier_versions (tier_id, number, state, published_at) select id, 2, 'published', now() from tiers`,
		`insert into limits (tier_id) select t.id from tiers t, generate_series(1, 4)`,
		`insert into version_limits (version_id, limit_id, tier_id, position, name, subject, selector, measure, kind, amount, period, burst, mode, fail_open, refund_errors)
			select v.id, i.id, t.id, l.position, l.name, l.subject, 'all', l.measure, l.kind, l.amount, l.period, l.burst, l.mode, true, false
			from tiers t, (values
				(1, 'account-rate', 'account', 'requests', 'rate', 6000, 'minute', 6000, 'enforce'),
				(2, 'key-rate', 'key', 'requests', 'rate', 1000, 'minute', 1000, 'shadow'),
				(3, 'bytes', 'account', 'bytes', 'rate', 100000000, 'minute', 100000000, 'soft'),
				(4, 'monthly', 'account', 'requests', 'quota', 10000000, 'month', null, 'enforce')
			) l (position, name, subject, measure, kind, amount, period, burst, mode),
			(select *, row_number() over (partition by tier_id order by id desc) as place from limits) i, tier_versions v
			where v.tier_id = t.id and v.number = 2 and i.tier_id = t.id and i.place = l.position`,
		`update tier_versions set sealed = true where number = 2`,
		`insert into cohorts (tier_id, version_id, head) select tier_id, id, true from tier_versions v where number = 2
			and not exists (select from cohorts c where c.tier_id = v.tier_id)`,
		`update cohorts c set version_id = v.id from tier_versions v where v.tier_id = c.tier_id and v.number = 2`,
		fmt.Sprintf(`insert into accounts (name, tier_id) select 'Account ' || n, 1 + n %% %d from generate_series(1, %d) n`, tiers, accounts),
		fmt.Sprintf(`insert into keys (account_id, name, prefix, digest) select n, 'Key ' || n, 'weir_', sha256(n::text::bytea) from generate_series(1, %d) n`, accounts),
		fmt.Sprintf(`insert into endpoints (method, template, route, cost) select 'GET', '/v1/things' || n, '/v1/things' || n, 1 from generate_series(1, %d) n`, endpoints),
		fmt.Sprintf(`insert into sources (source, node, began_at) select (lpad(to_hex(n), 2, '0') || repeat('0', 30))::uuid, 'gateway-' || n, now() from generate_series(1, %d) n`, sources),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("store the policy: %w", err)
		}
	}
	return nil
}

// makePartitions has commits make the partitions, with a request of nobody's in
// each. Minutes are not kept longer than there are any.
func makePartitions(ctx context.Context, conn *pgx.Conn, db *postgres.DB, begin, now time.Time) error {
	_, err := conn.Exec(ctx, `update retention set kept_from = $1 where level = 'minute'`, now.AddDate(0, 0, -minuteDays).Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	b := &wire.Batch{Source: wire.SourceID{99}, Sequence: 1, Node: "gateway-99"}
	for t := begin; !t.After(now); t = t.AddDate(0, 0, 1) {
		b.Entries = append(b.Entries, wire.Entry{EntryKey: wire.EntryKey{Minute: t.Unix() / 60, Decision: wire.Unready}, Requests: 1})
	}
	_, err = db.CommitBatches(ctx, []*wire.Batch{b})
	return err
}

// follow stores what follows from usage: what limits said, what is left of them,
// and the denials of a day.
func follow(ctx context.Context, conn *pgx.Conn, now time.Time) error {
	for _, level := range []string{"minute", "hour", "day", "month"} {
		_, err := conn.Exec(ctx, `
			insert into verdict_`+level+`
			select u.bucket, l.limit_id, u.account_id, case l.mode when 'enforce' then 1 when 'soft' then 2 else 3 end, sum(u.requests), sum(u.requests)
			from usage_`+level+` u join version_limits l on l.tier_id = u.tier_id and l.kind = 'rate' and l.position > 0
			where u.decision = 2 and u.bucket >= $1 group by 1, 2, 3, 4`, now.AddDate(0, 0, -62))
		if err != nil {
			return fmt.Errorf("store verdicts by the %s: %w", level, err)
		}
	}
	_, err := conn.Exec(ctx, `
		insert into sent_source (day, source, requests)
		select day, source, (requests + number - 1) / $1
		from (select day, sum(requests)::bigint as requests from sent_usage group by day) d,
			(select source, row_number() over (order by source) as number from sources where not exists (select from sent_source o where o.source = sources.source)) s`, sources)
	if err != nil {
		return fmt.Errorf("store what sources sent: %w", err)
	}
	for _, sql := range []string{
		`insert into levels select a.id, l.limit_id, case l.subject when 'key' then a.id else 0 end, l.amount / 3, $1
			from accounts a join version_limits l using (tier_id) where l.position > 0 and l.kind = 'rate'`,
		`insert into quota_ledger (account_id, key_id, limit_id, epoch, period, measure, period_start, period_end, amount, leasable, committed, consumed)
			select a.id, 0, l.limit_id, 0, l.period, l.measure, date_trunc('month', $1::timestamptz), date_trunc('month', $1::timestamptz) + interval '1 month', l.amount, l.amount, 5000, 4000
			from accounts a join version_limits l using (tier_id) where l.position > 0 and l.kind = 'quota'`,
		`insert into denials (at, request_id, account_id, key_id, endpoint_id, limit_id, decision, method, path, retry_after_ms, levels)
			select $1::timestamptz - n * interval '860 milliseconds', 'req-' || n, a.id, a.id, 1 + n % 20, l.limit_id, 2, 'GET', '/v1/things/' || n, 900, array[l.limit_id, 0, l.amount]
			from generate_series(1, 100000) n join accounts a on a.id = 1 + n * 7919 % 1000
			join version_limits l on l.tier_id = a.tier_id and l.position = 1`,
	} {
		if _, err := conn.Exec(ctx, sql, now); err != nil {
			return fmt.Errorf("store what follows from usage: %w", err)
		}
	}
	_, err = conn.Exec(ctx, `vacuum analyze`)
	return err
}
